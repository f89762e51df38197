"""The end of a report: its status, and the event that tells of it."""

from collections.abc import Sequence
from datetime import datetime

from modelpick_shared.contracts import Message, ReportCompleted, ReportFailed, ReportStatus
from modelpick_shared.db.tables import Report, ReportModel

_ACTIVE = frozenset({ReportStatus.PAID.value, ReportStatus.RUNNING.value})


def is_over(report: Report) -> bool:
    return report.status not in _ACTIVE


def is_complete(report: Report) -> bool:
    """Say whether a report that is not over has an outcome for every job."""
    return not is_over(report) and report.completed_jobs >= report.total_jobs


def complete(report: Report, models: Sequence[ReportModel], now: datetime) -> Message:
    """Close the report and return the event to put into the outbox."""
    status = final_status(models)
    report.status = status.value
    report.completed_at = now
    if status is ReportStatus.FAILED:
        report.failure_reason = "No model gave a result that could be measured."
    return _event(report, models, status)


def final_status(models: Sequence[ReportModel]) -> ReportStatus:
    """Return `complete` with nothing unmeasured, `failed` with nothing measured, else `partial`."""
    unmeasured = sum(model.unmeasured for model in models)
    if unmeasured == 0:
        return ReportStatus.COMPLETE
    measured = sum(model.passed + model.failed for model in models)
    return ReportStatus.PARTIAL if measured else ReportStatus.FAILED


def best_model(models: Sequence[ReportModel]) -> tuple[str | None, float | None]:
    """Return the model with the highest strict pass rate; at least half of its runs must be measured."""
    rates = [
        (model.passed / (model.passed + model.failed), model.model_id)
        for model in models
        if 2 * (model.passed + model.failed) >= model.total > 0
    ]
    if not rates:
        return None, None
    rate, model_id = max(rates, key=lambda pair: pair[0])
    return model_id, rate


def _event(report: Report, models: Sequence[ReportModel], status: ReportStatus) -> Message:
    model_id, rate = best_model(models)
    if status is ReportStatus.FAILED:
        return ReportFailed(
            report_id=report.id,
            status=status,
            share_token=report.share_token,
            email=report.email,
            reason=report.failure_reason or "",
        )
    return ReportCompleted(
        report_id=report.id,
        status=status,
        share_token=report.share_token,
        email=report.email,
        best_model=model_id,
        best_model_pass_rate=rate,
    )
