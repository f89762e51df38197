import asyncio
import json

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from modelpick_ops.main import app
from modelpick_shared.db import Database
from modelpick_shared.db.payments import Dispute, Order, Reconciliation, Refund, StripeEvent
from modelpick_shared.ids import new_id
from modelpick_shared.testing import config_snapshot, eventually, insert_report

pytestmark = pytest.mark.connected


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
async def report(database):
    async with database.transaction() as session:
        report = await insert_report(session, config_snapshot(models=1, images=1), status="complete")
        await session.execute(update(Order).values(payment_intent_id="pi_1"))
    return report


@pytest.fixture
def modelpick(fresh_database_url, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    async def run(*arguments):
        return await asyncio.to_thread(CliRunner().invoke, app, [*map(str, arguments)])

    return run


@pytest.fixture
def rows(database):
    async def read(table):
        async with database.transaction() as session:
            return list(await session.scalars(select(table)))

    return read


async def test_a_refund_is_requested_once(modelpick, report, rows):
    answer = await modelpick("reports", "refund", report.id, "--json")
    assert answer.exit_code == 0, answer.stderr
    (asked,) = json.loads(answer.stdout)["items"]
    assert (asked["payment_intent"], asked["amount_usd"], asked["state"]) == ("pi_1", "14.99", "requested")
    again = await modelpick("reports", "refund", report.id)
    assert again.exit_code == 1
    assert "refunded already" in again.stderr
    assert [(row.reason, row.attempt, row.order_id) for row in await rows(Refund)] == [
        ("operator", 1, report.order_id)
    ]


async def test_a_refund_that_has_failed_is_begun_anew(modelpick, report, database, rows):
    await modelpick("reports", "refund", report.id)
    async with database.transaction() as session:
        await session.execute(update(Refund).values(state="failed", stripe_refund_id="re_1", last_error="x"))
    shown = json.loads((await modelpick("reports", "show", report.id, "--json")).stdout)
    assert (shown["refund_state"], shown["refund_error"], shown["dispute_status"]) == ("failed", "x", None)
    assert (await modelpick("reports", "refund", report.id)).exit_code == 0
    (row,) = await rows(Refund)
    assert (row.state, row.attempt, row.stripe_refund_id) == ("requested", 2, None)


async def test_what_has_no_payment_is_refused_in_one_line(modelpick, report, database, rows):
    async with database.transaction() as session:
        await session.execute(update(Order).values(payment_intent_id=None))
    for report_id, why in ((report.id, "nothing was paid"), (new_id(), "no report")):
        answer = await modelpick("reports", "refund", report_id)
        assert answer.exit_code == 1
        assert why in answer.stderr
    assert (await modelpick("reports", "refund", "7")).exit_code == 2
    assert await rows(Refund) == []


@pytest.fixture
def answered(rows, database):
    """Give what answers as the webhook service does, once it is asked."""

    async def answer(**values):
        await eventually(lambda: rows(Reconciliation))
        async with database.transaction() as session:
            await session.execute(update(Reconciliation).values(finished_at=func.now(), **values))

    return answer


async def test_reconciling_waits_for_what_came_of_it(modelpick, answered):
    done, _ = await asyncio.gather(
        modelpick("payments", "reconcile", "--json"), answered(looked_up=3, fulfilled=1)
    )
    assert done.exit_code == 0, done.stderr
    (came,) = json.loads(done.stdout)["items"]
    assert (came["looked_up"], came["fulfilled"], came["events"]) == (3, 1, 0)


async def test_reconciling_fails_with_what_went_wrong(modelpick, answered):
    done, _ = await asyncio.gather(
        modelpick("payments", "reconcile"), answered(error="Stripe: APIConnectionError")
    )
    assert done.exit_code == 1
    assert "APIConnectionError" in done.stderr


async def test_without_a_webhook_service_it_fails_and_is_remembered(modelpick, rows):
    done = await modelpick("payments", "reconcile", "--timeout", 1)
    assert done.exit_code == 1
    assert "in time" in done.stderr
    assert len(await rows(Reconciliation)) == 1


async def test_problems_show_what_needs_somebody_and_nothing_else(modelpick, report, database):
    async with database.transaction() as session:
        session.add_all(
            [
                StripeEvent(id="evt_1", type="checkout.session.completed", problem="wrong_amount"),
                StripeEvent(id="evt_2", type="checkout.session.completed"),
                Refund(
                    payment_intent_id="pi_1",
                    order_id=report.order_id,
                    amount_cents=1499,
                    reason="operator",
                    state="failed",
                    last_error="lost_or_stolen_card",
                ),
                Refund(
                    payment_intent_id="pi_2",
                    order_id=report.order_id,
                    amount_cents=1499,
                    reason="operator",
                    state="succeeded",
                ),
                Dispute(id="dp_1", order_id=report.order_id, amount_cents=1499, status="needs_response"),
            ]
        )
    answer = await modelpick("payments", "problems", "--json")
    assert answer.exit_code == 0, answer.stderr
    rows = {row["id"]: row for row in json.loads(answer.stdout)["items"]}
    assert set(rows) == {"evt_1", "pi_1", "dp_1"}
    assert rows["pi_1"]["problem"] == "lost_or_stolen_card"
    assert rows["pi_1"]["order"] == str(report.order_id)
    assert rows["dp_1"]["amount_usd"] == "14.99"
