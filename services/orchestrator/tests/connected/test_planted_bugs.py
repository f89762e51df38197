"""The checks of this suite catch the mistakes that they are there for: each is planted once."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update

from modelpick_orchestrator import planner, repository
from modelpick_orchestrator.planner import Opening
from modelpick_orchestrator.service import Engine
from modelpick_shared.contracts import RunRequested
from modelpick_shared.db.tables import Attempt

from .conftest import right

pytestmark = pytest.mark.connected


async def a_lost_job_is_asked_for_again(bench):
    _, (run,) = await bench.started(models=1, images=1, runs=1)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await bench.execute(update(Attempt).values(lease_ends_at=past))
    await bench.engine.sweep()
    assert [again.job_key for again in await bench.sent(RunRequested)] == [run.job_key] * 2


async def spending_stays_under_the_ceiling(bench):
    report, _ = await bench.started(models=1, images=10, runs=3, dearer=7)
    worst = await bench.scalar(select(Attempt.reserved_usd).limit(1))
    await bench.run_to_the_end(lambda run: right(run, cost_usd=worst))
    assert (await bench.report(report.id)).spent_usd <= 7


async def outcomes_are_counted_once(bench):
    report, requests = await bench.started(models=1, images=4, runs=1)
    await bench.engine.record([right(run) for run in requests[:2]])
    await bench.execute(update(Attempt).values(state="in_flight"))
    await bench.engine.record([right(run, cost_usd=Decimal(0)) for run in requests[:2]])
    assert (await bench.report(report.id)).completed_jobs == 2


def plant_no_sweeper(monkeypatch):
    async def nothing(_):
        pass

    monkeypatch.setattr(Engine, "sweep", nothing)


def plant_a_naive_ceiling(monkeypatch):
    """Everything may start as long as less than the ceiling was spent, and nothing is reserved."""

    async def nothing(*_):
        pass

    monkeypatch.setattr(planner, "opening", lambda _: Opening(through=(99, 99)))
    monkeypatch.setattr(planner.Purse, "left_usd", lambda *_, **__: Decimal(1000))
    monkeypatch.setattr(planner.Purse, "closed", False)
    monkeypatch.setattr(repository, "reserve", nothing)


def plant_counting_of_deliveries(monkeypatch):
    async def everything(_, values):
        return {repository.JobKey(*(row[name] for name in repository.JobKey._fields)) for row in values}

    real = repository.count_runs

    async def insert_and_claim_all(session, values):
        await real(session, values)
        return await everything(session, values)

    monkeypatch.setattr(repository, "count_runs", insert_and_claim_all)


CHECKS = [
    (a_lost_job_is_asked_for_again, plant_no_sweeper),
    (spending_stays_under_the_ceiling, plant_a_naive_ceiling),
    (outcomes_are_counted_once, plant_counting_of_deliveries),
]


@pytest.mark.parametrize("planted", [False, True])
@pytest.mark.parametrize(("check", "plant"), CHECKS)
async def test_a_check_passes_as_things_are_and_fails_with_its_bug(check, plant, planted, bench, monkeypatch):
    if planted:
        # The database's own guard would hide what the check is to find.
        await bench.execute(text("ALTER TABLE reports DROP CONSTRAINT ck_reports_ceiling"))
        plant(monkeypatch)
    with pytest.raises(AssertionError) if planted else nullcontext():
        await check(bench)
