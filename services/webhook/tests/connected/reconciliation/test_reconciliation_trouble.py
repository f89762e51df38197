"""What one order, refund or event has wrong with it, and what that must not keep from being settled."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func

from modelpick_shared.db.payments import Dispute, Order, Refund
from modelpick_shared.ids import new_id
from modelpick_shared.testing import an_order_for, config_snapshot
from modelpick_webhook import stripe_gateway
from modelpick_webhook.errors import UnknownSessionError

# The client hands its encoded form to httpx in a way that httpx is about to give up.
pytestmark = [
    pytest.mark.connected,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]

FULFILLED = (["paid"], ["paid"], 1, ["report.paid"])


@pytest.mark.parametrize(("way", "noted"), [("refund", "refunded"), ("dispute", "disputed")])
async def test_a_payment_that_has_gone_back_meanwhile_is_not_fulfilled(
    compare, session_at_stripe, pay, stripe, state, *, rows, way, noted
):
    paid = await pay(session_at_stripe)
    intent = {"payment_intent": paid["payment_intent"]}
    if way == "refund":
        answer = await stripe.post("/v1/refunds", data=intent)
    else:
        answer = await stripe.post("/_control/disputes", json=intent)
    answer.raise_for_status()
    found = await compare()
    assert (found.fulfilled, found.problems > 0, found.error) == (0, True, None)
    assert await state() == (["problem"], ["ready"], 0, [])
    (order,) = await rows(Order)
    assert order.problem == f"{noted} before it was fulfilled"
    (gone,) = [*await rows(Refund), *await rows(Dispute)]
    assert gone.payment_intent_id == paid["payment_intent"]


class PickyGateway:
    """Stripe, which refuses to speak of one payment: it belongs to another mode."""

    def __init__(self, gateway):
        self._gateway = gateway

    def __getattr__(self, name):
        return getattr(self._gateway, name)

    async def refunds(self, payment_intent_id):
        if payment_intent_id == "pi_of_another_mode":
            raise UnknownSessionError("Stripe: there is no such object")
        return await self._gateway.refunds(payment_intent_id)


async def test_a_refund_that_stripe_does_not_know_keeps_no_other_from_being_looked_up(
    reconciler_on, compare, gateway, order, session_at_stripe, *, pay, stripe, database, rows
):
    intent = (await pay(session_at_stripe))["payment_intent"]
    await compare()
    await stripe.put("/_control/refunds", json={"status": "pending"})
    refund = (await stripe.post("/v1/refunds", data={"payment_intent": intent})).json()
    ours = {"order_id": order.id, "amount_cents": 1499, "reason": "operator", "state": "pending"}
    for payment, refund_id in (("pi_of_another_mode", "re_x"), (intent, refund["id"])):
        async with database.transaction() as session:
            session.add(Refund(payment_intent_id=payment, stripe_refund_id=refund_id, **ours))
    await stripe.post(f"/_control/refunds/{refund['id']}", json={"status": "succeeded"})
    assert (await compare(reconciler_on(PickyGateway(gateway)))).error is None
    states = {row.payment_intent_id: row.state for row in await rows(Refund)}
    assert states == {"pi_of_another_mode": "pending", intent: "succeeded"}


async def test_a_crowd_of_sessions_keeps_no_other_order_from_being_settled(
    compare, new_session, session_at_stripe, pay, database, order, *, state, rows, monkeypatch
):
    monkeypatch.setattr(stripe_gateway, "MOST_SESSIONS", 1)
    nowhere = an_order_for(order.user_id, new_id(), config_snapshot(models=1, images=1))
    nowhere.id, nowhere.stripe_session_id = UUID(int=1), None  # looked up first
    nowhere.created_at = func.now() - timedelta(minutes=3)
    async with database.transaction() as session:
        session.add(nowhere)
    await new_session(order)
    await pay(session_at_stripe)
    assert (await compare()).error is None
    assert {row.id: row.status for row in await rows(Order)} == {nowhere.id: "open", order.id: "paid"}


class BrokenIntake:
    """Fails with every event, as a bug would let it."""

    async def take(self, event):
        raise ZeroDivisionError(event.id)


async def test_an_event_that_cannot_be_handled_stops_no_comparison(
    reconciler, compare, session_at_stripe, pay, state
):
    reconciler._intake = BrokenIntake()
    await pay(session_at_stripe)
    assert (await compare()).error is None
    assert await state() == FULFILLED
