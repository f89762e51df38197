"""`POST /emails` and `GET /emails/{id}`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse

from modelpick_simulators.mail.resend.desk import Desk, the_desk
from modelpick_simulators.mail.resend.errors import ResendError
from modelpick_simulators.mail.resend.faults import Fault
from modelpick_simulators.mail.resend.requests import NewEmail, parse_email

router = APIRouter(prefix="/emails")


async def admitted(
    desk: Annotated[Desk, Depends(the_desk)], response: Response, authorization: Annotated[str, Header()] = ""
) -> Desk:
    """Let a request in that has a key and is not one too many."""
    scheme, _, key = authorization.partition(" ")
    if scheme != "Bearer" or not key:
        raise ResendError("missing_api_key")
    if desk.api_key and key != desk.api_key:
        raise ResendError("invalid_api_key")
    response.headers.update(desk.rate_limit.take())
    return desk


@router.post("")
async def send(
    request: Request,
    desk: Annotated[Desk, Depends(admitted)],
    idempotency_key: Annotated[str | None, Header()] = None,
) -> dict[str, str]:
    body, fault = await request.body(), desk.fault.take()
    fault.refuse()
    known = desk.idempotency.begin(idempotency_key, body)
    if known is None:
        known = await _accept(desk, fault, idempotency_key, body)
    await fault.after_accepting()
    return {"id": known}


@router.get("/{email_id}")
async def retrieve(email_id: str, desk: Annotated[Desk, Depends(admitted)]) -> dict[str, Any]:
    if email_id not in desk.outgoing.emails:
        raise ResendError("not_found", "Email not found")
    return desk.outgoing.emails[email_id].as_json()


async def _accept(desk: Desk, fault: Fault, key: str | None, body: bytes) -> str:
    content = _parsed(desk, key, body)
    await fault.before_accepting()
    email = desk.outgoing.accept(content)
    desk.idempotency.finish(key, email.id)
    desk.tell_of(email)
    return email.id


def _parsed(desk: Desk, key: str | None, body: bytes) -> NewEmail:
    try:
        return parse_email(body)
    except ResendError:
        desk.idempotency.forget(key)
        raise


async def refuse(_request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, ResendError):
        raise problem
    return JSONResponse(problem.body, status_code=problem.status, headers=problem.headers)
