"""Cancelling, resuming, replaying, and standing still while the key is refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update

from modelpick_orchestrator.service import UnknownReportError
from modelpick_shared.contracts import (
    AttemptOutcome,
    ReportCompleted,
    ReportFailed,
    RunReplayRequested,
    RunRequested,
    UnmeasuredReason,
    WorkerAlive,
)
from modelpick_shared.db.tables import Attempt, BenchmarkRun, PlatformPause, Refund, Report
from modelpick_shared.ids import new_id

from .conftest import right

pytestmark = pytest.mark.connected

REFUSED = {
    "outcome": AttemptOutcome.RETRY_LATER,
    "unmeasured_reason": UnmeasuredReason.PLATFORM,
    "output": None,
    "cost_usd": None,
    "may_be_billed": False,
    "error": "402: no credit",
}


def broken(run, reason=UnmeasuredReason.PROVIDER_ERROR):
    return right(
        run,
        outcome=AttemptOutcome.UNMEASURED,
        unmeasured_reason=reason,
        output=None,
        cost_usd=None,
        prompt_tokens=None,
        may_be_billed=False,
    )


async def half_broken(bench, **shape):
    """Run a report to its end with every second image unmeasured."""
    report, _ = await bench.started(**shape)
    await bench.run_to_the_end(lambda run: broken(run) if run.image_index % 2 else right(run))
    return await bench.report(report.id)


async def test_a_cancelled_report_ends_with_what_it_has(bench):
    report, requests = await bench.started(models=2, images=2, runs=2)
    await bench.engine.record([right(requests[0])])
    await bench.engine.cancel(report.id)
    assert await bench.outcomes(report.id) == {("passed", None): 1, ("unmeasured", "cancelled"): 7}
    assert (await bench.report(report.id)).status == "partial"
    await bench.engine.cancel(report.id)
    assert len(await bench.sent(ReportCompleted)) == 1


async def test_a_report_cancelled_before_it_was_planned_fails_and_says_so(bench):
    report = await bench.paid(models=1, images=1, runs=1)
    await bench.engine.cancel(report.id)
    assert (await bench.report(report.id)).status == "failed"
    assert len(await bench.sent(ReportFailed)) == 1
    with pytest.raises(UnknownReportError):
        await bench.engine.cancel(new_id())


async def test_what_was_cancelled_in_flight_still_settles(bench):
    report, requests = await bench.started(models=1, images=2, runs=1)
    await bench.engine.cancel(report.id)
    await bench.engine.record([right(run) for run in requests])
    assert await bench.money(report.id) == (Decimal("0.002"), 0)
    assert await bench.outcomes(report.id) == {("unmeasured", "cancelled"): 2}


async def test_a_resume_runs_only_what_is_unmeasured_and_corrects_the_report(bench):
    report = await half_broken(bench, models=2, images=2, runs=2)
    asked = len(await bench.sent(RunRequested))
    await bench.engine.resume(report.id)
    resumed = await bench.report(report.id)
    assert (resumed.status, resumed.completed_jobs, resumed.completed_at) == ("running", 4, None)
    assert resumed.deadline_at > report.deadline_at
    assert resumed.revision > report.revision
    await bench.engine.record([right(run) for run in (await bench.sent(RunRequested))[asked:]])
    await bench.run_to_the_end()
    ended = await bench.report(report.id)
    assert (ended.status, ended.completed_jobs) == ("complete", 8)
    assert await bench.outcomes(report.id) == {("passed", None): 8}
    assert {run.image_index for run in (await bench.sent(RunRequested))[asked:]} == {1}
    assert ended.started_at == report.started_at
    assert ended.spent_usd == Decimal("0.008")


async def test_resuming_twice_or_what_runs_or_is_whole_changes_nothing(bench):
    report, _ = await bench.started(models=1, images=2, runs=1)
    await bench.engine.resume(report.id)
    assert (await bench.report(report.id)).status == "running"
    await bench.run_to_the_end()
    revision = (await bench.report(report.id)).revision
    await bench.engine.resume(report.id)
    whole = await bench.report(report.id)
    assert (whole.status, whole.revision) == ("complete", revision)


async def test_a_refunded_report_is_not_resumed(bench):
    report = await half_broken(bench, models=1, images=2, runs=1)
    async with bench.database.transaction() as session:
        session.add(
            Refund(payment_intent_id="pi_1", order_id=report.order_id, amount_cents=1499, reason="asked")
        )
    await bench.engine.resume(report.id)
    assert (await bench.report(report.id)).status == "partial"


async def test_a_report_whose_images_are_gone_is_not_resumed(bench):
    report = await half_broken(bench, models=1, images=2, runs=1)
    async with bench.database.transaction() as session:
        (await session.get(Report, report.id)).images_removed_at = datetime.now(UTC)
    await bench.engine.resume(report.id)
    assert (await bench.report(report.id)).status == "partial"


async def test_a_resume_stays_under_the_same_ceiling(bench):
    report, _ = await bench.started(models=1, images=10, runs=3, dearer=7)
    worst = await bench.scalar(select(Attempt.reserved_usd).limit(1))
    await bench.run_to_the_end(lambda run: right(run, cost_usd=worst))
    spent, _ = await bench.money(report.id)
    await bench.engine.resume(report.id)
    ended = await bench.report(report.id)
    assert (ended.status, ended.spent_usd) == ("partial", spent)


async def test_an_answer_that_came_after_the_end_is_used_by_a_resume_instead_of_a_call(bench):
    report, requests = await bench.started(models=1, images=2, runs=1)
    await bench.age(Report.deadline_at, 46)
    await bench.engine.sweep()
    assert await bench.outcomes(report.id) == {("unmeasured", "deadline"): 2}
    await bench.engine.record([right(requests[0], output='{"total": 0}\x00'), broken(requests[1])])
    assert await bench.outcomes(report.id) == {("unmeasured", "deadline"): 2}
    await bench.engine.resume(report.id)
    new = (await bench.sent(RunRequested))[len(requests) :]
    assert [run.job_key for run in new] == [requests[1].job_key]
    await bench.engine.record([right(run) for run in new])
    ended = await bench.report(report.id)
    assert ended.completed_jobs == 2
    assert ended.spent_usd == Decimal("0.002")


async def test_a_call_that_outlived_its_report_neither_blocks_nor_doubles_a_resume(bench):
    report, requests = await bench.started(models=1, images=2, runs=1)
    await bench.engine.cancel(report.id)
    await bench.engine.resume(report.id)
    again = (await bench.sent(RunRequested))[len(requests) :]
    assert [run.job_key for run in again] == [run.job_key for run in requests]
    later = {"outcome": AttemptOutcome.RETRY_LATER, "output": None, "may_be_billed": False}
    await bench.engine.record([right(requests[0], **later), right(requests[1])])
    assert len(await bench.sent(RunRequested)) == 4, "the resumed attempts are the ones that count"
    await bench.engine.record([right(run) for run in again])
    ended = await bench.report(report.id)
    assert (ended.status, ended.completed_jobs, ended.reserved_usd) == ("complete", 2, 0)
    assert ended.spent_usd == Decimal("0.003"), "the call that was made twice is paid twice"


async def test_calls_that_a_refused_key_met_count_against_no_job(bench):
    _, (run,) = await bench.started(models=1, images=1, runs=1, dearer=0)
    await bench.engine.record([right(run, **REFUSED)])
    again = (await bench.sent(RunRequested))[-1]
    assert again.attempt_token != run.attempt_token
    assert again.calls_made == 0


async def test_a_replay_dispatches_a_job_whose_message_was_laid_down_and_only_once(bench):
    report, (run,) = await bench.started(models=1, images=1, runs=1)
    await bench.engine.replay(replay_of(run))
    await bench.engine.replay(replay_of(run))
    first, second = await bench.sent(RunRequested)
    assert first.job_key == second.job_key
    await bench.engine.record([right(second)])
    assert (await bench.report(report.id)).status == "complete"


async def test_replaying_a_finished_job_changes_nothing(bench):
    report, (run,) = await bench.started(models=1, images=1, runs=1)
    await bench.engine.record([right(run)])
    before = await bench.report(report.id)
    await bench.engine.replay(replay_of(run))
    await bench.engine.replay(replay_of(run, token=None))
    after = await bench.report(report.id)
    assert len(await bench.sent(RunRequested)) == 1
    assert (after.spent_usd, after.reserved_usd, after.revision) == (
        before.spent_usd,
        before.reserved_usd,
        before.revision,
    )


def replay_of(run, **changes):
    return RunReplayRequested(**run.job_key._asdict(), attempt_token=changes.get("token", run.attempt_token))


async def test_a_refused_key_stops_paid_models_and_their_clocks_until_it_works_again(bench):
    report, requests = await bench.started(models=2, images=3, runs=3)
    await bench.engine.record([right(requests[0], **REFUSED)])
    asked = len(await bench.sent(RunRequested))
    await bench.engine.record([right(run) for run in requests[1:4]])
    assert len(await bench.sent(RunRequested)) == asked
    stopped = await bench.report(report.id)
    assert stopped.paused_at is not None
    await bench.execute(
        update(Report).values(
            paused_at=Report.paused_at - timedelta(hours=1),
            deadline_at=Report.deadline_at - timedelta(hours=1),
        )
    )
    await bench.engine.sweep()
    assert (await bench.report(report.id)).status == "running", "its clock stands still"

    await bench.age(PlatformPause.began_at, 60)
    bench.engine.hear(alive(works=False))
    await bench.engine.sweep()
    assert len(await bench.sent(RunRequested)) == asked
    bench.engine.hear(alive(works=True))
    await bench.engine.sweep()
    going = await bench.report(report.id)
    assert going.paused_at is None
    assert abs((going.deadline_at - stopped.deadline_at).total_seconds()) < 5
    assert 3600 <= going.paused_s < 3605
    assert len(await bench.sent(RunRequested)) > asked


def alive(*, works):
    return WorkerAlive(worker_id="w", queues=[], sent_at="2026-01-01T00:00:00Z", key_works=works)


async def test_free_models_go_on_while_the_key_is_refused(bench):
    _, requests = await bench.started(models=24, images=2, runs=1)
    free = [run for run in requests if run.model_id.endswith(":free")]
    paid = next(run for run in requests if not run.model_id.endswith(":free"))
    await bench.engine.record([right(paid, **REFUSED)])
    asked = len(await bench.sent(RunRequested))
    await bench.engine.record([right(run, cost_usd=Decimal(0)) for run in free])
    new = (await bench.sent(RunRequested))[asked:]
    assert all(run.model_id.endswith(":free") for run in new)


async def test_jobs_of_free_models_have_time_while_the_clock_stands_however_late_it_is(bench):
    _, requests = await bench.started(models=24, images=3, runs=1)
    free = [run for run in requests if run.model_id.endswith(":free")]
    paid = next(run for run in requests if not run.model_id.endswith(":free"))
    await bench.engine.record([right(paid, **REFUSED)])
    await bench.age(Report.paused_at, 3600)
    await bench.age(Report.deadline_at, 3000)
    asked = len(await bench.sent(RunRequested))
    await bench.engine.record([right(run, cost_usd=Decimal(0)) for run in free])
    new = (await bench.sent(RunRequested))[asked:]
    assert new
    soon = datetime.now(UTC) + timedelta(seconds=200)
    assert all(soon < run.lease_ends_at <= run.deadline_at for run in new)


async def test_a_key_that_is_refused_for_free_models_too_stops_the_clock_of_a_report_of_them_alone(bench):
    report, (run,) = await bench.started(models=1, images=1, runs=1, dearer=0)
    await bench.engine.record([right(run, **REFUSED)])
    assert (await bench.report(report.id)).paused_at is not None
    await bench.age(Report.paused_at, 3600)
    await bench.age(Report.deadline_at, 3000)
    await bench.engine.sweep()
    assert (await bench.report(report.id)).status == "running", "its clock stands still"


async def test_a_report_that_ended_while_its_clock_stood_has_one_that_runs_when_it_is_resumed(bench):
    report, requests = await bench.started(models=2, images=1, runs=1)
    await bench.engine.record([right(requests[0], **REFUSED)])
    await bench.engine.cancel(report.id)
    assert (await bench.report(report.id)).paused_at is None
    await bench.age(PlatformPause.began_at, 60)
    bench.engine.hear(alive(works=True))
    await bench.engine.sweep()
    # As releases before this one left it.
    await bench.execute(update(Report).values(paused_at=func.now() - timedelta(hours=1), paused_s=86_400))
    await bench.engine.resume(report.id)
    resumed = await bench.report(report.id)
    assert (resumed.status, resumed.paused_at, resumed.paused_s) == ("running", None, 0)
    await bench.age(Report.deadline_at, 46)
    await bench.engine.sweep()
    assert (await bench.report(report.id)).status != "running"


async def test_a_pause_that_lasts_too_long_ends_the_report_as_the_platforms_fault(bench_with):
    async with bench_with(platform_pause_max_s=60) as bench:
        report, (run,) = await bench.started(models=1, images=1, runs=1)
        await bench.engine.record([right(run, **REFUSED)])
        await bench.age(Report.paused_at, 61)
        await bench.engine.sweep()
        assert (await bench.report(report.id)).paused_at is None
        await bench.age(Report.deadline_at, 46)
        await bench.engine.sweep()
        assert await bench.outcomes(report.id) == {("unmeasured", "platform"): 1}
        assert len(await bench.sent(ReportFailed)) == 1


async def test_the_provider_that_served_a_model_first_is_asked_first_from_then_on(bench):
    _, requests = await bench.started(models=1, images=4, runs=3)
    assert {run.preferred_provider for run in requests} == {None}
    await bench.engine.record([right(requests[0], provider="First"), right(requests[1], provider="Second")])
    new = (await bench.sent(RunRequested))[len(requests) :]
    assert {run.preferred_provider for run in new} == {"First"}
    providers = await bench.execute(select(BenchmarkRun.provider))
    assert set(providers.scalars()) == {"First", "Second"}
