"""Two equal reports at once: neither has more than its share of calls, nor waits longer than is fair."""

from collections import Counter
from typing import Any

from benchmarks.figures import Figure
from benchmarks.reports import FIXED, list_schedule_s, run_reports, seconds, warm_stand
from benchmarks.stand import Stores

REPEATS = 3


def fairness(stores: Stores) -> list[Figure]:
    """Measure the smaller one's share of calls, and the longer one's time against fair sharing."""
    predicted_s = 2 * list_schedule_s(FIXED)
    shares, ratios = [], []
    with warm_stand(stores) as stand:
        for _ in range(REPEATS):
            reports = run_reports(stand, FIXED, count=2)
            shares.append(smaller_share(stand.api.journal()))
            ratios.append(max(map(seconds, reports)) / predicted_s)
    unit = f"x the {predicted_s:.2f} s that fair sharing predicts"
    return [
        Figure("two reports at once, the smaller one's share of calls", shares, "of all", at_least=0.45),
        Figure("two reports at once, the longer one's time", ratios, unit, at_most=1.10),
    ]


def smaller_share(journal: dict[str, Any]) -> float:
    """Return the smaller report's share of the calls that were made while both ran."""
    times: dict[str, list[float]] = {}
    for call in journal["calls"]:
        times.setdefault(call["user"], []).append(call["received_at"])
    begin, end = max(map(min, times.values())), min(map(max, times.values()))
    counts = Counter(call["user"] for call in journal["calls"] if begin <= call["received_at"] <= end)
    return min(counts.values()) / counts.total()
