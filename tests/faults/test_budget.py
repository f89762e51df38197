"""The money runs out, with deaths on the way: the ceiling holds by the model API's own books."""

import asyncio
from collections import defaultdict

import pytest

from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.faults

IMAGES, MODELS = 10, 4
CEILING = 0.60


@pytest.fixture(scope="module")
def system(system_with):
    money = {"COST_CEILING_USD": str(CEILING), "COST_SOFT_CEILING_USD": "0.55"}
    # Long answers make calls cost something like their worst case.
    limits = {"MAX_OUTPUT_TOKENS": "800", "LEASE_S": "20"}
    with system_with(SIMULATOR_LATENCY_MS="200-400", **money, **limits) as system:
        yield system


@pytest.mark.parametrize(
    "victims", [(), ("model-worker",), ("orchestrator",), ("model-worker", "orchestrator")]
)
async def test_a_report_that_its_budget_cuts_is_fair_and_under_its_ceiling_whoever_dies(
    victims, system, visit, buy, kill, billed, ledger
):
    customer = await visit(system, "-".join(victims) or "nobody-dies")
    report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
    for share in (0.1, 0.3) if victims else ():
        seen = await customer.await_progress(report_id, share)
        if not seen.is_over:
            await kill(system, *victims)
    async with asyncio.timeout(180):
        report = await customer.await_progress(report_id)

    assert report.completed_jobs == report.total_jobs
    row = ledger(system, report_id)
    assert await billed(system, report_id) <= CEILING
    assert row["spent_usd"] + row["reserved_usd"] <= row["ceiling_usd"]
    if not victims:
        document = (await customer.client.get(f"/api/reports/{report_id}/document")).json()
        rows = defaultdict(set)
        for run in document["runs"]:
            rows[run["model_id"]]
            if run["outcome"] != "unmeasured":
                rows[run["model_id"]].add((run["run_index"], run["image_index"]))
        assert report.status == "partial"
        assert len(set(map(frozenset, rows.values()))) == 1, "every model has the same images"
        assert {run["unmeasured_reason"] for run in document["runs"]} == {None, "budget"}
