"""Parts die in the middle of a report; the report goes on, and everything is counted once."""

import asyncio

import httpx
import pytest

from modelpick_local.demo.customer import READY_SUBJECT
from modelpick_local.demo.samples import PROMPT, sample_uploads

pytestmark = pytest.mark.e2e

IMAGES, MODELS = 4, 4
JOBS = IMAGES * MODELS * 3


@pytest.fixture
def outlives(slow_system, visit, buy, kill, settled_once):
    """Return a function that kills parts when a quarter of a report is done, and checks how it ends."""

    async def check(*parts):
        customer = await visit(slow_system, "-".join(parts))
        report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
        seen = await customer.await_progress(report_id, 0.25)
        assert not seen.is_over

        await kill(slow_system, *parts)

        async with asyncio.timeout(60):
            report = await customer.await_progress(report_id)
        assert (report.status, report.completed_jobs) == ("complete", JOBS)
        await customer.inbox.next_mail(READY_SUBJECT)
        await settled_once(slow_system, customer, report_id, JOBS)
        assert "message.dead_lettered" not in slow_system.log.read_text()

    return check


async def test_a_report_outlives_the_death_of_the_orchestrator(outlives):
    await outlives("orchestrator")


async def test_a_report_outlives_the_death_of_everything_that_works_on_it(outlives):
    await outlives("model-worker", "orchestrator", "reports", "notifier")


async def test_a_report_outlives_the_death_of_the_broker(outlives, slow_system):
    if "broker" not in slow_system.parts():
        pytest.skip("the broker is somebody else's: RABBITMQ_URL is set")
    await outlives("broker")


async def test_a_report_outlives_the_death_of_the_worker_whose_calls_go_on(outlives, slow_system, journal):
    await outlives("model-worker")

    # The calls of the dead worker and those of its successor.
    assert max((await journal(slow_system))["max_in_flight"].values()) <= 2 * 3


async def test_an_event_of_stripes_that_comes_ten_times_at_once_makes_one_report(
    slow_system, stripe, visit, settled_once
):
    customer = await visit(slow_system, "ten-times")
    models = [model.id for model in await customer.models()][:MODELS]
    draft = await customer.prepare_draft(sample_uploads(IMAGES), models, PROMPT)
    payable = await customer.check_out(draft.id)
    await stripe.put("/_control/webhook", json={"held": True})
    success = await customer.enter_card(payable)
    event = await paying_event(stripe, payable.session_id)

    deliveries = stripe.post(
        f"/_control/events/{event}/deliver", json={"times": 10, "concurrent": True}, timeout=30
    )
    delivered, page = await asyncio.gather(deliveries, customer.client.get(success))
    await stripe.put("/_control/webhook", json={"held": False})

    assert delivered.json() == {"statuses": [200] * 10}
    assert page.status_code in {200, 303}
    report_id = await customer.report_of(payable.session_id)
    report = await customer.await_progress(report_id)
    again = await stripe.post(f"/_control/events/{event}/deliver", json={"times": 3})
    assert again.json() == {"statuses": [200] * 3}
    assert (report.status, report.completed_jobs) == ("complete", JOBS)
    assert [item["id"] for item in (await customer.client.get("/api/reports")).json()["items"]] == [report_id]
    await customer.inbox.next_mail(READY_SUBJECT)
    await settled_once(slow_system, customer, report_id, JOBS)


@pytest.fixture
async def stripe(slow_system):
    key = slow_system.variables()["STRIPE_SECRET_KEY"]
    address = slow_system.simulators()["stripe"]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=30) as client:
        yield client


async def paying_event(stripe, session_id):
    events = (await stripe.get("/v1/events", params={"type": "checkout.session.completed"})).json()["data"]
    return next(event["id"] for event in events if event["data"]["object"]["id"] == session_id)
