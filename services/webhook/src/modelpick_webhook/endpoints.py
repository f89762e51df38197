import time
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request, Response

from modelpick_shared.http import Problem
from modelpick_webhook.errors import InvalidEventError, InvalidSignatureError
from modelpick_webhook.intake import Intake
from modelpick_webhook.metrics import LAG_SECONDS, REFUSED_REQUESTS, STRIPE_EVENTS
from modelpick_webhook.reversals import REVERSING
from modelpick_webhook.schemas import Event, parse_event
from modelpick_webhook.service import ENDING, PAYING, Result
from modelpick_webhook.signature import verify

log = structlog.get_logger()

# Events are a few KiB; Stripe cuts larger ones.
MAX_BODY_BYTES = 256 * 1024
HANDLED = PAYING | ENDING | REVERSING

router = APIRouter(prefix="/api/webhooks")


@dataclass(frozen=True)
class Parts:
    """What the endpoint needs, wired in `app.py`."""

    intake: Intake
    secrets: list[str]


@router.post("/stripe")
async def stripe_event(request: Request) -> Response:
    """Take an event; 200 means that what it asks for is stored for good."""
    parts: Parts = request.app.state.parts
    if not parts.secrets:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "No webhook secret is configured here.")
    body = await _body(request)
    try:
        verify(body, request.headers.get("stripe-signature", ""), parts.secrets)
        event = parse_event(body)
        result = await parts.intake.take(event)
    except (InvalidSignatureError, InvalidEventError) as error:
        REFUSED_REQUESTS.inc()
        log.warning("stripe.refused", reason=str(error))
        raise Problem(HTTPStatus.BAD_REQUEST, "This is no event signed by Stripe.") from error
    _count(event, result)
    return Response(status_code=HTTPStatus.OK)


def _count(event: Event, result: Result) -> None:
    STRIPE_EVENTS.labels(event.type if event.type in HANDLED else "other", result.value).inc()
    if isinstance(event.created, int) and result not in {Result.REPEATED, Result.IGNORED}:
        LAG_SECONDS.observe(max(0.0, time.time() - event.created))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "No event of Stripe's is this large.")
    return bytes(body)
