from decimal import Decimal
from typing import NamedTuple

from modelpick_shared.contracts import Outcome, UnmeasuredReason
from modelpick_shared.document.facts import RunFacts
from modelpick_shared.document.schemas import Diff, RunEntry


class Limits(NamedTuple):
    """How much of a run is shown: bytes of its output, and how many differences. None is all."""

    output_bytes: int | None = None
    diffs: int | None = None


IN_FULL = Limits()
IN_A_DOCUMENT = Limits(output_bytes=2048)


def run_entry(run: RunFacts, number: int, limits: Limits = IN_A_DOCUMENT) -> RunEntry:
    """Return a run as the document shows it."""
    output, truncated = _cut(run.output, limits.output_bytes)
    return RunEntry(
        n=number,
        model_id=run.model_id,
        image_index=run.image_index,
        run_index=run.run_index,
        outcome=Outcome(run.outcome),
        unmeasured_reason=UnmeasuredReason(run.unmeasured_reason) if run.unmeasured_reason else None,
        strict=run.passed if run.measured else None,
        relaxed=run.passed_relaxed if run.measured else None,
        diffs=[Diff.model_validate(diff) for diff in (run.diffs or [])[: limits.diffs]],
        output=output,
        output_truncated=truncated,
        latency_ms=run.latency_ms if run.measured else None,
        prompt_tokens=run.prompt_tokens,
        completion_tokens=run.completion_tokens,
        cost_usd=_known_cost(run),
        provider=run.provider,
        attempts=run.attempts,
        error=run.error,
    )


def _known_cost(run: RunFacts) -> Decimal | None:
    return run.cost_usd if run.measured else None


def _cut(text: str | None, limit_bytes: int | None) -> tuple[str | None, bool]:
    """Cut to `limit_bytes` of UTF-8 without breaking a character; say whether something was cut."""
    if text is None or limit_bytes is None:
        return text, False
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text, False
    return encoded[:limit_bytes].decode(errors="ignore"), True
