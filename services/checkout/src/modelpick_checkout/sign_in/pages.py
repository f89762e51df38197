"""`/auth/verify`: where a mailed link leads. It signs in on a click only, so that mail scanners do not."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from modelpick_checkout.dependencies import Transaction, UsesParts, Visitor
from modelpick_checkout.sign_in.cookies import set_session_cookie
from modelpick_checkout.sign_in.way_back import START, forget_way_back, login_for, way_back
from modelpick_shared.http.request_body import small_form
from modelpick_shared.http.sessions import SESSION_COOKIE

router = APIRouter(default_response_class=Response)


@router.get("/auth/verify")
async def verify_page(
    request: Request, parts: UsesParts, user: Visitor, token: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    return parts.page(request, "verify.html", {"token": token}, visitor=user)


@router.post("/auth/verify")
async def verify(
    request: Request,
    parts: UsesParts,
    session: Transaction,
    user: Visitor,
    form: Annotated[dict[str, str], Depends(small_form)],
) -> Response:
    onward = way_back(request)
    replaces = request.cookies.get(SESSION_COOKIE)
    signed_in = await parts.sign_in.verify(session, form.get("token", ""), replaces=replaces)
    if signed_in is None:
        values = {
            "email": user.email if user else "",
            "onward": onward,
            "login": "/login" if onward == START else login_for(onward),
        }
        return parts.page(request, "link_used.html", values, visitor=user, status=400)
    response = RedirectResponse(onward, status_code=303)
    set_session_cookie(response, signed_in.session_token, secure=parts.secure_cookies)
    forget_way_back(response)
    return response
