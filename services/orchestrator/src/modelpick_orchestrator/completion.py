"""The end of a report: its status, and the event that tells of it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from modelpick_shared.contracts import (
    Message,
    ReportCompleted,
    ReportFailed,
    ReportStatus,
    UnmeasuredReason,
    UnmeasuredRuns,
)
from modelpick_shared.db.tables import Report, ReportModel
from modelpick_shared.statistics import Cluster, clustered_interval

_ACTIVE = frozenset({ReportStatus.PAID.value, ReportStatus.RUNNING.value})


class RunCount(NamedTuple):
    """How many runs of a model on an image ended alike; those with a reason are unmeasured."""

    model_id: str
    image_index: int
    unmeasured_reason: str | None
    runs: int
    passed: int
    passed_relaxed: int


def is_over(report: Report) -> bool:
    return report.status not in _ACTIVE


def is_complete(report: Report) -> bool:
    """Say whether a report that is not over has an outcome for every job."""
    return not is_over(report) and report.completed_jobs >= report.total_jobs


def complete(
    report: Report, models: Sequence[ReportModel], counts: Sequence[RunCount], now: datetime
) -> Message:
    """Close the report and return the event to put into the outbox; `counts` has all of its runs."""
    status = final_status(models)
    report.status = status.value
    report.completed_at = now
    report.paused_at = None
    if status is ReportStatus.FAILED:
        report.failure_reason = "No model gave a result that could be measured."
        return _failed(report)
    return _completed(report, models, counts, status)


def final_status(models: Sequence[ReportModel]) -> ReportStatus:
    """Return `complete` with nothing unmeasured, `failed` with nothing measured, else `partial`."""
    unmeasured = sum(model.unmeasured for model in models)
    if unmeasured == 0:
        return ReportStatus.COMPLETE
    measured = sum(model.passed + model.failed for model in models)
    return ReportStatus.PARTIAL if measured else ReportStatus.FAILED


def best_model(models: Sequence[ReportModel], counts: Sequence[RunCount]) -> tuple[str | None, float | None]:
    """Return the model with the highest strict pass rate; at least half of its runs must be measured.

    Of models with the same rate the one that passes more often by the relaxed match is taken.
    """
    relaxed: Counter[str] = Counter()
    for count in counts:
        relaxed[count.model_id] += count.passed_relaxed
    rates = [
        (model.passed / measured, relaxed[model.model_id] / measured, model.model_id)
        for model in models
        if 2 * (measured := model.passed + model.failed) >= model.total > 0
    ]
    if not rates:
        return None, None
    rate, _, model_id = max(rates, key=lambda rate: rate[:2])
    return model_id, rate


def unmeasured_runs(models: Sequence[ReportModel], counts: Sequence[RunCount]) -> list[UnmeasuredRuns]:
    """Return what is missing by model and reason, in the report's order of models."""
    missing: Counter[tuple[str, str]] = Counter()
    for count in counts:
        if count.unmeasured_reason is not None:
            missing[count.model_id, count.unmeasured_reason] += count.runs
    return [
        UnmeasuredRuns(model_id=model.model_id, reason=reason, runs=runs)
        for model in models
        for reason in UnmeasuredReason
        if (runs := missing[model.model_id, reason.value])
    ]


def _failed(report: Report) -> ReportFailed:
    return ReportFailed(
        report_id=report.id,
        status=ReportStatus.FAILED,
        share_token=report.share_token,
        email=report.email,
        reason=report.failure_reason or "",
    )


def _completed(
    report: Report, models: Sequence[ReportModel], counts: Sequence[RunCount], status: ReportStatus
) -> ReportCompleted:
    model_id, rate = best_model(models, counts)
    return ReportCompleted(
        report_id=report.id,
        status=status,
        share_token=report.share_token,
        email=report.email,
        best_model=model_id,
        best_model_pass_rate=rate,
        best_model_ci95=clustered_interval(_clusters(model_id, counts)),
        total_runs=report.total_jobs,
        unmeasured=unmeasured_runs(models, counts),
    )


def _clusters(model_id: str | None, counts: Sequence[RunCount]) -> list[Cluster]:
    """Return a model's measured runs by image, in the order of the images."""
    own = [count for count in counts if count.model_id == model_id and count.unmeasured_reason is None]
    return [Cluster(count.passed, count.runs) for count in sorted(own, key=lambda count: count.image_index)]
