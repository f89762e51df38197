"""From a worker's result to the row that is counted."""

import json
from decimal import Decimal
from typing import Any

from modelpick_orchestrator.snapshots import Snapshot
from modelpick_shared.contracts import AttemptOutcome, JobKey, Outcome, RunFinished, UnmeasuredReason
from modelpick_shared.contracts.snapshot import ModelSpec
from modelpick_shared.pricing import PER_MILLION
from modelpick_shared.scoring import Score, clean_text, clean_value

OUTPUT_LIMIT_BYTES = 64 * 1024
ERROR_LIMIT = 2000

_WITHOUT_ANSWER = {
    AttemptOutcome.EMPTY: Outcome.EMPTY,
    AttemptOutcome.TRUNCATED: Outcome.TRUNCATED,
    AttemptOutcome.REFUSED: Outcome.REFUSED,
    AttemptOutcome.UNMEASURED: Outcome.UNMEASURED,
}
NOT_FINAL = frozenset({AttemptOutcome.RETRY_LATER, AttemptOutcome.NOT_STARTED, AttemptOutcome.ABANDONED})


def run_values(result: RunFinished, snapshot: Snapshot, *, earlier_calls: int = 0) -> dict[str, Any]:
    """Return the columns of `benchmark_runs` for a final result, scored; `output_json` is JSON text.

    `earlier_calls` are the model calls that earlier attempts at the job made.
    """
    output = _cut(clean_text(result.output)) if result.output is not None else None
    return (
        result.job_key._asdict()
        | _score(result, snapshot)
        | _usage(result, snapshot.models[result.model_id])
        | {
            "output_text": output,
            "response_time_ms": result.latency_ms,
            "provider": result.provider,
            "generation_id": result.generation_id,
            "attempts": earlier_calls + result.attempts,
        }
    )


def unmeasured_values(job: JobKey, reason: UnmeasuredReason) -> dict[str, Any]:
    """Return the columns of `benchmark_runs` for a job that never got a result."""
    return job._asdict() | _unscored(Outcome.UNMEASURED) | {"unmeasured_reason": reason.value, "attempts": 0}


def billed_usd(result: RunFinished, model: ModelSpec) -> Decimal | None:
    """Return what the attempt cost: as billed, else from its tokens; None when nothing is known.

    A bill that is negative or not finite is not believed. What cannot have been billed cost nothing.
    """
    if not (result.may_be_billed and result.attempts):
        return Decimal(0)
    if result.cost_usd is not None and result.cost_usd.is_finite() and result.cost_usd >= 0:
        return result.cost_usd
    if result.prompt_tokens is None or result.completion_tokens is None:
        return None
    cost = result.prompt_tokens * model.input_usd_per_1m + result.completion_tokens * model.output_usd_per_1m
    return cost / PER_MILLION


def as_stored(result: RunFinished) -> str:
    """Return a result as JSON that PostgreSQL can keep."""
    output = _cut(clean_text(result.output)) if result.output is not None else None
    return result.model_copy(update={"output": output}).model_dump_json()


def _score(result: RunFinished, snapshot: Snapshot) -> dict[str, Any]:
    if result.outcome is not AttemptOutcome.ANSWERED:
        reason = result.unmeasured_reason if result.outcome is AttemptOutcome.UNMEASURED else None
        return _unscored(_WITHOUT_ANSWER[result.outcome]) | {
            "unmeasured_reason": reason.value if reason else None,
            "error": _error(result.error),
        }
    score = snapshot.answer_keys[result.image_index].score(result.output or "")
    return {
        "outcome": score.outcome.value,
        "unmeasured_reason": None,
        "passed": score.strict,
        "passed_relaxed": score.relaxed,
        "field_diffs": [clean_value(diff._asdict()) for diff in score.diffs],
        "output_json": _json_text(result.output or "", score),
        "error": _error(score.note or result.error),
    }


def _json_text(text: str, score: Score) -> str | None:
    """Return the answer's JSON as the model wrote it, unless it escapes what PostgreSQL cannot keep."""
    if score.outcome is Outcome.INVALID_JSON:
        return None
    return json.dumps(clean_value(score.value)) if "\\u" in text else clean_text(text)


def _unscored(outcome: Outcome) -> dict[str, Any]:
    measured = outcome is not Outcome.UNMEASURED
    return {
        "outcome": outcome.value,
        "unmeasured_reason": None,
        "passed": False if measured else None,
        "passed_relaxed": False if measured else None,
        "field_diffs": None,
        "output_json": None,
        "output_text": None,
        "response_time_ms": None,
        "prompt_tokens": None,
        "completion_tokens": None,
        "total_tokens": None,
        "cost": None,
        "provider": None,
        "generation_id": None,
        "error": None,
    }


def _usage(result: RunFinished, model: ModelSpec) -> dict[str, Any]:
    known = result.prompt_tokens is not None and result.completion_tokens is not None
    return {
        "prompt_tokens": result.prompt_tokens,
        "completion_tokens": result.completion_tokens,
        "total_tokens": (result.prompt_tokens or 0) + (result.completion_tokens or 0) if known else None,
        "cost": None if result.outcome is AttemptOutcome.UNMEASURED else billed_usd(result, model),
    }


def _error(text: str | None) -> str | None:
    return clean_text(text)[:ERROR_LIMIT] if text else None


def _cut(text: str) -> str:
    """Cut a text to 64 KiB of UTF-8 without breaking a character."""
    encoded = text.encode()
    return (
        text if len(encoded) <= OUTPUT_LIMIT_BYTES else encoded[:OUTPUT_LIMIT_BYTES].decode(errors="ignore")
    )
