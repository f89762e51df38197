"""Rates, times and costs of one model's measured runs."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from modelpick_shared.contracts import Outcome
from modelpick_shared.document.facts import RunFacts
from modelpick_shared.document.fields import LeafFields, tally_by_path
from modelpick_shared.document.schemas import Cost, Latency, PassRate, ReportDocument, RunEntry
from modelpick_shared.statistics import Cluster, clustered_interval

_FINEST_USD = Decimal("0.0000000001")
_RUNS_TO_COMPARE = 2


def strict_rate(measured: Sequence[RunFacts]) -> PassRate:
    """Return passed over measured runs, with the interval of `statistics.clustered_interval`."""
    return _rate((run.image_index, bool(run.passed)) for run in measured)


def relaxed_rate(measured: Sequence[RunFacts]) -> PassRate:
    """As `strict_rate`, of the runs that pass by the relaxed match."""
    return _rate((run.image_index, bool(run.passed_relaxed)) for run in measured)


def shares_by_image(measured: Sequence[RunFacts], images: int) -> tuple[float | None, ...]:
    """Return the strict pass rate of each of the `images`; None for one without a measured run."""
    clusters = _clusters((run.image_index, bool(run.passed)) for run in measured)
    return tuple(_share(*clusters[index]) if index in clusters else None for index in range(images))


def consistency(measured: Sequence[RunFacts]) -> float | None:
    """Return the share of images whose runs agree on strict; images with one measured run do not count."""
    clusters = _clusters((run.image_index, bool(run.passed)) for run in measured).values()
    comparable = [cluster for cluster in clusters if cluster.measured >= _RUNS_TO_COMPARE]
    return _share(sum(passed in {0, count} for passed, count in comparable), len(comparable))


def flipping_fields(document: ReportDocument) -> dict[str, dict[str, float]]:
    """Return by model and field path the share of images on which the model's runs disagree on the field.

    Paths have list indexes generalised, as in `document.fields`. Runs disagree when they got different
    numbers of the values at a path right; of an image only measured runs count, and at least two of them.
    A path is absent where no image can tell: so a model with one run an image has no paths at all.
    """
    leaves = [LeafFields(image.expected) for image in document.config.images]
    by_model: dict[str, list[RunFacts]] = {model.id: [] for model in document.models}
    for run in document.runs:
        if run.outcome != Outcome.UNMEASURED:
            by_model[run.model_id].append(_facts(run))
    return {model_id: _flips(measured, leaves) for model_id, measured in by_model.items()}


def latency(measured: Sequence[RunFacts]) -> Latency:
    """Return percentiles in milliseconds by `nearest_rank`; runs without a time do not count."""
    times_ms = sorted(run.latency_ms for run in measured if run.latency_ms is not None)
    return Latency(
        p50=nearest_rank(times_ms, 50), p90=nearest_rank(times_ms, 90), p99=nearest_rank(times_ms, 99)
    )


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """Return the smallest value that at least `percent` % of the values do not exceed; None of no values.

    Hyndman and Fan's first definition (The American Statistician 50, 1996), numpy's `inverted_cdf`: always a
    time that was measured, where numpy's default would interpolate. Of up to 99 values p99 is the largest.
    """
    if not ordered:
        return None
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]


def cost(measured: Sequence[RunFacts]) -> Cost:
    """Return what the runs cost together and what reading one image costs: the mean bill of one run, in USD.

    A run whose bill is unknown is left out of both, so that it never counts as free. Without a known bill
    all three are None; a free model costs 0.
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


def _rate(verdicts: Iterable[tuple[int, bool]]) -> PassRate:
    clusters = list(_clusters(verdicts).values())
    passed, measured = (sum(cluster[place] for cluster in clusters) for place in range(2))
    return PassRate(pass_rate=_share(passed, measured), ci95=clustered_interval(clusters))


def _clusters(verdicts: Iterable[tuple[int, bool]]) -> dict[int, Cluster]:
    """Count by image, in the images' order: sums of floats must not depend on the order of the runs."""
    by_image: defaultdict[int, list[bool]] = defaultdict(list)
    for image, passed in verdicts:
        by_image[image].append(passed)
    return {image: Cluster(sum(by_image[image]), len(by_image[image])) for image in sorted(by_image)}


def _facts(run: RunEntry) -> RunFacts:
    return RunFacts(
        model_id=run.model_id,
        image_index=run.image_index,
        run_index=run.run_index,
        outcome=run.outcome,
        passed=run.strict,
        passed_relaxed=run.relaxed,
        diffs=[diff.model_dump() for diff in run.diffs],
    )


def _flips(measured: Sequence[RunFacts], leaves: Sequence[LeafFields]) -> dict[str, float]:
    by_image: defaultdict[int, list[RunFacts]] = defaultdict(list)
    for run in measured:
        by_image[run.image_index].append(run)
    images, flipped = Counter[str](), Counter[str]()
    for runs in by_image.values():
        if len(runs) >= _RUNS_TO_COMPARE:
            tallies = [tally_by_path([run], leaves) for run in runs]
            images.update(tallies[0].keys())
            flipped.update(path for path in tallies[0] if len({one[path].right for one in tallies}) > 1)
    return {path: flipped[path] / count for path, count in images.items()}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
