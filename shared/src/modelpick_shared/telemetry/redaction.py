"""Keeping secrets out of what is written: logs, reasons of failures, notes in the database.

Secrets are kept out by not writing them; this is the net below, for texts of others: a vendor's error that
quotes our key or a signed link, a driver's error that quotes a row.
"""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings

REDACTED = "[redacted]"
# A shorter one would take common words out of the logs.
SHORTEST_SECRET = 8

_NAMES = (
    r"[?&](?:[\w.-]*token|sig|signature|[\w-]+-signature|[\w-]+-credential|[\w-]+-security-token)=",
    r"modelpick_session=",
    r"\b(?:bearer|basic)\s+(?=[\w.~+/=-]{8})",
    r"/(?:report|api/share)/(?=[\w-]{20})",
    r"data:image/[\w.+-]+;base64,",
)
_PATTERNS = re.compile(
    rf"(?P<name>{'|'.join(_NAMES)})[^\s&\"'<>;,/\\]+"
    r"|(?P<scheme>://)[^\s/:@\"']*:[^\s/@\"']+(?=@)"
    r"|\b(?:[sr]k_(?:live|test)_|whsec_|sk-or-)[\w-]{6,}"
    # What PostgreSQL adds to an error quotes the row; in a JSON string the line ends with an escape.
    r"|(?P<detail>DETAIL: )(?:[^\"\\\n]|\\[^n])+",
    re.IGNORECASE,
)


class _Known:
    secrets: re.Pattern[str] | None = None


def learn_secrets(settings: BaseSettings) -> None:
    """Take every secret of the settings out of what is written from now on."""
    secrets = {each for secret in _secret_settings(settings) for each in _forms(secret)}
    longest_first = sorted(secrets, key=len, reverse=True)
    _Known.secrets = re.compile("|".join(map(re.escape, longest_first))) if secrets else None


def redact(text: str) -> str:
    """Return `text` with `[redacted]` in the place of known secrets, and of what looks like one."""
    if _Known.secrets is not None:
        text = _Known.secrets.sub(REDACTED, text)
    return _PATTERNS.sub(_replacement, text)


def _replacement(found: re.Match[str]) -> str:
    return (found["name"] or found["scheme"] or found["detail"] or "") + REDACTED


def _secret_settings(settings: BaseSettings) -> Iterator[str]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()


def _forms(secret: str) -> Iterator[str]:
    """Yield a setting's secret, those inside it, and how each stands in JSON."""
    for each in _inner(secret):
        if len(each) >= SHORTEST_SECRET:
            yield each
            yield json.dumps(each)[1:-1]


def _inner(secret: str) -> Iterable[str]:
    parts = [secret, *(part.strip() for part in secret.split(","))]
    for part in parts:
        yield part
        yield from _password(part)
        name, equals, value = part.partition("=")
        if equals and "://" not in name:
            yield value.strip()


def _password(url: str) -> Iterator[str]:
    """Yield the password in an address, as written and as meant; one that is the user's name is none."""
    try:
        address = urlsplit(url)
        password = address.password if address.scheme else None
    except ValueError:
        return
    if password and password != address.username:
        yield from (password, unquote(password))
