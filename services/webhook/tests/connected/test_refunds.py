"""Giving payments back, against the simulator: asked for in a transaction, done once, and told of."""

import asyncio
import json

import pytest
from sqlalchemy import func, select, update

from modelpick_shared.broker import Service, Verdict
from modelpick_shared.contracts import ReportFailed
from modelpick_shared.db import Outbox
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.payments import Order, Refund, StripeEvent
from modelpick_shared.db.reports import Report
from modelpick_webhook.gateway import Lookups
from modelpick_webhook.handlers import Handlers
from modelpick_webhook.refunds import Refunds
from modelpick_webhook.stripe_gateway import StripeGateway

# The client hands its encoded form to httpx in a way that httpx is about to give up.
pytestmark = [
    pytest.mark.connected,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]


@pytest.fixture
def refunds(service_database, gateway):
    return Refunds(service_database, Outbox(Service.WEBHOOK), gateway)


@pytest.fixture
def handlers(service_database, payments, gateway):
    return Handlers(service_database, payments, Lookups(gateway, None))


@pytest.fixture
async def failed(database, payments, gateway, pay, session_at_stripe, *, rows):
    """Return the message of a paid report in which nothing was measured."""
    await pay(session_at_stripe)
    async with database.transaction() as session:
        await payments.fulfil(session, await gateway.session(session_at_stripe["id"]))
    async with database.transaction() as session:
        await session.execute(update(Report).values(status="failed"))
    (report,) = await rows(Report)
    return ReportFailed(report_id=report.id, status="failed", email=report.email, reason="nothing")


@pytest.fixture
def at_stripe(stripe):
    """Give what reads the refunds that there are at Stripe."""

    async def read():
        return (await stripe.get("/v1/refunds")).json()["data"]

    return read


@pytest.fixture
def due_now(database):
    """Give what lets the time pass for which refunds are put off or being worked on."""

    async def forward():
        async with database.transaction() as session:
            await session.execute(update(Refund).values(next_attempt_at=func.now()))

    return forward


async def test_a_failed_report_is_paid_back_once_and_its_customer_is_told(
    handlers, refunds, failed, at_stripe, rows
):
    for _ in range(2):  # delivered twice
        assert await handlers.report_failed(failed) is Verdict.ACK
    assert [(row.state, row.reason) for row in await rows(Refund)] == [("requested", "nothing_measured")]
    assert await refunds.give_back_next()
    assert not await refunds.give_back_next()
    (refund,) = await at_stripe()
    (row,) = await rows(Refund)
    assert (row.state, row.stripe_refund_id, row.amount_cents) == ("succeeded", refund["id"], 1499)
    assert row.settled_at is not None
    assert refund["metadata"] == {"order_id": str(row.order_id), "attempt": "1"}
    (mail,) = [json.loads(each.body) for each in await rows(OutboxMessage) if each.type == "mail.requested"]
    assert mail["data"]["fields"]["amount_usd"] == "14.99"
    assert mail["data"]["to"] == "ada@example.com"
    assert mail["data"]["report_id"] == str(failed.report_id)


async def test_a_report_that_is_resumed_meanwhile_keeps_its_money(handlers, failed, database, rows):
    async with database.transaction() as session:
        await session.execute(update(Report).values(status="running"))
    assert await handlers.report_failed(failed) is Verdict.ACK
    assert await rows(Refund) == []


async def test_a_report_that_was_never_paid_for_has_nothing_to_give_back(handlers, failed, database, rows):
    async with database.transaction() as session:
        await session.execute(update(Order).values(payment_intent_id=None))
    assert await handlers.report_failed(failed) is Verdict.ACK
    assert await rows(Refund) == []


async def test_a_crash_after_stripes_answer_makes_no_second_refund(
    handlers, refunds, failed, at_stripe, due_now, *, stripe, rows
):
    await handlers.report_failed(failed)
    # The refund is made and the answer lost, also that of every repetition within the client.
    await stripe.put("/_control/api", json={"count": 1, "path": "/v1/refunds", "after": True})
    assert await refunds.give_back_next()
    await due_now()
    await refunds.give_back_next()
    assert len(await at_stripe()) == 1
    assert [row.state for row in await rows(Refund)] == ["succeeded"]


async def test_a_failure_that_stripe_keeps_under_a_key_does_not_hold_a_refund_up(
    handlers, refunds, failed, at_stripe, due_now, *, stripe, rows
):
    await handlers.report_failed(failed)
    # The client's own repetitions meet the same failure again, for as long as Stripe keeps the key.
    await stripe.put("/_control/api", json={"count": 2, "path": "/v1/refunds", "kept": True})
    for _ in range(3):
        await refunds.give_back_next()
        await due_now()
    assert len(await at_stripe()) == 1
    assert [row.state for row in await rows(Refund)] == ["succeeded"]


async def test_a_crash_before_the_answer_was_stored_makes_no_second_refund(
    handlers, refunds, failed, gateway, at_stripe, *, due_now, rows
):
    await handlers.report_failed(failed)
    (row,) = await rows(Refund)
    await gateway.refund(row.payment_intent_id, order_id=row.order_id, attempt=1)
    await refunds.give_back_next()
    assert len(await at_stripe()) == 1
    assert [row.state for row in await rows(Refund)] == ["succeeded"]


async def test_many_replicas_give_back_once(handlers, refunds, failed, at_stripe, rows):
    await handlers.report_failed(failed)
    assert sum(await asyncio.gather(*(refunds.give_back_next() for _ in range(5)))) == 1
    assert len(await at_stripe()) == 1


async def test_what_was_refunded_already_is_a_success(handlers, refunds, failed, stripe, rows):
    await handlers.report_failed(failed)
    (row,) = await rows(Refund)
    # In two parts, by hand: no single refund is the one we look for.
    for amount in (499, 1000):
        await stripe.post("/v1/refunds", data={"payment_intent": row.payment_intent_id, "amount": amount})
    assert await refunds.give_back_next()
    (row,) = await rows(Refund)
    assert (row.state, row.last_error) == ("succeeded", None)


async def test_while_stripe_is_away_a_refund_waits_longer_and_longer(
    database, service_database, handlers, failed, due_now, *, rows
):
    away = StripeGateway("sk_test_simulated", api_base="http://127.0.0.1:1")
    refunds = Refunds(service_database, Outbox(Service.WEBHOOK), away)
    await handlers.report_failed(failed)
    waits = []
    for _ in range(3):
        assert await refunds.give_back_next()
        assert not await refunds.give_back_next()
        (row,) = await rows(Refund)
        assert row.state == "requested"
        async with database.transaction() as session:
            left = select(func.extract("epoch", Refund.next_attempt_at - func.now()))
            waits.append(await session.scalar(left))
        await due_now()
    assert row.last_error.startswith("Stripe")
    assert 4 < waits[0] <= 10
    assert 19 < waits[2] <= 40
    await away.close()


async def test_what_cannot_be_given_back_is_recorded_and_not_tried_again(
    handlers, refunds, failed, stripe, due_now, *, rows
):
    await handlers.report_failed(failed)
    (row,) = await rows(Refund)
    await stripe.post("/_control/disputes", json={"payment_intent": row.payment_intent_id})
    assert await refunds.give_back_next()
    await due_now()
    assert not await refunds.give_back_next()
    (row,) = await rows(Refund)
    assert row.state == "failed"
    assert "charge_disputed" in row.last_error


@pytest.fixture
async def pending(handlers, refunds, failed, stripe, rows):
    """Return a refund that the bank has not carried out yet."""
    await stripe.put("/_control/refunds", json={"status": "pending"})
    await handlers.report_failed(failed)
    await refunds.give_back_next()
    (row,) = await rows(Refund)
    assert row.state == "pending"
    return row


@pytest.mark.parametrize("status", ["succeeded", "failed"])
async def test_a_pending_refund_is_looked_up_until_it_has_ended(refunds, pending, stripe, rows, *, status):
    assert await refunds.look_up_pending() == 1
    await stripe.post(f"/_control/refunds/{pending.stripe_refund_id}", json={"status": status})
    await refunds.look_up_pending()
    assert [row.state for row in await rows(Refund)] == [status]
    assert await refunds.look_up_pending() == 0


async def send_all(stripe, client, deliver, *, newest_first):
    listed = (await stripe.get("/v1/events", params={"limit": 100})).json()["data"]
    for event in listed if newest_first else reversed(listed):
        assert (await deliver(client, event)).status_code == 200


@pytest.mark.parametrize("newest_first", [True, False])
async def test_the_events_of_a_refund_that_fails_are_recorded_in_any_order(
    pending, stripe, client, deliver, rows, *, newest_first
):
    await stripe.post(f"/_control/refunds/{pending.stripe_refund_id}", json={"status": "failed"})
    for _ in range(2):
        await send_all(stripe, client, deliver, newest_first=newest_first)
    (row,) = await rows(Refund)
    assert (row.state, row.last_error) == ("failed", "lost_or_stolen_card")
    events = {event.type for event in await rows(StripeEvent)}
    assert {"refund.created", "refund.updated", "refund.failed", "charge.refunded"} <= events


async def test_an_old_failure_does_not_end_a_new_attempt(
    refunds, pending, database, stripe, deliver, *, rows, settings_with, served_with
):
    await stripe.post(f"/_control/refunds/{pending.stripe_refund_id}", json={"status": "failed"})
    async with database.transaction() as session:
        await session.execute(
            update(Refund).values(
                state="requested", attempt=2, stripe_refund_id=None, next_attempt_at=func.now()
            )
        )
    # A service without a key takes the events, and leaves the work to us.
    async with served_with(settings_with(stripe_secret_key=None)) as client:
        await send_all(stripe, client, deliver, newest_first=False)
    assert [row.state for row in await rows(Refund)] == ["requested"]
    await stripe.put("/_control/refunds", json={"status": "succeeded"})
    await refunds.give_back_next()
    assert [row.state for row in await rows(Refund)] == ["succeeded"]
