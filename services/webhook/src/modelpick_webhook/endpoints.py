from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Header, Request, Response

from modelpick_shared.db import Database
from modelpick_shared.http import Problem
from modelpick_webhook.errors import InvalidEventError, InvalidSignatureError
from modelpick_webhook.metrics import REFUSED_REQUESTS, STRIPE_EVENTS
from modelpick_webhook.schemas import parse_event
from modelpick_webhook.service import Payments, Result
from modelpick_webhook.signature import verify

log = structlog.get_logger()

# Events are a few KiB; Stripe cuts larger ones.
MAX_BODY_BYTES = 256 * 1024

router = APIRouter(prefix="/api/webhooks")


@dataclass(frozen=True)
class Parts:
    """What the endpoint needs, wired in `app.py`."""

    database: Database
    payments: Payments
    secrets: list[str]


async def parts(request: Request) -> Parts:
    found: Parts = request.app.state.parts
    return found


@router.post("/stripe")
async def stripe_event(
    request: Request,
    parts: Annotated[Parts, Depends(parts)],
    stripe_signature: Annotated[str, Header()] = "",
) -> Response:
    """Take an event; 200 means that what it asks for is stored for good."""
    if not parts.secrets:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "No webhook secret is configured here.")
    body = await _body(request)
    try:
        verify(body, stripe_signature, parts.secrets)
        result = await _take(parts, body)
    except (InvalidSignatureError, InvalidEventError) as error:
        REFUSED_REQUESTS.inc()
        log.warning("stripe.refused", reason=str(error))
        raise Problem(HTTPStatus.BAD_REQUEST, "This is no event signed by Stripe.") from error
    STRIPE_EVENTS.labels(result=result.value).inc()
    return Response(status_code=HTTPStatus.OK)


async def _take(parts: Parts, body: bytes) -> Result:
    event = parse_event(body)
    async with parts.database.transaction() as session:
        return await parts.payments.take(session, event)


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "No event of Stripe's is this large.")
    return bytes(body)
