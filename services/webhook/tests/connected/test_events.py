import asyncio
import json
import time
from decimal import Decimal

import pytest
from sqlalchemy import update
from stripe import WebhookSignature

from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.payments import Order, StripeEvent
from modelpick_shared.db.reports import Report
from modelpick_shared.ids import new_id
from modelpick_webhook.intake import Intake
from modelpick_webhook.schemas import Event
from modelpick_webhook.service import Result

pytestmark = pytest.mark.connected

SECRET = "whsec_test"

NOTHING = (["open"], ["ready"], 0, [])
FULFILLED = (["paid"], ["paid"], 1, ["report.paid"])
WRONG = (["problem"], ["ready"], 0, [])


async def test_a_paid_session_becomes_a_report(client, order, event_of, deliver, *, state, rows):
    answer = await deliver(client, event_of(order))
    assert answer.status_code == 200
    assert await state() == FULFILLED
    (report,) = await rows(Report)
    assert (report.order_id, report.draft_id, report.user_id) == (order.id, order.draft_id, order.user_id)
    assert (report.stripe_session_id, report.email) == (order.stripe_session_id, "ada@example.com")
    assert (report.status, report.total_jobs, report.ceiling_usd) == ("paid", 12, Decimal("7.00"))
    assert report.config_snapshot == order.snapshot
    assert len(report.share_token) >= 43
    (paid,) = await rows(Order)
    assert paid.payment_intent_id == "pi_1"
    assert paid.settled_at is not None
    (message,) = await rows(OutboxMessage)
    assert (message.source, message.correlation_id) == ("webhook", report.id)


async def test_the_same_event_ten_times_at_once_gives_one_report(client, order, event_of, deliver, state):
    event = event_of(order)
    answers = await asyncio.gather(*(deliver(client, event) for _ in range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert await state() == FULFILLED


async def test_different_events_of_one_session_at_once_give_one_report(
    client, order, event_of, deliver, state
):
    types = ["checkout.session.completed", "checkout.session.async_payment_succeeded"] * 5
    answers = await asyncio.gather(*(deliver(client, event_of(order, kind)) for kind in types))
    assert {answer.status_code for answer in answers} == {200}
    assert await state() == FULFILLED


async def test_an_unpaid_session_waits_for_its_payment(client, order, event_of, deliver, state):
    await deliver(client, event_of(order, payment_status="unpaid"))
    assert await state() == NOTHING
    await deliver(client, event_of(order, "checkout.session.async_payment_succeeded"))
    assert await state() == FULFILLED


@pytest.mark.parametrize(
    ("session", "named"),
    [
        ({"amount_total": 1}, "1499"),
        ({"amount_total": None}, "1499"),
        ({"amount_total": 0, "payment_status": "no_payment_required"}, "1499"),
        ({"currency": "eur"}, "eur"),
        ({"currency": None}, "usd"),
        ({"livemode": True}, "livemode"),
    ],
)
async def test_a_wrong_payment_is_taken_and_noted_without_a_report(
    client, order, event_of, deliver, state, *, problems, session, named
):
    assert (await deliver(client, event_of(order, **session))).status_code == 200
    assert await state() == WRONG
    (problem,) = await problems()
    assert named in problem


async def test_test_money_is_refused_in_live_mode(
    settings_with, served_with, order, event_of, deliver, *, state
):
    async with served_with(settings_with(stripe_secret_key="rk_live_x")) as client:
        await deliver(client, event_of(order))
        assert await state() == WRONG
        await deliver(client, event_of(order, livemode=True))
    assert await state() == FULFILLED


async def test_sessions_that_are_not_ours_change_nothing(client, order, event_of, deliver, state):
    for metadata in (None, {}, {"order_id": "x"}, {"order_id": str(new_id())}):
        assert (await deliver(client, event_of(order, metadata=metadata))).status_code == 200
    assert await state() == NOTHING


@pytest.mark.parametrize("kind", ["charge.succeeded", "payment_intent.succeeded", "v2.new.thing"])
async def test_other_events_change_nothing(client, order, event_of, deliver, state, *, kind, rows):
    event = event_of(order, kind)
    event["data"]["object"] = {"id": "ch_1"}
    assert (await deliver(client, event)).status_code == 200
    assert await state() == NOTHING
    assert await rows(StripeEvent) == []


async def test_an_expired_session_frees_the_draft(client, order, event_of, deliver, state):
    expired = {"status": "expired", "payment_status": "unpaid"}
    await deliver(client, event_of(order, "checkout.session.expired", id="cs_test_other", **expired))
    assert await state() == NOTHING
    await deliver(client, event_of(order, "checkout.session.expired", **expired))
    assert await state() == (["expired"], ["ready"], 0, [])


async def test_an_expiry_that_comes_late_does_not_undo_a_payment(client, order, event_of, deliver, state):
    await deliver(client, event_of(order))
    await deliver(client, event_of(order, "checkout.session.expired", status="expired"))
    assert await state() == FULFILLED


@pytest.mark.parametrize("status", ["expired", "cancelled"])
async def test_money_that_came_for_a_closed_order_still_buys_the_report(
    client, order, event_of, deliver, state, *, database, status
):
    async with database.transaction() as session:
        await session.execute(update(Order).values(status=status))
    await deliver(client, event_of(order))
    assert await state() == FULFILLED


async def test_an_order_whose_session_was_never_stored_is_fulfilled_too(
    client, order, event_of, deliver, state, *, database, rows
):
    async with database.transaction() as session:
        await session.execute(update(Order).values(stripe_session_id=None))
    await deliver(client, event_of(order))
    assert await state() == FULFILLED
    assert [paid.stripe_session_id for paid in await rows(Order)] == [order.stripe_session_id]


@pytest.mark.parametrize(
    "signed", [{"secret": "whsec_forged"}, {"seconds_ago": 301}, {"seconds_ago": -310}, {"secret": "x"}]
)
async def test_forged_old_and_future_signatures_are_a_400(client, order, event_of, deliver, state, *, signed):
    answer = await deliver(client, event_of(order), **signed)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert await state() == NOTHING


async def test_a_replayed_request_is_taken_and_changes_nothing(
    client, order, event_of, deliver, state, *, rows
):
    event = event_of(order)
    await deliver(client, event, seconds_ago=200)
    replayed = await deliver(client, event, seconds_ago=200)
    assert replayed.status_code == 200
    assert await state() == FULFILLED
    assert len(await rows(StripeEvent)) == 1


async def test_a_body_that_was_written_anew_is_a_400(client, order, event_of, state):
    event = event_of(order)
    signed = json.dumps(event, indent=2).encode()
    header = WebhookSignature.generate_signature_header(signed.decode(), SECRET, timestamp=int(time.time()))
    for body in (json.dumps(event).encode(), signed + b"\n", signed.replace(b"1499", b"1500")):
        answer = await client.post("/api/webhooks/stripe", content=body, headers={"Stripe-Signature": header})
        assert answer.status_code == 400
    assert await state() == NOTHING


async def test_an_event_that_cannot_be_stored_fails_alone(service_database, payments, order, event_of, state):
    intake = Intake(service_database, payments)
    # PostgreSQL takes no NUL in a text.
    poison = [event_of(order, event_id=f"evt_\0{number}") for number in range(2)]
    sound = [event_of(order), event_of(order, "charge.succeeded")]
    events = [Event.model_validate(event) for event in (poison[0], *sound, poison[1])]
    results = await asyncio.gather(*(intake.take(event) for event in events), return_exceptions=True)
    assert results[1:3] == [Result.FULFILLED, Result.IGNORED]
    assert [isinstance(result, Exception) for result in results] == [True, False, False, True]
    assert await state() == FULFILLED


async def test_an_unsigned_request_and_a_bad_body_are_a_400(client, order, event_of, deliver):
    assert (await client.post("/api/webhooks/stripe", json=event_of(order))).status_code == 400
    for body in (b"", b"{", b"[]", b"[" * 100_000, b'{"type": "checkout.session.completed"}'):
        assert (await deliver(client, body)).status_code == 400
    nonsense = event_of(order)
    nonsense["data"]["object"] = {"id": 5}
    assert (await deliver(client, nonsense)).status_code == 400


async def test_a_body_without_end_is_a_413(client):
    async def endless():
        while True:
            yield b" " * 65_536

    assert (await client.post("/api/webhooks/stripe", content=endless())).status_code == 413


async def test_two_secrets_are_taken_while_they_are_rotated(
    settings_with, served_with, order, event_of, deliver, *, state
):
    async with served_with(settings_with(stripe_webhook_secret="whsec_new, whsec_old")) as client:
        assert (await deliver(client, event_of(order), secret="whsec_old")).status_code == 200
        assert (await deliver(client, event_of(order), secret="whsec_new")).status_code == 200
        assert (await deliver(client, event_of(order), secret="whsec_test")).status_code == 400
    assert await state() == FULFILLED


async def test_without_a_secret_it_is_a_503(settings_with, served_with, order, event_of, deliver, *, state):
    async with served_with(settings_with(stripe_webhook_secret=None)) as client:
        assert (await deliver(client, event_of(order))).status_code == 503
    assert await state() == NOTHING


async def test_without_a_database_it_is_a_503(settings_with, served_with, order, event_of, deliver):
    nowhere = "postgresql://postgres@127.0.0.1:1/nothing"
    async with served_with(settings_with(database_url=nowhere)) as client:
        assert (await deliver(client, event_of(order))).status_code == 503
        assert (await client.get("/readyz")).status_code == 503


async def test_without_a_broker_it_is_ready_and_keeps_the_message(client, order, event_of, deliver, rows):
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["broker"]) == (200, "not connected")
    assert (await deliver(client, event_of(order))).status_code == 200
    assert [message.sent_at for message in await rows(OutboxMessage)] == [None]
