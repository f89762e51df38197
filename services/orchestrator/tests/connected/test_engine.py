import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Text, cast, func, select, update

from modelpick_orchestrator.service import UnknownReportError
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import (
    AttemptOutcome,
    ReportCompleted,
    ReportFailed,
    RunRequested,
    UnmeasuredReason,
)
from modelpick_shared.db.tables import (
    Attempt,
    BenchmarkJob,
    BenchmarkRun,
    Report,
    ReportModel,
)
from modelpick_shared.ids import new_id

from .conftest import right

pytestmark = pytest.mark.connected

LONG = '{"total": "' + 70_000 * "7" + '"}'


async def test_a_paid_report_runs_every_job_once_and_completes(bench):
    report = await bench.paid(models=3, images=2, runs=3)
    await bench.engine.plan(report.id)
    await bench.run_to_the_end()
    report = await bench.report(report.id)
    assert (report.status, report.completed_jobs, report.total_jobs) == ("complete", 18, 18)
    assert report.spent_usd == Decimal("0.018")
    assert await bench.scalar(select(func.count()).select_from(BenchmarkRun)) == 18
    (event,) = await bench.sent(ReportCompleted)
    assert (event.report_id, event.status, event.email) == (report.id, "complete", report.email)
    assert event.best_model_pass_rate == 1.0


async def test_no_model_ever_has_more_jobs_in_flight_than_its_slots(bench):
    report = await bench.paid(models=24, images=4, runs=3)
    await bench.engine.plan(report.id)
    requests = await bench.sent(RunRequested)
    by_model = {model.id: 0 for model in load_catalog()}
    for run in requests:
        by_model[run.model_id] += 1
    free = {model.id for model in load_catalog() if model.tier == "free"}
    assert {count for model, count in by_model.items() if model not in free} == {6}
    assert {by_model[model] for model in free} == {2}


async def test_the_engine_knows_how_many_results_can_come(bench):
    assert bench.engine.in_flight() == 0
    await bench.started(models=2, images=6, runs=1)
    assert bench.engine.in_flight() == 12
    await bench.started(models=1, images=6, runs=1)
    assert bench.engine.in_flight() == 13  # its model's slots are taken, but each report may have one job
    await bench.run_to_the_end()
    assert bench.engine.in_flight() == 0


async def test_every_image_is_asked_once_before_any_image_twice(bench):
    report = await bench.paid(models=1, images=6, runs=3)
    await bench.engine.plan(report.id)
    assert [(run.run_index, run.image_index) for run in await bench.sent(RunRequested)] == [
        (0, image) for image in range(6)
    ]


async def test_planning_twice_and_at_once_changes_nothing(bench):
    report = await bench.paid()
    await asyncio.gather(*(bench.engine.plan(report.id) for _ in range(5)))
    await bench.engine.plan(report.id)
    assert await bench.scalar(select(func.count()).select_from(BenchmarkJob)) == 12
    assert await bench.scalar(select(func.count()).select_from(Attempt)) == len(
        await bench.sent(RunRequested)
    )


async def test_planning_an_unknown_report_is_refused(bench):
    with pytest.raises(UnknownReportError):
        await bench.engine.plan(new_id())


async def test_results_delivered_twice_and_at_once_are_counted_once(bench):
    report = await bench.paid(models=2, images=2, runs=1)
    await bench.engine.plan(report.id)
    results = [right(run) for run in await bench.sent(RunRequested)]
    other = bench.another_engine()
    await asyncio.gather(
        bench.engine.record(results),
        other.record(results),
        bench.engine.record(results[::-1]),
        other.record(results[:2] * 3),
    )
    report = await bench.report(report.id)
    assert (report.completed_jobs, report.spent_usd) == (4, Decimal("0.004"))
    assert len(await bench.sent(ReportCompleted)) == 1
    counts = select(func.sum(ReportModel.done), func.sum(ReportModel.passed))
    async with bench.database.transaction() as session:
        assert (await session.execute(counts)).one() == (4, 4)


async def test_a_result_with_an_unknown_token_changes_nothing(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    (run,) = await bench.sent(RunRequested)
    await bench.engine.record([right(run, attempt_token=new_id())])
    assert (await bench.report(report.id)).completed_jobs == 0


async def test_outcomes_are_told_apart(bench):
    report = await bench.paid(models=1, images=1, runs=6)
    await bench.engine.plan(report.id)
    answers = iter(
        [
            {},
            {"output": '{"total": 99}'},
            {"output": "Sure! {}"},
            {"outcome": AttemptOutcome.EMPTY, "output": None},
            {"outcome": AttemptOutcome.TRUNCATED, "output": '{"total'},
            {
                "outcome": AttemptOutcome.UNMEASURED,
                "unmeasured_reason": UnmeasuredReason.PROVIDER_ERROR,
                "output": None,
                "cost_usd": None,
                "prompt_tokens": None,
                "error": "502",
            },
        ]
    )
    await bench.run_to_the_end(lambda run: right(run, **next(answers)))
    async with bench.database.transaction() as session:
        runs = (await session.scalars(select(BenchmarkRun).order_by(BenchmarkRun.run_index))).all()
        model = (await session.scalars(select(ReportModel))).one()
    assert sorted(run.outcome for run in runs) == [
        "empty", "invalid_json", "passed", "truncated", "unmeasured", "wrong"
    ]  # fmt: skip
    assert (model.passed, model.failed, model.unmeasured, model.done) == (1, 4, 1, 6)
    unmeasured = next(run for run in runs if run.outcome == "unmeasured")
    assert (unmeasured.cost, unmeasured.passed, unmeasured.unmeasured_reason) == (
        None,
        None,
        "provider_error",
    )
    assert (await bench.report(report.id)).status == "partial"


async def test_a_report_with_nothing_measured_has_failed(bench):
    report = await bench.paid(models=2, images=1, runs=1)
    await bench.engine.plan(report.id)
    broken = {
        "outcome": AttemptOutcome.UNMEASURED,
        "unmeasured_reason": UnmeasuredReason.PROVIDER_ERROR,
        "output": None,
    }
    await bench.run_to_the_end(lambda run: right(run, **broken))
    assert (await bench.report(report.id)).status == "failed"
    (event,) = await bench.sent(ReportFailed)
    assert event.reason


async def test_a_bill_that_is_unknown_counts_as_the_worst_case_and_never_as_zero(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    (run,) = await bench.sent(RunRequested)
    reserved = await bench.scalar(select(Attempt.reserved_usd))
    await bench.engine.record([right(run, cost_usd=None, prompt_tokens=None)])
    assert (await bench.report(report.id)).spent_usd == reserved > 0


async def test_a_negative_bill_is_computed_from_the_tokens(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    (run,) = await bench.sent(RunRequested)
    await bench.engine.record([right(run, cost_usd=Decimal(-5))])
    model = load_catalog()[run.model_id]
    expected = (1000 * model.input_usd_per_1m + 50 * model.output_usd_per_1m) / 1_000_000
    assert (await bench.report(report.id)).spent_usd == expected


async def test_a_bill_above_the_ceiling_is_recorded_and_marked(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    (run,) = await bench.sent(RunRequested)
    await bench.engine.record([right(run, cost_usd=Decimal(8))])
    report = await bench.report(report.id)
    assert (report.spent_usd, report.over_ceiling, report.status) == (Decimal(8), True, "complete")


async def test_text_that_postgresql_cannot_store_is_cleaned(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    (run,) = await bench.sent(RunRequested)
    await bench.engine.record([right(run, output='{"total": "a\\u0000b\\ud800"}\x00', provider="Z")])
    text = await bench.scalar(select(BenchmarkRun.output_text))
    assert "\x00" not in text
    assert (await bench.report(report.id)).status == "complete"


@pytest.mark.parametrize(
    ("output", "as_json"),
    [
        ('{"total": 1.50,  "a": "\u00e9"}\n', '{"total": 1.50,  "a": "\u00e9"}\n'),
        ('{"total": "\\u00e9"}', '{"total": "\\u00e9"}'),
        ("null", "null"),
        ("The total is 0.", None),
        (LONG, LONG),
    ],
    ids=["as written", "escaped", "null", "prose", "long"],
)
async def test_an_answer_is_kept_as_text_and_as_json(bench, output, as_json):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    (run,) = await bench.sent(RunRequested)
    await bench.engine.record([right(run, output=output)])
    assert await bench.scalar(select(BenchmarkRun.output_text)) == output[: 64 * 1024]
    assert await bench.scalar(select(cast(BenchmarkRun.output_json, Text))) == as_json
    assert await bench.scalar(select(BenchmarkJob.state)) == "done"


async def test_a_job_to_retry_later_waits_for_its_time(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    (run,) = await bench.sent(RunRequested)
    later = datetime.now(UTC) + timedelta(minutes=5)
    await bench.engine.record([right(run, outcome=AttemptOutcome.RETRY_LATER, output=None, retry_at=later)])
    await bench.engine.sweep()
    assert len(await bench.sent(RunRequested)) == 1
    async with bench.database.transaction() as session:
        await session.execute(update(BenchmarkJob).values(due_at=datetime.now(UTC) - timedelta(seconds=1)))
    await bench.engine.sweep()
    first, second = await bench.sent(RunRequested)
    assert first.job_key == second.job_key
    assert first.attempt_token != second.attempt_token
    await bench.engine.record([right(second)])
    assert (await bench.report(report.id)).status == "complete"


async def test_a_lapsed_lease_is_dispatched_again_and_a_late_answer_still_counts_once(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.plan(report.id)
    async with bench.database.transaction() as session:
        await session.execute(update(Attempt).values(lease_ends_at=datetime.now(UTC) - timedelta(seconds=1)))
    await bench.engine.sweep()
    first, second = await bench.sent(RunRequested)
    await bench.engine.record([right(first)])
    await bench.engine.record([right(second)])
    report = await bench.report(report.id)
    assert (report.completed_jobs, report.status) == (1, "complete")
    assert report.spent_usd == Decimal("0.002"), "both calls were billed"


async def test_what_is_missing_after_the_deadline_is_unmeasured(bench):
    report = await bench.paid(models=2, images=1, runs=1)
    await bench.engine.plan(report.id)
    first, *_ = await bench.sent(RunRequested)
    await bench.engine.record([right(first)])
    async with bench.database.transaction() as session:
        await session.execute(update(Report).values(deadline_at=datetime.now(UTC) - timedelta(seconds=46)))
    await bench.engine.sweep()
    report = await bench.report(report.id)
    assert (report.status, report.completed_jobs) == ("partial", 2)
    assert len(await bench.sent(ReportCompleted)) == 1


async def test_a_report_whose_message_was_lost_is_planned_by_the_sweep(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.sweep()
    assert (await bench.report(report.id)).status == "running"


async def test_reports_beyond_the_limit_wait_for_their_turn_oldest_first(bench_with):
    async with bench_with(max_running_reports=1) as bench:
        first, second, third = [await bench.paid(models=1, images=1, runs=1) for _ in range(3)]
        for report in (third, first, second):
            await bench.engine.plan(report.id)
        assert [(await bench.report(report.id)).status for report in (first, second, third)] == [
            "paid", "paid", "running"
        ]  # fmt: skip
        (run,) = await bench.sent(RunRequested)
        await bench.engine.record([right(run)])
        assert [(await bench.report(report.id)).status for report in (first, second, third)] == [
            "running", "paid", "complete"
        ]  # fmt: skip


async def test_the_global_limit_bounds_a_report_over_all_models(bench_with):
    async with bench_with(global_concurrency=5) as bench:
        report = await bench.paid(models=4, images=3, runs=3)
        await bench.engine.plan(report.id)
        assert len(await bench.sent(RunRequested)) == 5
        await bench.run_to_the_end()
        assert (await bench.report(report.id)).status == "complete"
