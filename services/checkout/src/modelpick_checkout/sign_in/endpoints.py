from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from modelpick_checkout.dependencies import Transaction, UsesParts
from modelpick_checkout.sign_in.cookies import clear_session_cookie, set_session_cookie
from modelpick_checkout.sign_in.schemas import MagicLinkRequest, Me, Verified, VerifyRequest
from modelpick_shared.http import Problem
from modelpick_shared.http.client_address import client_address
from modelpick_shared.http.rate_limits import LimitName
from modelpick_shared.http.request_body import json_body, takes
from modelpick_shared.http.sessions import SESSION_COOKIE, CurrentUser

router = APIRouter(prefix="/api")


@router.post("/auth/magic-link", status_code=202, openapi_extra=takes(MagicLinkRequest))
async def request_link(
    body: Annotated[MagicLinkRequest, Depends(json_body(MagicLinkRequest))],
    request: Request,
    parts: UsesParts,
    session: Transaction,
) -> Response:
    address = client_address(request, parts.trusted_proxies)
    await parts.limits.count(session, LimitName.SIGN_IN_PER_IP, address)
    await parts.limits.count(session, LimitName.SIGN_IN_PER_ADDRESS, body.email)
    await parts.sign_in.request_link(session, body.email)
    return Response(status_code=202)


@router.post("/auth/verify", openapi_extra=takes(VerifyRequest))
async def verify(
    body: Annotated[VerifyRequest, Depends(json_body(VerifyRequest))],
    request: Request,
    parts: UsesParts,
    session: Transaction,
    response: Response,
) -> Verified:
    signed_in = await parts.sign_in.verify(session, body.token, replaces=request.cookies.get(SESSION_COOKIE))
    if signed_in is None:
        raise Problem(400, "This link was used, has expired, or never existed. Please ask for a new one.")
    set_session_cookie(response, signed_in.session_token, secure=parts.secure_cookies)
    return Verified(email=signed_in.email)


@router.post("/auth/logout", status_code=204)
async def logout(parts: UsesParts, session: Transaction, request: Request) -> Response:
    if token := request.cookies.get(SESSION_COOKIE):
        await parts.sign_in.sign_out(session, token)
    response = Response(status_code=204)
    clear_session_cookie(response, secure=parts.secure_cookies)
    return response


@router.get("/me")
async def me(user: CurrentUser) -> Me:
    return Me(id=user.id, email=user.email)
