"""Rates, times and costs of one model's measured runs."""

import math
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from modelpick_shared.document.facts import RunFacts
from modelpick_shared.document.schemas import Cost, Latency, PassRate

_FINEST_USD = Decimal("0.0000000001")
_RUNS_TO_COMPARE = 2


def strict_rate(measured: Sequence[RunFacts]) -> PassRate:
    return PassRate(pass_rate=_share(sum(bool(run.passed) for run in measured), len(measured)))


def relaxed_rate(measured: Sequence[RunFacts]) -> PassRate:
    return PassRate(pass_rate=_share(sum(bool(run.passed_relaxed) for run in measured), len(measured)))


def consistency(measured: Sequence[RunFacts]) -> float | None:
    """Return the share of images whose runs agree on strict; images with one measured run do not count."""
    by_image: defaultdict[int, list[bool]] = defaultdict(list)
    for run in measured:
        by_image[run.image_index].append(bool(run.passed))
    comparable = [verdicts for verdicts in by_image.values() if len(verdicts) >= _RUNS_TO_COMPARE]
    return _share(sum(len(set(verdicts)) == 1 for verdicts in comparable), len(comparable))


def latency(measured: Sequence[RunFacts]) -> Latency:
    times_ms = sorted(run.latency_ms for run in measured if run.latency_ms is not None)
    return Latency(
        p50=nearest_rank(times_ms, 50), p90=nearest_rank(times_ms, 90), p99=nearest_rank(times_ms, 99)
    )


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """Return the smallest value that at least `percent` % of the values do not exceed; None of no values."""
    if not ordered:
        return None
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


def cost(measured: Sequence[RunFacts]) -> Cost:
    """Return what the runs cost together and what reading one image costs.

    A run whose bill is unknown is left out of both, so that it never counts as free.
    """
    bills = [run.cost_usd for run in measured if run.cost_usd is not None]
    if not bills:
        return Cost(total=None, per_image=None, per_1000_images=None)
    total = sum(bills, Decimal(0))
    return Cost(
        total=total,
        per_image=_rounded(total / len(bills)),
        per_1000_images=_rounded(1000 * total / len(bills)),
    )


def _rounded(amount: Decimal) -> Decimal:
    """Round to 10 places and drop zeros at the end."""
    rounded = amount.quantize(_FINEST_USD)
    return Decimal(format(rounded, "f").rstrip("0").rstrip("."))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
