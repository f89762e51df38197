"""What a worker reports of an attempt."""

from datetime import datetime
from typing import Any

from modelpick_model_worker.bill import Bill
from modelpick_model_worker.openrouter import ModelAnswer
from modelpick_shared.contracts import AttemptOutcome, RunFinished, RunRequested, UnmeasuredReason
from modelpick_shared.telemetry import redact


def answered(run: RunRequested, answer: ModelAnswer, latency_ms: int, *, attempts: int) -> RunFinished:
    answer = answer.within_limit()
    return _finished(
        run,
        answer.outcome,
        bill=answer.bill,
        output=answer.output,
        provider=answer.provider,
        error=answer.note,
        latency_ms=latency_ms,
        attempts=attempts,
    )


def unmeasured(
    run: RunRequested,
    reason: UnmeasuredReason,
    *,
    attempts: int,
    error: str | None = None,
    bill: Bill | None = None,
) -> RunFinished:
    return _finished(
        run, AttemptOutcome.UNMEASURED, bill=bill, unmeasured_reason=reason, attempts=attempts, error=error
    )


def retry_later(
    run: RunRequested,
    reason: UnmeasuredReason | None,
    *,
    retry_at: datetime,
    attempts: int,
    error: str | None = None,
    bill: Bill | None = None,
) -> RunFinished:
    return _finished(
        run,
        AttemptOutcome.RETRY_LATER,
        bill=bill,
        unmeasured_reason=reason,
        retry_at=retry_at,
        attempts=attempts,
        error=error,
    )


def not_started(run: RunRequested) -> RunFinished:
    return _finished(run, AttemptOutcome.NOT_STARTED, bill=None, attempts=0)


def abandoned(run: RunRequested) -> RunFinished:
    """Return the result for a job whose call another worker may have made."""
    return _finished(run, AttemptOutcome.ABANDONED, bill=Bill(), attempts=0)


def _finished(run: RunRequested, outcome: AttemptOutcome, *, bill: Bill | None, **fields: Any) -> RunFinished:
    """Build a result; a bill of None says that nothing can have been billed."""
    known = {} if bill is None else bill._asdict()
    if fields.get("error") is not None:
        fields["error"] = redact(fields["error"])  # a vendor may quote our key, or the image's signed link
    return RunFinished(
        **run.job_key._asdict(),
        **known,
        **fields,
        attempt_token=run.attempt_token,
        outcome=outcome,
        may_be_billed=bill is not None,
    )
