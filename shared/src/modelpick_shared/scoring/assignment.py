"""Which row of one table is which row of another."""

from collections.abc import Hashable, Sequence
from typing import Any

from modelpick_shared.scoring.match import CONTAINERS, relaxed_form, strict_form

# Some 350 rows of four fields, compared with as many, take 60 ms.
MOST_WORK = 1_000_000
# Made square with as many columns, few rows take 0.3 ms and 25 ms; ten times as many take 300 times as long.
_FEW_COLUMNS, _MOST_COLUMNS = 100, 600
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
    import numpy as np  # noqa: PLC0415 - as lap

    table = np.array(costs)
    if max(table.shape) <= _FEW_COLUMNS:
        return _solved(table)
    if len(table) <= len(table[0]):
        return _of_many_columns(table)
    rows = [-1] * len(table)
    for column, row in enumerate(_of_many_columns(table.T)):
        rows[row] = column
    return rows


def _of_many_columns(table: Any) -> list[int]:
    """Return the column of each row of a numpy array that has at least as many columns.

    lap makes the array square: 80 GB for one row and 100,000 columns. So those columns alone are looked at
    that are the cheapest of some row, as many a row as there are rows: the others leave each row one of
    these. Where even they are more than _MOST_COLUMNS, fewer a row, and those in its own place.
    """
    import numpy as np  # noqa: PLC0415 - as lap

    rows, columns = table.shape
    kept = np.arange(columns)
    if columns > min(rows * rows, _MOST_COLUMNS):
        each = min(rows, max(1, _MOST_COLUMNS // rows))
        kept = np.union1d(np.argpartition(table, each - 1)[:, :each], kept[:rows])
    return [int(column) for column in kept[_solved(np.ascontiguousarray(table[:, kept]))]]


def _solved(table: Any) -> list[int]:
    import lap  # noqa: PLC0415 - with numpy 0.1 s and 16 MB, for those processes alone that compare tables

    columns: list[int] = lap.lapjv(table, extend_cost=True, return_cost=False)[0].tolist()
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
