"""Workers and orchestrators come, go, hang and die while reports run."""

import asyncio
import signal
from contextlib import asynccontextmanager

import pytest

from modelpick_local.demo.samples import sample_uploads
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.faults

IMAGES, MODELS = 10, 8
JOBS = IMAGES * MODELS * 3
PREFETCH = 3


@pytest.fixture(scope="module")
def system(system_with):
    with system_with(SIMULATOR_LATENCY_MS="400-800", LEASE_S="30") as system:
        yield system


@pytest.fixture
async def fresh_journal(system, model_api):
    await model_api(system, "reset")


@pytest.fixture
def running(system, visit, buy, settled_once):
    """Return a context in which a report runs; when it is left the report must have ended well."""

    @asynccontextmanager
    async def run(name):
        customer = await visit(system, name)
        report_id = await buy(customer, sample_uploads(IMAGES), MODELS)

        async def until(share):
            return await customer.await_progress(report_id, share)

        yield until
        async with asyncio.timeout(240):
            report = await customer.await_progress(report_id)
        assert (report.status, report.completed_jobs) == ("complete", JOBS)
        await settled_once(system, customer, report_id, JOBS)

    return run


async def test_one_two_four_three_workers_never_exceed_the_prefetch(
    system, fresh_journal, running, replicas, journal
):
    async with running("one-two-four-three") as until:
        await until(0.1)
        second = replicas(system, "model_worker")
        await second.ready()
        await until(0.3)
        others = [replicas(system, "model_worker") for _ in range(2)]
        await asyncio.gather(*(other.ready() for other in others))
        await until(0.6)
        await second.stop()
    seen = await journal(system)
    assert max(seen["max_in_flight"].values()) <= PREFETCH
    assert len([call for call in seen["calls"] if call["status"] == 200]) == JOBS, "nothing was called twice"


async def test_a_worker_that_is_killed_among_others_costs_at_most_a_second_set_of_calls(
    system, fresh_journal, running, replicas, journal
):
    async with running("killed-among-others") as until:
        other = replicas(system, "model_worker")
        await other.ready()
        await until(0.3)
        other.kill()
    seen = await journal(system)
    assert max(seen["max_in_flight"].values()) <= 2 * PREFETCH
    answered = len([call for call in seen["calls"] if call["status"] == 200])
    assert answered <= JOBS + PREFETCH * MODELS, "only the calls of the dead worker were made again"


async def test_a_worker_that_hangs_and_comes_back_does_no_harm(
    system, fresh_journal, running, replicas, journal
):
    async with running("hangs") as until:
        other = replicas(system, "model_worker")
        await other.ready()
        await until(0.3)
        other.signal(signal.SIGSTOP)
        await until(0.9)
        other.signal(signal.SIGCONT)
    assert max((await journal(system))["max_in_flight"].values()) <= 2 * PREFETCH


async def test_an_orchestrator_is_killed_while_its_replica_goes_on(system, running, replicas, kill):
    replica = replicas(system, "orchestrator")
    await replica.ready()
    async with running("first-orchestrator-dies") as until:
        await until(0.2)
        await kill(system, "orchestrator")
        await until(0.6)
        replica.kill()


async def test_two_orchestrators_and_two_workers_count_everything_once(
    system, fresh_journal, running, replicas, journal
):
    helpers = [replicas(system, "orchestrator"), replicas(system, "model_worker")]
    await asyncio.gather(*(helper.ready() for helper in helpers))
    async with running("two-of-each"):
        pass
    assert max((await journal(system))["max_in_flight"].values()) <= PREFETCH


async def test_everything_is_asked_to_stop_while_busy_and_goes_on_afterwards(system, running):
    async with running("sigterm") as until:
        await until(0.3)
        for part in ("model-worker", "orchestrator", "reports", "notifier"):
            system.kill(part, signal.SIGTERM)
        await eventually(
            lambda: all(system.parts()[part].restarts for part in ("model-worker", "orchestrator")),
            within_s=60,
        )
