"""Larger reports, and a part of the system killed early, in the middle and late in their run."""

import asyncio

import pytest

from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.faults

IMAGES, MODELS = 10, 8
JOBS = IMAGES * MODELS * 3
SLOW = {"SIMULATOR_LATENCY_MS": "500-1000"}


@pytest.fixture(scope="module")
def system(system_with):
    with system_with(**SLOW) as system:
        yield system


@pytest.fixture
def finishes(system, visit, buy, kill, settled_once):
    """Return a function that kills a part whenever so much of a report is done, and checks how it ends."""

    async def check(part, *shares):
        if part not in system.parts():
            pytest.skip(f"the {part} is somebody else's")
        customer = await visit(system, f"{part}-{'-'.join(map(str, shares))}")
        report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
        async with asyncio.timeout(240):
            for share in shares:
                await customer.await_progress(report_id, share)
                await kill(system, part)
            report = await customer.await_progress(report_id)
        assert (report.status, report.completed_jobs) == ("complete", JOBS)
        await settled_once(system, customer, report_id, JOBS)

    return check


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("part", ["broker", "database", "model-worker", "orchestrator"])
async def test_a_report_outlives_the_death_of(part, share, finishes):
    await finishes(part, share)


@pytest.mark.parametrize("part", ["broker", "model-worker", "orchestrator"])
async def test_a_report_outlives_three_deaths_of(part, finishes):
    await finishes(part, 0.2, 0.4, 0.6)
