"""The charts of a report: cost against accuracy, and latency."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from modelpick_reports.exports.drawing import draw
from modelpick_reports.exports.labels import Box, Point, place_names
from modelpick_reports.formats import name_of, seconds, shortened
from modelpick_shared.document.schemas import ModelEntry

Keys = Mapping[str, str]

_PLOT = Box(0, 0, 424, 215)  # the width and height in cost_accuracy.vl.json
_FREE = 2.5  # how far free models stand to the left of the cheapest that costs money
_MARGIN = 1.6
_MOST_TICKS = 9
_GAP = "\N{NO-BREAK SPACE}" * 2  # SVG draws several common spaces as one
_ROW_PX = 12  # as in latency.vl.json
_NAME_LETTERS = 36


class _Dot(NamedTuple):
    model: ModelEntry
    text: str
    cost_usd: float
    strict: float


class _Scales(NamedTuple):
    """How figures become pixels in the chart of cost against accuracy."""

    left_usd: float
    right_usd: float
    bottom: float

    def at(self, dot: _Dot) -> tuple[float, float]:
        x = math.log(dot.cost_usd / self.left_usd) / math.log(self.right_usd / self.left_usd)
        return _PLOT.right * x, _PLOT.bottom * (1 - dot.strict) / (1 - self.bottom)

    def figures(self, x: float, y: float) -> tuple[float, float]:
        cost_usd = self.left_usd * (self.right_usd / self.left_usd) ** (x / _PLOT.right)
        return cost_usd, 1 - (1 - self.bottom) * y / _PLOT.bottom


def cost_chart(models: Sequence[ModelEntry], keys: Keys) -> str | None:
    """Draw what accuracy costs, the models without a dearer and worse neighbour named; None without costs."""
    free_at_usd, dots = _dots(models, keys)
    if not dots:
        return None
    scales = _scales(dots)
    datasets: dict[str, list[dict[str, Any]]] = {
        "front": [_front(dot) for dot in dots if dot.model.pareto],
        "others": [_plain(dot) for dot in dots if not dot.model.pareto],
        **_labels(dots, scales),
    }
    ticks = _ticks(scales.left_usd, scales.right_usd)
    if free_at_usd:
        ticks = [free_at_usd, *(tick for tick in ticks if tick > free_at_usd * _MARGIN)]
    return draw(
        "cost_accuracy", datasets, scales._asdict() | {"ticks_usd": ticks, "free_at_usd": free_at_usd}
    )


def latency_chart(models: Sequence[ModelEntry], keys: Keys) -> str | None:
    """Draw median, p90 and p99 of the answers' times, the quickest first; None where none is known."""
    timed = sorted(
        (model for model in models if model.latency_ms.p50 is not None),
        key=lambda model: (model.latency_ms.p50 or 0, model.latency_ms.p90 or 0),
    )
    if not timed:
        return None
    times_ms = [max(1, time) for model in timed for time in model.latency_ms.model_dump().values() if time]
    bottom_ms, top_ms = _rounded_out(min(times_ms, default=1) / 1.1, max(times_ms, default=1) * 1.1)
    params = {
        "bottom_ms": bottom_ms,
        "top_ms": top_ms,
        "height": _ROW_PX * len(timed),
        "ticks": _ticks(bottom_ms, top_ms),
    }
    return draw(
        "latency", {"rows": [_row(*item, keys) for item in enumerate(timed)], "heads": _HEADS}, params
    )


_HEADS = [{"at": 250, "text": "p50"}, {"at": 280, "text": "p90"}, {"at": 310, "text": "p99"}]


def _dots(models: Sequence[ModelEntry], keys: Keys) -> tuple[float, list[_Dot]]:
    """Return where free models stand on the axis (0 without any) and the models that can be drawn."""
    known = [
        (model, float(model.cost_usd.per_1000_images), model.strict.pass_rate)
        for model in models
        if model.cost_usd.per_1000_images is not None and model.strict.pass_rate is not None
    ]
    paid = [cost_usd for _, cost_usd, _ in known if cost_usd > 0]
    free_at_usd = min(paid, default=1.0) / _FREE if len(paid) < len(known) else 0.0
    return free_at_usd, [
        _Dot(model, _name(model, keys), cost_usd or free_at_usd, strict) for model, cost_usd, strict in known
    ]


def _name(model: ModelEntry, keys: Keys) -> str:
    key = keys[model.id]
    return f"{key}{_GAP}{shortened(name_of(model), 26)}" if model.pareto else key


def _scales(dots: Sequence[_Dot]) -> _Scales:
    costs = [dot.cost_usd for dot in dots]
    lowest = min(_front(dot)["low"] if dot.model.pareto else dot.strict for dot in dots)
    return _Scales(min(costs) / _MARGIN, max(costs) * _MARGIN, max(0.0, math.floor(10 * lowest - 0.5) / 10))


def _labels(dots: Sequence[_Dot], scales: _Scales) -> dict[str, list[dict[str, Any]]]:
    """Place the names, those of the front first."""
    ordered = sorted(dots, key=lambda dot: not dot.model.pareto)
    boxes = place_names([_point(dot, scales) for dot in ordered], _PLOT)
    labels: dict[str, list[dict[str, Any]]] = {"front_labels": [], "other_labels": []}
    for dot, box in zip(ordered, boxes, strict=True):
        cost_usd, strict = scales.figures(box.left, (box.top + box.bottom) / 2)
        kind = "front_labels" if dot.model.pareto else "other_labels"
        labels[kind].append({"text": dot.text, "cost_usd": cost_usd, "strict": strict})
    return labels


def _point(dot: _Dot, scales: _Scales) -> Point:
    letter, height = (4.3, 9) if dot.model.pareto else (4.6, 7)
    return Point(*scales.at(dot), width=letter * len(dot.text), height=height)


def _plain(dot: _Dot) -> dict[str, float]:
    return {"cost_usd": dot.cost_usd, "strict": dot.strict}


def _front(dot: _Dot) -> dict[str, float]:
    low, high = dot.model.strict.ci95 or (dot.strict, dot.strict)
    return _plain(dot) | {"low": low, "high": high}


def _row(row: int, model: ModelEntry, keys: Keys) -> dict[str, Any]:
    times = model.latency_ms
    p50, p90, p99 = (max(1, time or times.p50 or 1) for time in (times.p50, times.p90, times.p99))
    return {
        "row": row,
        "key": keys[model.id],
        "name": shortened(name_of(model), _NAME_LETTERS),
        "p50": p50,
        "p90": p90,
        "p99": p99,
        "p50_s": seconds(p50),
        "p90_s": seconds(p90),
        "p99_s": seconds(p99),
    }


def _rounded_out(low: float, high: float) -> tuple[float, float]:
    """Return the round figures next to the two, outwards."""
    figures = _round_figures(low, high)
    return max(figure for figure in figures if figure <= low), min(
        figure for figure in figures if figure >= high
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return the round figures between the two; only powers of ten if those are many."""
    within = [figure for figure in _round_figures(low, high) if low <= figure <= high]
    return within if len(within) <= _MOST_TICKS else [tick for tick in within if _is_power_of_ten(tick)]


def _round_figures(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, 20 and so on from below the one to above the other."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0**power for power in powers for step in (1, 2, 5)]


def _is_power_of_ten(figure: float) -> bool:
    return math.log10(figure).is_integer()
