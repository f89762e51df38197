"""Which row of one table is which row of another."""

from collections.abc import Hashable, Sequence
from typing import Any

from modelpick_shared.scoring.match import CONTAINERS, relaxed_form, strict_form

# Some 350 rows of four fields, compared with as many, take 60 ms.
MOST_WORK = 1_000_000
# Of two assignments that are as good, the one that keeps the order. Too small to outweigh a field.
_PER_PLACE = 1e-6

Feature = tuple[str, Hashable]


def assign(expected: Sequence[Any], actual: Sequence[Any]) -> list[tuple[int, int]]:
    """Pair rows so that their fields agree in as many places as possible; return pairs of positions.

    A field that agrees by relaxed match counts half. Of as many rows on both sides all are paired; else,
    those with nothing in common are not. Beyond MOST_WORK, fields times rows, rows are paired by position.
    """
    in_order = [(i, i) for i in range(min(len(expected), len(actual)))]
    if len(expected) * len(actual) > MOST_WORK:
        return in_order
    features, others = [_features(row) for row in expected], [_features(row) for row in actual]
    if sum(map(len, features)) * len(others) > MOST_WORK:
        return in_order
    costs = [
        [_PER_PLACE * abs(i - j) - len(own & other) for j, other in enumerate(others)]
        for i, own in enumerate(features)
    ]
    pairs = [(i, j) for i, j in enumerate(_cheapest(costs)) if j >= 0]
    return [(i, j) for i, j in pairs if len(expected) == len(actual) or not features[i].isdisjoint(others[j])]


def _cheapest(costs: list[list[float]]) -> list[int]:
    """Return each row's column, or -1, such that the sum of the costs is least."""
    import lap  # noqa: PLC0415 - with numpy 0.1 s and 16 MB, for those processes alone that compare tables
    import numpy as np  # noqa: PLC0415

    columns: list[int] = lap.lapjv(np.array(costs), extend_cost=True, return_cost=False)[0].tolist()
    return columns


def _features(row: Any) -> set[Feature]:
    found: set[Feature] = set()
    _add_features(row, "", found)
    return found


def _add_features(value: Any, place: str, found: set[Feature]) -> None:
    """Add each leaf twice, by its strict and by its relaxed form, with the names that lead to it."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            _add_features(child, f"{place}.{key}", found)
    elif isinstance(value, list) and value:
        for child in value:
            _add_features(child, f"{place}[]", found)
    elif isinstance(value, CONTAINERS):
        found.add((place, type(value)))
    else:
        form = strict_form(value)
        found.add((place, form))
        found.add((f"~{place}", relaxed_form(form) if isinstance(value, str) else form))
