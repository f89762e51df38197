from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from modelpick_shared.contracts import (
    AttemptOutcome,
    ReportCompleted,
    RunRequested,
    UnmeasuredReason,
    UnmeasuredRuns,
)
from modelpick_shared.db.tables import Report
from modelpick_shared.statistics import Cluster, clustered_interval

from .conftest import right

pytestmark = pytest.mark.connected


def answer_of(wrong=frozenset(), broken=frozenset()):
    """Answer rightly but for `(model, image, run)` in `wrong` and those that no provider answers."""

    def answer(run):
        place = run.model_id, run.image_index, run.run_index
        if place in broken:
            return right(
                run,
                outcome=AttemptOutcome.UNMEASURED,
                unmeasured_reason=UnmeasuredReason.PROVIDER_ERROR,
                output=None,
                cost_usd=None,
            )
        return right(run, output='{"total": -1}') if place in wrong else right(run)

    return answer


def models_of(report) -> list[str]:
    return [model["id"] for model in report.config_snapshot["models"]]


async def test_the_event_carries_the_best_models_interval_over_its_images(bench):
    report = await bench.paid(models=2, images=4, runs=3)
    first, second = models_of(report)
    wrong = {(second, 0, 0), *((first, image, 0) for image in range(4))}
    await bench.engine.plan(report.id)
    await bench.run_to_the_end(answer_of(wrong=wrong))
    (event,) = await bench.sent(ReportCompleted)
    assert (event.best_model, event.best_model_pass_rate) == (second, 11 / 12)
    assert event.best_model_ci95 == clustered_interval([Cluster(2, 3), *[Cluster(3, 3)] * 3])
    assert (event.total_runs, event.unmeasured) == (24, [])


async def test_of_equally_strict_models_the_relaxed_match_decides(bench):
    report = await bench.paid(models=2, images=1, runs=1)
    _, second = models_of(report)

    def answer(run):
        return right(run, output='{"total": "0"}' if run.model_id == second else '{"total": 5}')

    await bench.engine.plan(report.id)
    await bench.run_to_the_end(answer)
    (event,) = await bench.sent(ReportCompleted)
    assert (event.best_model, event.best_model_pass_rate) == (second, 0)


async def test_a_partial_report_says_what_is_missing_and_why(bench):
    report = await bench.paid(models=2, images=2, runs=2)
    first, second = models_of(report)
    await bench.engine.plan(report.id)
    requests = await bench.sent(RunRequested)
    broken = {(first, 0, 0)}
    answer = answer_of(broken=broken)
    left = {(second, 0, 0), (second, 1, 0)}
    answered = [run for run in requests if (run.model_id, run.image_index, run.run_index) not in left]
    await bench.engine.record([answer(run) for run in answered])
    await bench.execute(update(Report).values(deadline_at=datetime.now(UTC) - timedelta(seconds=46)))
    await bench.engine.sweep()
    (event,) = await bench.sent(ReportCompleted)
    assert event.total_runs == 8
    assert UnmeasuredRuns(model_id=first, reason="provider_error", runs=1) in event.unmeasured
    late = [entry for entry in event.unmeasured if entry.model_id == second]
    assert [entry.reason for entry in late] == ["deadline"]
    assert late[0].runs >= 2


async def test_a_resumed_report_tells_of_all_its_runs_and_of_nothing_missing(bench):
    report = await bench.paid(models=1, images=2, runs=3)
    (model,) = models_of(report)
    await bench.engine.plan(report.id)
    await bench.run_to_the_end(answer_of(broken={(model, 0, 0)}))
    await bench.engine.resume(report.id)
    await bench.run_to_the_end(answer_of(wrong={(model, 0, 0)}))
    partial, whole = await bench.sent(ReportCompleted)
    assert [entry.runs for entry in partial.unmeasured] == [1]
    assert partial.best_model_ci95 == clustered_interval([Cluster(2, 2), Cluster(3, 3)])
    assert (whole.status, whole.unmeasured, whole.best_model_pass_rate) == ("complete", [], 5 / 6)
    assert whole.best_model_ci95 == clustered_interval([Cluster(2, 3), Cluster(3, 3)])
