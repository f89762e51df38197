"""A report never spends more than its ceiling, and stops fairly."""

import asyncio
import random
from collections import defaultdict
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from modelpick_orchestrator.repository import OverReservedError, lock_active_reports, reserve
from modelpick_shared.contracts import AttemptOutcome, RunRequested, UnmeasuredReason
from modelpick_shared.db.tables import Attempt, BenchmarkRun, Report

from .conftest import right

pytestmark = pytest.mark.connected

PROVIDER_ERROR = {
    "outcome": AttemptOutcome.UNMEASURED,
    "unmeasured_reason": UnmeasuredReason.PROVIDER_ERROR,
    "output": None,
    "cost_usd": None,
    "prompt_tokens": None,
}


def retry_later(run, **changes):
    fields = PROVIDER_ERROR | {"outcome": AttemptOutcome.RETRY_LATER}
    return right(run, **(fields | changes))


async def test_every_dispatch_reserves_its_worst_case_and_settling_frees_it(bench):
    report, requests = await bench.started(models=2, images=2, runs=3)
    spent, reserved = await bench.money(report.id)
    assert spent == 0
    assert reserved == await bench.open_reservations() > 0
    await bench.engine.record([right(run) for run in requests])
    spent, reserved = await bench.money(report.id)
    assert spent == Decimal("0.001") * len(requests)
    assert reserved == await bench.open_reservations()
    await bench.run_to_the_end()
    assert (await bench.money(report.id))[1] == 0


async def test_the_database_itself_refuses_to_reserve_beyond_the_ceiling(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    with pytest.raises(IntegrityError, match="ceiling"):
        await bench.execute(update(Report).values(reserved_usd=Decimal("7.01")))
    async with bench.database.transaction() as session:
        (locked,) = await lock_active_reports(session)
        with pytest.raises(OverReservedError):
            await reserve(session, {locked.id: locked}, {locked.id: Decimal("7.01")})
    assert await bench.money(report.id) == (0, 0)


async def test_where_one_report_cannot_reserve_none_does(bench):
    poor = await bench.paid(models=1, images=1, runs=1)
    rich = await bench.paid(models=1, images=1, runs=1)

    async def reserve_both(rich_usd, poor_usd):
        async with bench.database.transaction() as session:
            locked = {report.id: report for report in await lock_active_reports(session)}
            await reserve(session, locked, {rich.id: Decimal(rich_usd), poor.id: Decimal(poor_usd)})
        return [locked[report.id].reserved_usd for report in (rich, poor)]

    with pytest.raises(OverReservedError, match=str(poor.id)):
        await reserve_both("6.99", "7.01")
    assert await bench.money(rich.id) == (0, 0)

    assert await reserve_both("6.99", "1.01") == [Decimal("6.99"), Decimal("1.01")]
    assert (await bench.money(rich.id))[1] == Decimal("6.99")
    assert (await bench.money(poor.id))[1] == Decimal("1.01")


async def test_prices_so_high_that_the_budget_binds_leave_every_model_the_same_images(bench):
    report, _ = await bench.started(models=5, images=10, runs=3, dearer=4)
    await bench.run_to_the_end(lambda run: right(run, cost_usd=Decimal("0.11")))
    images = defaultdict(set)
    for run in await bench.execute(
        select(BenchmarkRun.model_id, BenchmarkRun.image_index, BenchmarkRun.run_index).where(
            BenchmarkRun.outcome == "passed"
        )
    ):
        images[run.model_id].add((run.run_index, run.image_index))
    first, *others = images.values()
    assert len(images) == 5
    assert all(rows == first for rows in others)
    assert sorted(first) == [(run, image) for run in range(3) for image in range(10)][: len(first)]
    report = await bench.report(report.id)
    assert report.status == "partial"
    assert 5 < report.spent_usd <= Decimal("6.5")
    assert report.reserved_usd == 0
    outcomes = await bench.outcomes(report.id)
    assert outcomes["unmeasured", "budget"] == 150 - outcomes["passed", None]


async def test_free_models_are_never_cut_by_the_budget(bench):
    report, _ = await bench.started(models=24, images=2, runs=2, dearer=30)
    await bench.run_to_the_end(lambda run: right(run, cost_usd=cost_of(run, "0.4")))
    free = await bench.execute(select(BenchmarkRun.outcome).where(BenchmarkRun.model_id.like("%:free")))
    assert [row.outcome for row in free] == ["passed"] * 8
    report = await bench.report(report.id)
    assert report.status == "partial"
    assert report.spent_usd + report.reserved_usd <= 7


def cost_of(run, paid):
    return Decimal(0) if run.model_id.endswith(":free") else Decimal(paid)


async def test_nothing_new_starts_once_spend_reaches_the_soft_ceiling(bench):
    report, _ = await bench.started(models=1, images=10, runs=3, dearer=7)
    reserved = await bench.scalar(select(Attempt.reserved_usd).limit(1))
    await bench.run_to_the_end(lambda run: right(run, cost_usd=reserved))
    spent, _ = await bench.money(report.id)
    assert spent <= Decimal("6.5")
    assert spent + reserved > Decimal("6.5"), "another one would not have fitted"
    assert (await bench.report(report.id)).status == "partial"


async def test_a_bill_above_its_reservation_commits_stops_dispatch_and_is_marked(bench):
    report, requests = await bench.started(models=2, images=5, runs=3)
    first, *others = requests
    await bench.engine.record([right(first, cost_usd=Decimal("0.9"))])
    assert (await bench.report(report.id)).over_ceiling
    assert len(await bench.sent(RunRequested)) == len(requests)
    await bench.engine.record([right(run) for run in others])
    report = await bench.report(report.id)
    assert (report.status, report.completed_jobs) == ("partial", 30)
    assert report.spent_usd == Decimal("0.9") + Decimal("0.001") * len(others)


async def test_a_call_that_may_have_been_billed_counts_at_its_worst_case_before_it_is_tried_again(bench):
    report, (run,) = await bench.started(models=1, images=1, runs=1)
    (worst,) = (await bench.execute(select(Attempt.reserved_usd))).scalars()
    await bench.engine.record([retry_later(run)])
    spent, reserved = await bench.money(report.id)
    assert (spent, reserved) == (worst, worst)
    second = (await bench.sent(RunRequested))[-1]
    assert (second.job_key, second.calls_made) == (run.job_key, 1)
    await bench.engine.record([right(second)])
    assert await bench.money(report.id) == (worst + Decimal("0.001"), 0)


async def test_a_call_that_cannot_have_been_billed_costs_nothing(bench):
    report, (run,) = await bench.started(models=1, images=1, runs=1)
    await bench.engine.record([retry_later(run, may_be_billed=False)])
    second = (await bench.sent(RunRequested))[-1]
    assert (await bench.money(report.id))[0] == 0
    await bench.engine.record([right(second, **PROVIDER_ERROR, may_be_billed=False, attempts=6)])
    assert await bench.money(report.id) == (0, 0)


async def test_an_abandoned_call_keeps_its_reservation_until_its_answer_comes_after_all(bench):
    report, (run,) = await bench.started(models=1, images=1, runs=1)
    await bench.engine.record([right(run, outcome=AttemptOutcome.ABANDONED, output=None, attempts=0)])
    first, second = await bench.sent(RunRequested)
    assert await bench.open_reservations() == (await bench.money(report.id))[1] > 0
    await bench.engine.record([right(second)])
    assert (await bench.report(report.id)).status == "complete"
    spent, reserved = await bench.money(report.id)
    assert spent == Decimal("0.001")
    assert reserved > 0
    await bench.engine.record([right(first)])
    assert await bench.money(report.id) == (Decimal("0.002"), 0)


async def test_a_job_that_was_not_started_is_released_and_not_counted_as_dispatched(bench):
    report, (run,) = await bench.started(models=1, images=1, runs=1)
    await bench.engine.record([right(run, outcome=AttemptOutcome.NOT_STARTED, output=None, attempts=0)])
    states = (await bench.execute(select(Attempt.state).order_by(Attempt.token))).scalars().all()
    assert states == ["released", "in_flight"]
    assert (await bench.money(report.id))[1] == await bench.open_reservations()


async def test_a_job_whose_workers_die_again_and_again_is_given_up(bench):
    report, _ = await bench.started(models=1, images=1, runs=1, dearer=0)
    for _ in range(20):
        run = (await bench.sent(RunRequested))[-1]
        await bench.engine.record([right(run, outcome=AttemptOutcome.ABANDONED, output=None, attempts=0)])
    assert await bench.outcomes(report.id) == {("unmeasured", "platform"): 1}


@pytest.mark.parametrize("seed", range(3))
async def test_many_recorders_with_duplicates_and_crashes_never_overspend(bench, seed):
    """Forty recorders, each with an engine of its own, record the same results in any order and die of it."""
    chance = random.Random(seed)
    report, _ = await bench.started(models=4, images=5, runs=3, dearer=6)
    engines = [bench.another_engine() for _ in range(40)]
    seen: set = set()
    while new := [run for run in await bench.sent(RunRequested) if run.attempt_token not in seen]:
        seen |= {run.attempt_token for run in new}
        results = [right(run, cost_usd=Decimal("0.14")) for run in new]
        await asyncio.gather(*(record_or_die(engine, results, chance) for engine in engines))
        await bench.engine.record(results)
        report = await bench.report(report.id)
        assert report.spent_usd + report.reserved_usd <= report.ceiling_usd
    billed = await bench.execute(select(Attempt.billed_usd))
    assert sum(billed.scalars()) == report.spent_usd
    assert report.completed_jobs == report.total_jobs == 60
    assert report.status == "partial"


async def record_or_die(engine, results, chance):
    some = chance.sample(results, chance.randint(1, len(results)))
    task = asyncio.create_task(engine.record(some + some[:1]))
    if chance.random() < 0.3:
        await asyncio.sleep(chance.random() / 50)
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)
