"""The part of Stripe's API about Checkout Sessions, their payments and events."""

from typing import Any

from fastapi import Request, Response

from modelpick_simulators.stripe.answering import (
    UsesDesk,
    answer,
    api_router,
    expand_paths,
    once,
    only_expand,
)
from modelpick_simulators.stripe.checkout import Cause
from modelpick_simulators.stripe.entities import CheckoutSession, Event
from modelpick_simulators.stripe.expansion import expanded_intent, expanded_session, line_items
from modelpick_simulators.stripe.forms import decode_form
from modelpick_simulators.stripe.listing import created_within, listed
from modelpick_simulators.stripe.objects import JsonObject, event_object
from modelpick_simulators.stripe.parameters import session_parameters

router = api_router()


@router.post("/checkout/sessions")
async def create_session(request: Request, desk: UsesDesk) -> Response:
    def create(form: dict[str, Any], _cause: Cause) -> JsonObject:
        parameters = session_parameters(form, now=int(desk.checkout.clock()))
        return expanded_session(desk.checkout.create(parameters), parameters.expand, desk.store)

    return await once(request, desk, create)


@router.get("/checkout/sessions")
async def list_sessions(request: Request, desk: UsesDesk) -> Response:
    desk.checkout.expire_what_is_due()
    query = decode_form(request.url.query)
    expand = [path.removeprefix("data.") for path in expand_paths(query)]
    found = listed(
        desk.store.sessions.values(),
        query,
        filters={
            "created": created_within,
            "payment_intent": lambda session, wanted: session.payment_intent_id == wanted,
            "status": lambda session, wanted: session.status == wanted,
            "customer_details": _paid_by,
        },
        render=lambda session: expanded_session(session, expand, desk.store),
        url="/v1/checkout/sessions",
    )
    return answer(found)


@router.get("/checkout/sessions/{session_id}")
async def retrieve_session(session_id: str, request: Request, desk: UsesDesk) -> Response:
    expand = only_expand(decode_form(request.url.query))
    return answer(expanded_session(desk.checkout.session(session_id), expand, desk.store))


@router.get("/checkout/sessions/{session_id}/line_items")
async def list_line_items(session_id: str, desk: UsesDesk) -> Response:
    return answer(line_items(desk.checkout.session(session_id)))


@router.post("/checkout/sessions/{session_id}/expire")
async def expire_session(session_id: str, request: Request, desk: UsesDesk) -> Response:
    def expire(form: dict[str, Any], cause: Cause) -> JsonObject:
        expand = only_expand(form)
        return expanded_session(desk.checkout.expire(session_id, cause), expand, desk.store)

    return await once(request, desk, expire)


@router.get("/payment_intents/{intent_id}")
async def retrieve_payment_intent(intent_id: str, request: Request, desk: UsesDesk) -> Response:
    expand = only_expand(decode_form(request.url.query))
    return answer(expanded_intent(desk.store.payment_intent(intent_id), expand, desk.store))


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
    return answer(found)


@router.get("/events/{event_id}")
async def retrieve_event(event_id: str, desk: UsesDesk) -> Response:
    return answer(event_object(desk.store.event(event_id)))


def _paid_by(session: CheckoutSession, wanted: dict[str, str]) -> bool:
    return wanted.get("email") in {session.payer_email, session.parameters.customer_email}


def _one_of_types(event: Event, wanted: dict[str, str]) -> bool:
    return event.type in wanted.values()
