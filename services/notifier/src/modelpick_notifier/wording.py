"""Numbers, prices and reasons as a customer reads them."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from modelpick_notifier.errors import InvalidMailError
from modelpick_shared.contracts import UnmeasuredReason, UnmeasuredRuns

NAMED_MODELS = 3
_CENTS = Decimal("0.01")

_REASONS = {
    UnmeasuredReason.RATE_LIMITED: "The model accepted no more requests for the time being.",
    UnmeasuredReason.PROVIDER_ERROR: "The model's provider answered with errors.",
    UnmeasuredReason.TIMEOUT: "The model did not answer in time.",
    UnmeasuredReason.PRICE: "No provider offered the model at its listed price.",
    UnmeasuredReason.BUDGET: "The report's budget for model calls was used up.",
    UnmeasuredReason.DEADLINE: "The report's time was over.",
    UnmeasuredReason.CANCELLED: "The report was stopped before its end.",
    UnmeasuredReason.PLATFORM: "Something went wrong on our side.",
}


class Missing(NamedTuple):
    """Runs that have no result for one reason, and whose they are."""

    runs: str
    reason: str
    models: str


def percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def interval(bounds: tuple[float, float]) -> str:
    low, high = bounds
    return f"{100 * low:.1f} to {percent(high)}"


def usd(amount: str | Decimal) -> str:
    """Return an amount as `$14.99`. Raises InvalidMailError when it is none."""
    try:
        value = Decimal(amount).quantize(_CENTS)
    except InvalidOperation as error:
        raise InvalidMailError("the amount is no number") from error
    if not value.is_finite() or value <= 0:
        raise InvalidMailError("the amount is nothing")
    return f"${value:,.2f}"


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def missing_runs(unmeasured: Sequence[UnmeasuredRuns], name_of: Callable[[str], str]) -> list[Missing]:
    """Return one entry a reason, the most runs first."""
    runs: Counter[UnmeasuredReason] = Counter()
    models: dict[UnmeasuredReason, list[str]] = {}
    for entry in unmeasured:
        runs[entry.reason] += entry.runs
        models.setdefault(entry.reason, []).append(name_of(entry.model_id))
    return [
        Missing(counted(count, "run"), _REASONS[reason], _names(models[reason]))
        for reason, count in runs.most_common()
    ]


def _names(names: Sequence[str]) -> str:
    named, more = names[:NAMED_MODELS], len(names) - NAMED_MODELS
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
