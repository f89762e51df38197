"""What no event and no success page told us, found by comparing with Stripe."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from modelpick_shared.db.customers import Draft
from modelpick_shared.db.payments import Dispute, Order, Reconciliation, Refund
from modelpick_shared.db.reports import Report
from modelpick_shared.ids import new_id
from modelpick_shared.testing import an_order_for, config_snapshot, eventually
from modelpick_webhook.reconciliation import LOCK_KEY
from modelpick_webhook.stripe_gateway import StripeGateway

# The client hands its encoded form to httpx in a way that httpx is about to give up.
pytestmark = [
    pytest.mark.connected,
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),
]

FULFILLED = (["paid"], ["paid"], 1, ["report.paid"])


@pytest.fixture
def make_old(database):
    """Give what lets the orders be days old."""

    async def age(**values):
        by = timedelta(days=5)
        times = {"created_at": Order.created_at - by, "expires_at": Order.expires_at - by}
        async with database.transaction() as session:
            await session.execute(update(Order).values(**(times | values)))

    return age


async def test_a_payment_that_nobody_told_of_is_found_at_any_age(
    compare, session_at_stripe, pay, state, make_old
):
    await pay(session_at_stripe)
    await make_old()
    came = await compare()
    assert (came.looked_up, came.fulfilled, came.error) == (1, 1, None)
    assert came.finished_at is not None
    assert await state() == FULFILLED
    assert (await compare()).looked_up == 0


@pytest.mark.parametrize("status", ["cancelled", "expired"])
async def test_an_order_that_we_closed_is_still_looked_up(
    compare, session_at_stripe, pay, state, database, *, status
):
    await pay(session_at_stripe)
    async with database.transaction() as session:
        await session.execute(update(Order).values(status=status))
    await compare()
    assert await state() == FULFILLED


async def test_an_open_session_stays_open_and_an_expired_one_is_closed(
    compare, session_at_stripe, stripe, state, rows
):
    assert (await compare()).closed == 0
    assert await state() == (["open"], ["ready"], 0, [])
    await stripe.post(f"/v1/checkout/sessions/{session_at_stripe['id']}/expire")
    # Its event was not delivered either, so that the same is found twice and done once.
    assert (await compare()).closed == 1
    assert await state() == (["expired"], ["ready"], 0, [])
    assert [order.settled_at is None for order in await rows(Order)] == [False]
    assert (await compare()).looked_up == 0


@pytest.mark.parametrize(("paid", "status"), [(True, "paid"), (False, "expired")])
async def test_a_session_that_was_made_and_never_noted_is_found_by_its_order(
    compare, new_session, order, pay, stripe, *, database, rows, paid, status
):
    session = await new_session(order)
    if paid:
        await pay(session)
    else:
        await stripe.post(f"/v1/checkout/sessions/{session['id']}/expire")
    late = timedelta(minutes=3)
    async with database.transaction() as transaction:
        await transaction.execute(
            update(Order).values(stripe_session_id=None, created_at=Order.created_at - late)
        )
    await stripe.put("/_control/webhook", json={"held": True})
    await compare()
    assert [(order.status, order.stripe_session_id) for order in await rows(Order)] == [
        (status, session["id"] if paid else None)
    ]


async def test_an_order_that_stripe_never_heard_of_is_closed_long_after_its_end(
    compare, order, make_old, state, database
):
    async with database.transaction() as session:
        await session.execute(
            update(Order).values(stripe_session_id=None, created_at=Order.created_at - timedelta(minutes=5))
        )
    assert (await compare()).closed == 0
    await make_old()
    assert (await compare()).closed == 1
    assert await state() == (["expired"], ["ready"], 0, [])


async def test_a_payment_whose_bank_refused_it_is_closed(compare, session_at_stripe, pay, stripe, state):
    await stripe.put("/_control/payments", json={"asynchronous": True})
    await pay(session_at_stripe)
    assert (await compare()).closed == 0
    await stripe.post(f"/_control/payments/{session_at_stripe['id']}/settle", json={"succeeded": False})
    assert (await compare()).closed == 1
    assert await state() == (["expired"], ["ready"], 0, [])


async def test_events_that_never_arrived_are_taken_later(compare, session_at_stripe, pay, stripe, rows):
    paid = await pay(session_at_stripe)
    await compare()
    await stripe.post("/_control/disputes", json={"payment_intent": paid["payment_intent"]})
    came = await compare()
    assert came.events == 2
    assert [row.status for row in await rows(Dispute)] == ["needs_response"]
    assert (await compare()).events == 0


async def test_a_refund_that_the_bank_has_carried_out_meanwhile_is_noted(
    compare, order, session_at_stripe, pay, stripe, *, database, rows
):
    paid = await pay(session_at_stripe)
    await compare()
    await stripe.put("/_control/refunds", json={"status": "pending"})
    refund = (await stripe.post("/v1/refunds", data={"payment_intent": paid["payment_intent"]})).json()
    async with database.transaction() as session:
        session.add(
            Refund(
                payment_intent_id=paid["payment_intent"],
                order_id=order.id,
                amount_cents=1499,
                reason="operator",
                state="pending",
                stripe_refund_id=refund["id"],
            )
        )
    await stripe.post(f"/_control/refunds/{refund['id']}", json={"status": "succeeded"})
    await compare()
    assert [row.state for row in await rows(Refund)] == ["succeeded"]


async def test_a_failed_report_that_no_message_told_of_is_paid_back(
    compare, session_at_stripe, pay, database, rows
):
    await pay(session_at_stripe)
    await compare()
    async with database.transaction() as session:
        await session.execute(update(Report).values(status="failed"))
    for _ in range(2):
        await compare()
    assert [(row.state, row.reason) for row in await rows(Refund)] == [("requested", "nothing_measured")]


async def test_many_orders_are_looked_up_page_by_page(
    compare, order, database, rows, new_session, pay, *, gateway
):
    orders = []
    async with database.transaction() as session:
        for _ in range(120):
            draft = Draft(id=new_id(), user_id=order.user_id, extraction_prompt="", status="ready")
            other = an_order_for(order.user_id, draft.id, config_snapshot(models=1, images=1))
            session.add_all([draft, other])
            orders.append(other)
    paid = await pay(await new_session(orders[-1]))
    async with database.transaction() as session:
        (await session.get(Order, orders[-1].id)).stripe_session_id = paid["id"]
    came = await compare()
    assert (came.looked_up, came.fulfilled) == (121, 1)
    assert [report.order_id for report in await rows(Report)] == [orders[-1].id]


async def test_while_stripe_is_away_one_line_says_so_and_the_next_run_mends_it(
    compare, reconciler_on, session_at_stripe, pay, state
):
    await pay(session_at_stripe)
    away = StripeGateway("sk_test_simulated", api_base="http://127.0.0.1:1")
    came = await compare(reconciler_on(away))
    assert came.error.startswith("Stripe")
    assert came.finished_at is not None
    await away.close()
    await compare()
    assert await state() == FULFILLED


async def test_the_clock_asks_once_an_interval_whatever_the_number_of_replicas(
    reconciler, reconciler_on, gateway, database, rows
):
    replicas = [reconciler, reconciler_on(gateway), reconciler_on(gateway)]
    await asyncio.gather(*(each.compare_if_due() for each in replicas))
    assert len(await rows(Reconciliation)) == 1
    assert not await reconciler.compare_if_due()
    async with database.transaction() as session:
        await session.execute(update(Reconciliation).values(started_at=func.now() - timedelta(seconds=601)))
    assert await reconciler.compare_if_due()


async def test_one_replica_compares_at_a_time(reconciler, database):
    async with database.transaction() as other:
        await other.execute(select(func.pg_advisory_xact_lock(LOCK_KEY)))
        assert not await reconciler.compare_if_due()
    assert await reconciler.compare_if_due()


async def test_what_a_replica_left_unfinished_is_taken_up(reconciler, database, rows):
    async with database.transaction() as session:
        session.add(Reconciliation(id=new_id(), started_at=func.now()))
    assert await reconciler.compare_if_due()
    assert [row.finished_at is None for row in await rows(Reconciliation)] == [False]


async def test_the_service_compares_by_itself_at_its_start(
    settings_with, served_with, stripe_address, session_at_stripe, pay, *, state
):
    await pay(session_at_stripe)
    async with served_with(settings_with(stripe_api_base=stripe_address)):

        async def fulfilled():
            return await state() == FULFILLED

        await eventually(fulfilled)


async def test_event_seen_payment_and_comparison_at_once_give_one_report_and_no_refund(
    reconciler, session_at_stripe, pay, client, deliver, *, stripe, state, rows, payments, database, gateway
):
    await pay(session_at_stripe)
    wanted = {"type": "checkout.session.completed"}
    (event,) = (await stripe.get("/v1/events", params=wanted)).json()["data"]

    async def seen():
        paid = await gateway.session(session_at_stripe["id"])
        async with database.transaction() as session:
            await payments.fulfil(session, paid)

    await asyncio.gather(
        *(deliver(client, event) for _ in range(20)), *(seen() for _ in range(5)), reconciler._attempt()
    )
    assert await state() == FULFILLED
    assert await rows(Refund) == []
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM orders WHERE status = 'problem'")) == 0
