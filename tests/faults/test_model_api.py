"""The model API limits, refuses and fails; reports wait, share and go on."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from modelpick_local.demo.picking import across_tiers
from modelpick_local.demo.samples import PROMPT, sample_uploads

pytestmark = pytest.mark.faults

IMAGES, MODELS = 5, 5
JOBS = IMAGES * MODELS * 3
STORM_S = 60
SETTLING_S = 1.0


@pytest.fixture(scope="module")
def system(system_with):
    with system_with(SIMULATOR_LATENCY_MS="200-400", SIMULATOR_RATE_LIMIT_SHARE="0") as system:
        yield system


@pytest.fixture(autouse=True)
async def fair_weather(system, model_api):
    await model_api(system, "reset")
    yield
    await model_api(system, "reset")


async def test_a_storm_of_rate_limits_is_waited_out_with_every_kind_of_retry_after(
    system, visit, model_api, journal, settled_once
):
    customer = await visit(system, "storm")
    paid = [model for model in await customer.models() if model.tier != "free"]
    models = [model.id for model in across_tiers(paid, MODELS)]
    in_3_s = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    for model, retry_after in zip(models, ["2", in_3_s, "0", "-5", "soon"], strict=True):
        await model_api(system, "script", mode="status:429", model=model, retry_after=retry_after)
    report_id = await customer.buy(sample_uploads(IMAGES), models, PROMPT)
    await asyncio.sleep(STORM_S)
    seen = await journal(system)
    assert {call["status"] for call in seen["calls"]} == {429}
    assert len(seen["calls"]) < 25 * MODELS, "a closed gate is not knocked at all the time"
    await model_api(system, "reset")

    async with asyncio.timeout(240):
        report = await customer.await_progress(report_id)
    assert (report.status, report.completed_jobs) == ("complete", JOBS)
    await settled_once(system, customer, report_id, JOBS)


@pytest.mark.parametrize("status", [401, 402])
async def test_a_refused_key_stops_the_clock_until_it_works_again(
    status, system, visit, buy, model_api, ledger, settled_once
):
    customer = await visit(system, f"refused-{status}")
    await model_api(system, "script", mode=f"status:{status}")
    report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
    await asyncio.sleep(10)
    assert (await customer.client.get(f"/api/reports/{report_id}")).json()["completed_jobs"] == 0
    await model_api(system, "reset")

    async with asyncio.timeout(240):
        report = await customer.await_progress(report_id)
    assert (report.status, report.completed_jobs) == ("complete", JOBS)
    await settled_once(system, customer, report_id, JOBS)
    body = (await customer.client.get(f"/api/reports/{report_id}")).json()
    began, deadline = (datetime.fromisoformat(body[name]) for name in ("started_at", "deadline_at"))
    assert deadline - began > timedelta(seconds=755), "the clock stood still"


async def test_two_reports_at_once_share_every_model_fairly(system, visit, buy, journal):
    names = ("one", "other")
    customers = [await visit(system, f"fair-{name}") for name in names]
    bought = await asyncio.gather(*(buy(customer, sample_uploads(10), 8) for customer in customers))
    async with asyncio.timeout(240):
        reports = await asyncio.gather(
            *(
                customer.await_progress(report_id)
                for customer, report_id in zip(customers, bought, strict=True)
            )
        )
    assert {report.status for report in reports} == {"complete"}
    calls = [call for call in (await journal(system))["calls"] if call["status"] == 200]
    users = {call["user"] for call in calls}
    first_of = {user: min(call["received_at"] for call in calls if call["user"] == user) for user in users}
    last_of = {user: max(call["received_at"] for call in calls if call["user"] == user) for user in users}
    # What the first one had in its slots when the other came takes two rounds of calls to pass.
    begin, end = max(first_of.values()) + SETTLING_S, min(last_of.values())
    both = [call for call in calls if begin <= call["received_at"] <= end]
    shares = [sum(call["user"] == user for call in both) / len(both) for user in users]
    assert len(both) > 200
    assert all(0.45 <= share <= 0.55 for share in shares), shares
