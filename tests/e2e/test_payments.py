"""Money on its ways through the whole system: once in, once out, whoever tells of it and how often."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from modelpick_local.demo.samples import PROMPT, sample_uploads
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def shop(system_with):
    with system_with() as system:
        yield system


@pytest.fixture
async def nothing_measured(shop):
    """Let every model refuse its calls for as long as the test runs, so that a report ends with nothing."""
    script = {"mode": "status:429", "retry_after": "600"}
    async with httpx.AsyncClient(
        base_url=shop.simulators()["openrouter"], trust_env=False, timeout=30
    ) as client:
        (await client.post("/_control/script", json=script)).raise_for_status()
        yield
        (await client.post("/_control/reset")).raise_for_status()


@pytest.fixture
async def stripe(shop):
    """Speak to the Stripe simulator as the shop and as its control interface."""
    headers = {"Authorization": "Bearer sk_test_simulated"}
    async with httpx.AsyncClient(
        base_url=shop.simulators()["stripe"], headers=headers, trust_env=False, timeout=30
    ) as client:
        yield client
        await client.put(
            "/_control/webhook", json={"held": False, "copies": 1, "delay_s": 0, "shuffle": False}
        )


@pytest.fixture
def modelpick(shop):
    """Return a function that runs the command line as an operator of this system would."""

    async def run(*arguments):
        command = Path(sys.executable).with_name("modelpick")
        done = await asyncio.to_thread(
            subprocess.run,
            [command, *map(str, arguments), "--json"],
            env=os.environ | {"MODELPICK_HOME": str(shop.home.root)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["items"]

    return run


@pytest.fixture
def counts(shop):
    """Return a function that counts what the database holds about a draft."""

    def read(draft_id):
        with psycopg.connect(shop.variables()["DATABASE_URL"]) as connection:
            return connection.execute(_COUNTS, {"draft": draft_id}).fetchone()

    return read


_COUNTS = """
SELECT (SELECT count(*) FROM orders WHERE draft_id = %(draft)s AND status = 'paid'),
    (SELECT count(*) FROM reports WHERE draft_id = %(draft)s),
    (SELECT count(*) FROM refunds JOIN orders ON orders.id = refunds.order_id WHERE draft_id = %(draft)s)
"""
ONE_REPORT_NO_REFUND = (1, 1, 0)


@pytest.fixture
async def buyer(shop, visit, request):
    """Return a customer with a draft that can be paid for."""
    customer = await visit(shop, f"buyer-{abs(hash(request.node.name))}")
    models = [model.id for model in await customer.models() if model.tier != "free"][:2]
    draft = await customer.prepare_draft(sample_uploads(1), models, PROMPT)
    return customer, draft


async def charges_of(stripe, session_id):
    session = (await stripe.get(f"/v1/checkout/sessions/{session_id}")).json()
    events = (await stripe.get("/v1/events", params={"type": "charge.succeeded", "limit": 100})).json()
    charges = [event["data"]["object"] for event in events["data"]]
    return [each for each in charges if each["payment_intent"] == session["payment_intent"]]


async def test_fifty_clicks_events_success_page_and_reconciliation_give_one_report_and_one_charge(
    buyer, stripe, modelpick, counts
):
    customer, draft = buyer
    clicks = await asyncio.gather(*(customer.check_out(draft.id) for _ in range(50)))
    assert len({(click.url, click.session_id) for click in clicks}) == 1
    payable = clicks[0]
    await stripe.put("/_control/webhook", json={"copies": 5, "delay_s": 0.5, "shuffle": True})
    await customer.pay(payable)
    page = f"/checkout/success?session_id={payable.session_id}"
    await asyncio.gather(modelpick("payments", "reconcile"), *(customer.client.get(page) for _ in range(20)))
    report_id = await customer.report_of(payable.session_id)
    assert counts(draft.id) == ONE_REPORT_NO_REFUND
    assert len(await charges_of(stripe, payable.session_id)) == 1
    led = await customer.client.get(page)
    assert led.headers["location"] == f"/benchmark/{report_id}/processing"


async def test_the_success_page_works_while_no_event_comes(buyer, stripe, counts):
    customer, draft = buyer
    await stripe.put("/_control/webhook", json={"held": True})
    payable = await customer.check_out(draft.id)
    await customer.enter_card(payable)
    assert await customer.report_of(payable.session_id)
    await stripe.put("/_control/webhook", json={"held": False, "newest_first": True})
    assert counts(draft.id) == ONE_REPORT_NO_REFUND


async def test_a_customer_who_never_comes_back_gets_the_report_by_reconciliation(
    buyer, stripe, modelpick, counts
):
    customer, draft = buyer
    await stripe.put("/_control/webhook", json={"held": True})
    payable = await customer.check_out(draft.id)
    await customer.enter_card(payable)
    assert counts(draft.id)[1] == 0
    (came,) = await modelpick("payments", "reconcile")
    assert came["fulfilled"] == 1
    assert counts(draft.id) == ONE_REPORT_NO_REFUND


@pytest.mark.usefixtures("nothing_measured")
async def test_a_report_with_nothing_measured_is_paid_back_once(buyer, stripe, modelpick, counts):
    customer, draft = buyer
    payable = await customer.check_out(draft.id)
    await customer.pay(payable)
    report_id = await customer.report_of(payable.session_id)
    await modelpick("reports", "cancel", report_id)
    await is_paid_back(customer, stripe, payable, report_id)
    assert (await customer.report(report_id)).status == "failed"
    assert counts(draft.id) == (1, 1, 1)


async def test_an_operator_pays_a_report_back(buyer, stripe, modelpick, counts):
    customer, draft = buyer
    payable = await customer.check_out(draft.id)
    await customer.pay(payable)
    report_id = await customer.report_of(payable.session_id)
    (asked,) = await modelpick("reports", "refund", report_id)
    assert asked["state"] == "requested"
    await is_paid_back(customer, stripe, payable, report_id)
    assert counts(draft.id) == (1, 1, 1)


async def is_paid_back(customer, stripe, payable, report_id):
    session = (await stripe.get(f"/v1/checkout/sessions/{payable.session_id}")).json()

    async def refunds():
        wanted = {"payment_intent": session["payment_intent"]}
        return (await stripe.get("/v1/refunds", params=wanted)).json()["data"]

    (refund,) = await eventually(refunds, within_s=30)
    assert (refund["amount"], refund["status"]) == (1499, "succeeded")
    assert (await customer.client.get(f"/api/reports/{report_id}")).json()["refunded"] is True
