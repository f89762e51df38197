from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Request, Response

from modelpick_notifier import deliveries
from modelpick_notifier.deliveries import KEPT, Result
from modelpick_notifier.errors import InvalidEventError, InvalidSignatureError
from modelpick_notifier.metrics import DELIVERIES, REFUSED_REQUESTS
from modelpick_notifier.schemas import Event, parse_event
from modelpick_notifier.signature import verify
from modelpick_shared.db import Database
from modelpick_shared.http import Problem

log = structlog.get_logger()

# Events are a few KiB.
MAX_BODY_BYTES = 256 * 1024
_WANTED = frozenset(KEPT)

router = APIRouter(prefix="/api/webhooks")


@dataclass(frozen=True)
class Parts:
    """What the endpoint needs, wired in `app.py`; `domain` is the one of our Message-IDs."""

    database: Database
    keys: Sequence[bytes]
    domain: str


async def parts(request: Request) -> Parts:
    found: Parts = request.app.state.parts
    return found


@router.post("/resend")
async def resend_event(
    request: Request,
    parts: Annotated[Parts, Depends(parts)],
    svix_id: Annotated[str, Header()] = "",
    svix_timestamp: Annotated[str, Header()] = "",
    svix_signature: Annotated[str, Header()] = "",
) -> Response:
    """Take an event; 200 means that what it tells is stored, or of no interest."""
    if not parts.keys:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "No webhook secret is configured here.")
    body = await _body(request)
    try:
        verify(body, event_id=svix_id, timestamp=svix_timestamp, signatures=svix_signature, keys=parts.keys)
        event = parse_event(body, _WANTED)
    except (InvalidSignatureError, InvalidEventError) as error:
        REFUSED_REQUESTS.inc()
        log.warning("mail.event_refused", reason=str(error))
        raise Problem(HTTPStatus.BAD_REQUEST, "This is no event signed by Resend.") from error
    await _take(parts, svix_id, event)
    return Response(status_code=HTTPStatus.OK)


async def _take(parts: Parts, event_id: str, event: Event | str) -> None:
    if isinstance(event, str):
        DELIVERIES.labels(type="other", result=Result.IGNORED.value).inc()
        return
    async with parts.database.transaction() as session:
        result = await deliveries.record(session, event_id, event, domain=parts.domain)
    DELIVERIES.labels(type=event.type, result=result.value).inc()


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "No event of Resend's is this large.")
    return bytes(body)
