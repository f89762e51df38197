"""The part of Stripe's API that ModelPick uses."""

import json
import secrets
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from modelpick_simulators.stripe.checkout import Cause
from modelpick_simulators.stripe.desk import Desk, the_desk
from modelpick_simulators.stripe.entities import CheckoutSession, Event
from modelpick_simulators.stripe.errors import StripeError, unknown_parameter
from modelpick_simulators.stripe.expansion import expanded_intent, expanded_session, line_items
from modelpick_simulators.stripe.forms import as_list, decode_form
from modelpick_simulators.stripe.ids import new_id
from modelpick_simulators.stripe.listing import created_within, listed
from modelpick_simulators.stripe.objects import API_VERSION, JsonObject, event_object
from modelpick_simulators.stripe.parameters import session_parameters

UsesDesk = Annotated[Desk, Depends(the_desk)]


async def authorised(request: Request, desk: UsesDesk) -> None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise StripeError(
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if not secrets.compare_digest(key.encode(), desk.secret_key.encode()):
        raise StripeError(f"Invalid API Key provided: {key[:7]}****{key[-4:]}", status=401)


router = APIRouter(prefix="/v1", dependencies=[Depends(authorised)])


@router.post("/checkout/sessions")
async def create_session(request: Request, desk: UsesDesk) -> Response:
    def create(form: dict[str, Any], _cause: Cause) -> JsonObject:
        parameters = session_parameters(form, now=int(desk.checkout.clock()))
        return expanded_session(desk.checkout.create(parameters), parameters.expand, desk.store)

    return await _once(request, desk, create)


@router.get("/checkout/sessions")
async def list_sessions(request: Request, desk: UsesDesk) -> Response:
    desk.checkout.expire_what_is_due()
    found = listed(
        desk.store.sessions.values(),
        decode_form(request.url.query),
        filters={
            "created": created_within,
            "payment_intent": lambda session, wanted: session.payment_intent_id == wanted,
            "status": lambda session, wanted: session.status == wanted,
            "customer_details": _paid_by,
        },
        render=lambda session: expanded_session(session, [], desk.store),
        url="/v1/checkout/sessions",
    )
    return _answer(found)


@router.get("/checkout/sessions/{session_id}")
async def retrieve_session(session_id: str, request: Request, desk: UsesDesk) -> Response:
    expand = _only_expand(decode_form(request.url.query))
    return _answer(expanded_session(desk.checkout.session(session_id), expand, desk.store))


@router.get("/checkout/sessions/{session_id}/line_items")
async def list_line_items(session_id: str, desk: UsesDesk) -> Response:
    return _answer(line_items(desk.checkout.session(session_id)))


@router.post("/checkout/sessions/{session_id}/expire")
async def expire_session(session_id: str, request: Request, desk: UsesDesk) -> Response:
    def expire(form: dict[str, Any], cause: Cause) -> JsonObject:
        expand = _only_expand(form)
        return expanded_session(desk.checkout.expire(session_id, cause), expand, desk.store)

    return await _once(request, desk, expire)


@router.get("/payment_intents/{intent_id}")
async def retrieve_payment_intent(intent_id: str, request: Request, desk: UsesDesk) -> Response:
    expand = _only_expand(decode_form(request.url.query))
    return _answer(expanded_intent(desk.store.payment_intent(intent_id), expand, desk.store))


@router.get("/events")
async def list_events(request: Request, desk: UsesDesk) -> Response:
    desk.checkout.expire_what_is_due()
    found = listed(
        desk.store.events.values(),
        decode_form(request.url.query),
        filters={
            "created": created_within,
            "type": lambda event, wanted: event.type == wanted,
            "types": _one_of_types,
            "delivery_success": lambda event, wanted: event.delivered == (wanted == "true"),
        },
        render=event_object,
        url="/v1/events",
    )
    return _answer(found)


@router.get("/events/{event_id}")
async def retrieve_event(event_id: str, desk: UsesDesk) -> Response:
    return _answer(event_object(desk.store.event(event_id)))


async def _once(
    request: Request, desk: Desk, operation: Callable[[dict[str, Any], Cause], JsonObject]
) -> Response:
    """Run a changing request, or replay what its idempotency key was first answered."""
    form = decode_form((await request.body()).decode())
    key, path = request.headers.get("Idempotency-Key"), request.url.path
    replayed = desk.idempotency.replay(key, path, form) if key else None
    if replayed is not None:
        return _raw_answer(replayed, {"Idempotent-Replayed": "true", "Idempotency-Key": key or ""})
    request_id = new_id("req", 14)
    body = _encoded(operation(form, Cause(request_id, key)))
    if key:
        desk.idempotency.store(key, path, form, body)
    return _raw_answer(body, {"Request-Id": request_id} | ({"Idempotency-Key": key} if key else {}))


def _answer(body: JsonObject) -> Response:
    return _raw_answer(_encoded(body), {})


def _raw_answer(body: bytes, headers: dict[str, str]) -> Response:
    every = {"Request-Id": new_id("req", 14), "Stripe-Version": API_VERSION}
    return Response(body, media_type="application/json", headers=every | headers)


def _encoded(body: JsonObject) -> bytes:
    return json.dumps(body, indent=2).encode()


def _only_expand(form: dict[str, Any]) -> list[str]:
    for name in form:
        if name not in {"expand", "client_secret"}:
            raise unknown_parameter(name)
    paths = as_list(form.get("expand", {}))
    if not isinstance(paths, list):
        raise StripeError("Invalid array", param="expand")
    return paths


def _paid_by(session: CheckoutSession, wanted: dict[str, str]) -> bool:
    return wanted.get("email") in {session.payer_email, session.parameters.customer_email}


def _one_of_types(event: Event, wanted: dict[str, str]) -> bool:
    return event.type in wanted.values()
