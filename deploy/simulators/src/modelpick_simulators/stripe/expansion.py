"""`expand[]`: the objects behind ids, inside the object that names them."""

from modelpick_simulators.stripe.entities import CheckoutSession, PaymentIntent
from modelpick_simulators.stripe.errors import StripeError
from modelpick_simulators.stripe.objects import JsonObject, line_item_object, session_object
from modelpick_simulators.stripe.payment_objects import charge_object, payment_intent_object
from modelpick_simulators.stripe.store import Store


def expanded_session(session: CheckoutSession, expand: list[str], store: Store) -> JsonObject:
    rendered = session_object(session)
    for path in expand:
        head, _, rest = path.partition(".")
        if head == "line_items" and not rest:
            rendered["line_items"] = line_items(session)
        elif head == "payment_intent":
            if rendered["payment_intent"] is not None:
                intent = store.payment_intent(rendered["payment_intent"])
                rendered["payment_intent"] = expanded_intent(intent, [rest] if rest else [], store)
        else:
            raise _not_expandable(path)
    return rendered


def expanded_intent(intent: PaymentIntent, expand: list[str], store: Store) -> JsonObject:
    rendered = payment_intent_object(intent)
    for path in expand:
        if path != "latest_charge":
            raise _not_expandable(path)
        if intent.latest_charge_id is not None:
            rendered["latest_charge"] = charge_object(store.charge(intent.latest_charge_id))
    return rendered


def line_items(session: CheckoutSession) -> JsonObject:
    items = enumerate(session.parameters.line_items)
    return {
        "object": "list",
        "data": [line_item_object(session, position, item) for position, item in items],
        "has_more": False,
        "url": f"/v1/checkout/sessions/{session.id}/line_items",
    }


def _not_expandable(path: str) -> StripeError:
    return StripeError(f"This property cannot be expanded ({path}).", param="expand")
