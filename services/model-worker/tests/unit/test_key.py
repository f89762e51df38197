import asyncio
from contextlib import asynccontextmanager

from prometheus_client import REGISTRY

from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.key import KeyGuard
from modelpick_shared.testing import eventually

from .conftest import ScriptedApi, a_free_run, a_run


@asynccontextmanager
async def guarding(*key):
    api = ScriptedApi(key=key)
    guard = KeyGuard(api, backoff=Backoff(0.01, 0.02))
    task = asyncio.create_task(guard.run())
    yield guard, api
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def gauge():
    return REGISTRY.get_sample_value("modelpick_key_works")


def test_a_key_works_until_it_is_refused():
    guard = KeyGuard(ScriptedApi())
    assert guard.works
    assert not guard.stops(a_run())
    guard.refuse(unauthorized=False)
    assert not guard.works
    assert guard.changed.is_set()
    assert gauge() == 0


def test_without_credit_only_paid_jobs_stop_and_without_a_key_all_do():
    guard = KeyGuard(ScriptedApi())
    guard.refuse(unauthorized=False)
    assert guard.stops(a_run())
    assert not guard.stops(a_free_run())
    guard.refuse(unauthorized=True)
    assert guard.stops(a_free_run())


async def test_it_is_looked_at_again_until_it_works():
    async with guarding(False, False, True) as (guard, api):
        guard.refuse(unauthorized=True)
        guard.changed.clear()
        await asyncio.wait_for(guard.changed.wait(), 5)
        assert guard.works
        assert not api.key
        assert gauge() == 1
        guard.refuse(unauthorized=False)
        assert not guard.stops(a_free_run())
        await eventually(lambda: guard.works)


async def test_a_key_that_only_looks_well_is_looked_at_ever_more_rarely():
    async with guarding() as (guard, _):
        for _ in range(3):
            guard.refuse(unauthorized=False)
            await eventually(lambda: guard.works, every_s=0.001)
        assert guard._refused_in_a_row == 3
        guard.accept(a_free_run())
        assert guard._refused_in_a_row == 3
        guard.accept(a_run())
        assert guard._refused_in_a_row == 0
