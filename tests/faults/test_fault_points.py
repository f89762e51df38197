"""The worker and the orchestrator die at each step of their work; every outcome is counted once."""

import asyncio
from pathlib import Path

import pytest

from modelpick_local.demo.samples import sample_uploads
from modelpick_shared.faults import FaultPoint
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.faults

IMAGES, MODELS = 5, 4
JOBS = IMAGES * MODELS * 3
# Two calls of each model may run twice after a worker's death, besides those that it had in flight.
PREFETCH = 3


@pytest.fixture(scope="module")
def fault_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("faults")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def system(system_with, fault_dir):
    with system_with(SIMULATOR_LATENCY_MS="300-600", FAULT_DIR=str(fault_dir), LEASE_S="20") as system:
        yield system


@pytest.mark.parametrize("point", list(FaultPoint))
async def test_a_report_outlives_a_death_at(point, system, fault_dir, visit, buy, settled_once, journal):
    customer = await visit(system, point.value)
    early = point is FaultPoint.PLAN_INSERTED
    if early:
        (fault_dir / point.value).touch()
    report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
    if not early:
        await customer.await_progress(report_id, 0.2)
        (fault_dir / point.value).touch()
    await eventually(lambda: not (fault_dir / point.value).exists(), within_s=60)

    async with asyncio.timeout(180):
        report = await customer.await_progress(report_id)
    assert (report.status, report.completed_jobs) == ("complete", JOBS)
    await settled_once(system, customer, report_id, JOBS)
    assert max((await journal(system))["max_in_flight"].values()) <= 2 * PREFETCH
