"""Refunds made elsewhere, disputes, and payments that nobody can fulfil."""

import asyncio

import pytest

from modelpick_shared.db.payments import Dispute, Order, Refund, StripeEvent
from modelpick_shared.db.reports import Report
from modelpick_shared.ids import new_id
from modelpick_shared.testing import an_order_for, config_snapshot
from modelpick_webhook.schemas import Event
from modelpick_webhook.service import task_of

pytestmark = pytest.mark.connected

FULFILLED = (["paid"], ["paid"], 1, ["report.paid"])
WRONG = (["problem"], ["ready"], 0, [])


@pytest.fixture
def told():
    """Give what writes an event about something else than a session."""

    def write(kind, about, *, livemode=False):
        return {
            "id": f"evt_{new_id().hex}",
            "object": "event",
            "type": kind,
            "livemode": livemode,
            "data": {"object": about},
        }

    return write


def a_charge(order, **changes):
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "amount": 1499}
    charge |= {"amount_refunded": 1499, "refunded": True, "metadata": {"order_id": str(order.id)}}
    return charge | changes


def a_dispute(**changes):
    return {"id": "du_1", "payment_intent": "pi_1", "amount": 1499, "status": "needs_response"} | changes


@pytest.fixture
def refund_rows(rows):
    async def read():
        return [(row.payment_intent_id, row.reason, row.state) for row in await rows(Refund)]

    return read


async def test_a_payment_refunded_elsewhere_before_its_event_is_not_fulfilled(
    client, order, event_of, deliver, state, *, told, refund_rows, problems
):
    await deliver(client, told("charge.refunded", a_charge(order)))
    assert await refund_rows() == [("pi_1", "elsewhere", "succeeded")]
    await deliver(client, event_of(order))
    assert await state() == WRONG
    assert "refunded before it was fulfilled" in await problems()


def a_refund(**changes):
    return {"id": "re_1", "payment_intent": "pi_1", "amount": 1499, "status": "succeeded"} | changes


@pytest.mark.parametrize(
    ("kind", "written", "problem"),
    [
        ("charge.refunded", a_charge, "refunded before it was fulfilled"),
        ("refund.created", lambda _: a_refund(), "refunded before it was fulfilled"),
        ("charge.dispute.created", lambda _: a_dispute(), "disputed before it was fulfilled"),
    ],
    ids=["charge", "refund", "dispute"],
)
async def test_a_payment_that_went_back_in_the_same_moment_is_not_fulfilled(
    service_database, payments, order, event_of, state, *, told, problems, rows, kind, written, problem
):
    events = [told(kind, written(order)), event_of(order)]
    async with service_database.transaction() as session:
        await payments.take(session, [task_of(Event.model_validate(event)) for event in events])
    assert await state() == WRONG
    assert problem in await problems()
    (noted,) = [*await rows(Refund), *await rows(Dispute)]
    assert noted.order_id == order.id


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("charge.refunded", lambda order: a_charge(order, amount_refunded=500, refunded=False)),
        ("refund.created", lambda _: a_refund(amount=500)),
        ("refund.failed", lambda _: a_refund(status="failed")),
        ("refund.created", lambda _: a_refund(payment_intent="pi_x")),
    ],
    ids=["part of the charge", "part", "failed", "another payment"],
)
async def test_what_did_not_take_all_in_the_same_moment_takes_no_report_away(
    service_database, payments, order, event_of, state, *, told, kind, written
):
    events = [told(kind, written(order)), event_of(order)]
    async with service_database.transaction() as session:
        await payments.take(session, [task_of(Event.model_validate(event)) for event in events])
    assert await state() == FULFILLED


@pytest.mark.parametrize(
    ("session", "named"),
    [({"amount_total": 1}, "paid 1 instead of 1499"), ({"currency": "eur"}, "eur")],
    ids=["amount", "currency"],
)
async def test_what_is_wrong_with_a_payment_stays_its_problem_while_it_is_given_back(
    client, order, event_of, deliver, rows, *, problems, session, named
):
    for kind in ("checkout.session.completed", "checkout.session.async_payment_succeeded"):
        await deliver(client, event_of(order, kind, **session))
    assert [named in problem for problem in await problems()] == [True, True]
    (stored,) = await rows(Order)
    assert named in stored.problem
    assert [refund.reason for refund in await rows(Refund)] == ["wrong_payment"]


async def test_a_report_refunded_elsewhere_is_marked_so_once(
    client, order, event_of, deliver, state, *, told, refund_rows
):
    await deliver(client, event_of(order))
    event = told("charge.refunded", a_charge(order))
    for _ in range(3):
        assert (await deliver(client, event)).status_code == 200
    refund = {"id": "re_1", "payment_intent": "pi_1", "amount": 1499, "status": "succeeded"}
    await deliver(client, told("refund.created", refund))
    assert await refund_rows() == [("pi_1", "elsewhere", "succeeded")]
    await deliver(client, event_of(order))
    assert await state() == FULFILLED


async def test_a_part_given_back_changes_nothing(client, order, event_of, deliver, *, told, refund_rows):
    await deliver(client, event_of(order))
    await deliver(client, told("charge.refunded", a_charge(order, amount_refunded=500, refunded=False)))
    part = {"id": "re_1", "payment_intent": "pi_1", "amount": 500, "status": "succeeded"}
    await deliver(client, told("refund.created", part))
    assert await refund_rows() == []


async def test_a_disputed_payment_is_not_fulfilled_and_a_running_report_goes_on(
    client, order, event_of, deliver, state, *, told, rows
):
    await deliver(client, told("charge.dispute.created", a_dispute()))
    await deliver(client, event_of(order))
    assert await state() == WRONG
    assert [(row.id, row.order_id) for row in await rows(Dispute)] == [("du_1", None)]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_a_dispute_is_recorded_in_any_order_and_stays_closed(
    client, order, event_of, deliver, state, *, told, rows, newest_first
):
    await deliver(client, event_of(order))
    events = [
        told("charge.dispute.created", a_dispute()),
        told("charge.dispute.funds_withdrawn", a_dispute()),
        told("charge.dispute.closed", a_dispute(status="lost")),
    ]
    for event in (*reversed(events), *events) if newest_first else (*events, *events):
        assert (await deliver(client, event)).status_code == 200
    (row,) = await rows(Dispute)
    assert (row.status, row.order_id, row.closed_at is not None) == ("lost", order.id, True)
    assert await state() == FULFILLED
    assert len(await rows(StripeEvent)) == 4


async def test_what_is_told_of_the_other_mode_is_noted_as_a_problem(
    client, order, deliver, told, problems, *, rows
):
    await deliver(client, told("charge.dispute.created", a_dispute(), livemode=True))
    await deliver(client, told("charge.refunded", a_charge(order), livemode=True))
    assert await rows(Dispute) == await rows(Refund) == []
    assert ["livemode" in problem for problem in await problems()] == [True, True]


async def test_what_is_not_ours_changes_nothing(client, order, deliver, told, rows):
    await deliver(client, told("charge.refunded", a_charge(order, metadata={}, payment_intent="pi_x")))
    await deliver(client, told("charge.refunded", a_charge(order, metadata={"order_id": str(new_id())})))
    other = {"id": "re_1", "payment_intent": "pi_x", "amount": 1499, "status": "succeeded"}
    await deliver(client, told("refund.created", other))
    await deliver(client, told("refund.created", other | {"payment_intent": None}))
    assert await rows(Refund) == []


@pytest.mark.parametrize("kind", ["charge.refunded", "refund.failed", "charge.dispute.created"])
async def test_an_object_of_another_kind_is_a_400(client, deliver, told, kind):
    assert (await deliver(client, told(kind, {"id": 5}))).status_code == 400


@pytest.mark.parametrize("wrong", [{"amount_total": 1}, {"currency": "eur"}])
async def test_a_payment_that_cannot_be_fulfilled_is_given_back(
    client, order, event_of, deliver, state, *, wrong, refund_rows, rows
):
    for kind in ("checkout.session.completed", "checkout.session.async_payment_succeeded"):
        await deliver(client, event_of(order, kind, **wrong))
    assert await state() == WRONG
    assert await refund_rows() == [("pi_1", "wrong_payment", "requested")]
    (stored,) = await rows(Order)
    assert stored.problem
    assert stored.settled_at is not None


async def test_test_money_is_noted_and_not_given_back(
    client, order, event_of, deliver, refund_rows, problems
):
    await deliver(client, event_of(order, livemode=True))
    assert await refund_rows() == []
    assert "livemode" in (await problems())[0]


@pytest.fixture
async def second_order(database, order):
    """Store another order of the same draft, whose session somebody still has open."""
    other = an_order_for(order.user_id, order.draft_id, config_snapshot(models=2, images=2))
    other.status = "cancelled"
    async with database.transaction() as session:
        session.add(other)
    return other


async def test_two_paid_orders_of_a_draft_make_one_report_and_one_refund(
    client, order, second_order, event_of, deliver, *, rows, refund_rows
):
    events = [event_of(order), event_of(second_order, payment_intent="pi_2")] * 3
    answers = await asyncio.gather(*(deliver(client, event) for event in events))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await rows(Report)) == 1
    assert sorted(each.status for each in await rows(Order)) == ["paid", "problem"]
    ((_, reason, state),) = await refund_rows()
    assert (reason, state) == ("duplicate", "requested")
    (kept,) = [each.payment_intent_id for each in await rows(Order) if each.status == "paid"]
    assert kept != (await refund_rows())[0][0]


async def test_a_second_session_of_one_order_is_given_back(
    client, order, event_of, deliver, state, *, refund_rows
):
    await deliver(client, event_of(order))
    await deliver(client, event_of(order, id="cs_test_second", payment_intent="pi_2"))
    assert await state() == FULFILLED
    assert await refund_rows() == [("pi_2", "duplicate", "requested")]


async def test_a_payment_that_fails_later_frees_the_draft(client, order, event_of, deliver, state):
    await deliver(client, event_of(order, payment_status="unpaid"))
    failed = event_of(order, "checkout.session.async_payment_failed", payment_status="unpaid")
    for _ in range(2):
        await deliver(client, failed)
    assert await state() == (["expired"], ["ready"], 0, [])
