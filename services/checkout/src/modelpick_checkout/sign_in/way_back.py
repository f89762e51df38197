"""Where somebody goes on after signing in: the sign-in page leaves it in a cookie that only this site writes.

The mailed link does not carry it: anybody can write a link. On another device there is no cookie, and the way
leads to a new benchmark.
"""

import re
from urllib.parse import quote, unquote, urlsplit

from fastapi import Request, Response

COOKIE = "modelpick_next"
COOKIE_PATH = "/auth"
START = "/benchmark/new"
_LONGEST = 500
# Browsers read `//host` and `/\host` as another site, and leave out tabs and line ends before they look.
_PATH_OF_THIS_SITE = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*", re.ASCII)


def way_back(request: Request) -> str:
    """Return the path that the browser was on its way to, if it is one of this site."""
    wanted = unquote(request.cookies.get(COOKIE, ""))
    return wanted if is_own_path(wanted) else START


def is_own_path(address: str) -> bool:
    if len(address) > _LONGEST or not address.isascii() or not _PATH_OF_THIS_SITE.fullmatch(address):
        return False
    return urlsplit(address).netloc == ""


def login_for(address: str) -> str:
    """Return the address of the sign-in page that leads on to `address`."""
    return f"/login?next={quote(address, safe='')}" if is_own_path(address) else "/login"


def forget_way_back(response: Response) -> None:
    response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite="lax")
