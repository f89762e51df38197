"""Where two JSON values differ, by path."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, Literal, NamedTuple

from modelpick_shared.scoring.alignment import Aligner, Alignment
from modelpick_shared.scoring.match import CONTAINERS, are_plain, boolean_holders, comparable, strict_form
from modelpick_shared.scoring.near_misses import Rescue, rescue
from modelpick_shared.scoring.paths import key_path

# The others are listed without: so many can only be looked at, not read.
MOST_RESCUES = 2000

Kind = Literal["missing", "extra", "wrong"]


class Difference(NamedTuple):
    """One place where the answer is not what was expected; `path` looks like `line_items[2].price`.

    Indexes are those of the expected value, but that of an `extra` element of an array is the answer's.
    `rescued_by` names what would have made the pair equal; it never changes a score.
    """

    path: str
    kind: Kind
    expected: Any = None
    actual: Any = None
    rescued_by: Rescue | None = None


def differences(expected: Any, actual: Any) -> list[Difference]:
    """List the differences in the order of the expected value; empty exactly when strict match holds.

    - Objects are compared by key. A key that is missing where null is expected, or that is null where none is
      expected, is rescued by `null_or_missing`.
    - An array with the same elements in another order is one difference, rescued by `array_order`.
    - In arrays of objects each is compared with the one that it shares most fields with, in whatever order
      they stand. With as many on both sides each has a partner; else, those that share nothing with any that
      is left are missing or extra.
    - In other arrays a longest common subsequence is in its place. What stands between is compared where
      relaxed match finds it in the same order, then by position; the rest is missing or extra.

    Of wrong values the first 2,000 are looked at for what would rescue them.
    """
    expected, actual = comparable(expected), comparable(actual)
    return differences_of_comparable(expected, actual, boolean_holders(expected) | boolean_holders(actual))


def differences_of_comparable(
    expected: Any, actual: Any, mixed: AbstractSet[int], most_extras: int | None = None
) -> list[Difference]:
    """As `differences`, of values that are `comparable`; `mixed` is the `boolean_holders` of both.

    With `most_extras`, so many of one object or array are listed, and one more in place of all the others:
    its `actual` is a text that says how many they are.
    """
    comparison = _Comparison(mixed, most_extras)
    comparison.values(expected, actual, "")
    return comparison.found


class _Comparison:
    def __init__(self, mixed: AbstractSet[int], most_extras: int | None) -> None:
        self.found: list[Difference] = []
        self._most_extras = most_extras
        self._rescues_left = MOST_RESCUES
        self._mixed = mixed
        self._aligner = Aligner(mixed)

    def values(self, expected: Any, actual: Any, path: str) -> None:
        if isinstance(expected, dict) and isinstance(actual, dict):
            self._objects(expected, actual, path)
        elif isinstance(expected, list) and isinstance(actual, list):
            self._arrays(expected, actual, self._aligner.align(expected, actual), path)
        elif isinstance(expected, CONTAINERS) or isinstance(actual, CONTAINERS):
            self.found.append(Difference(path, "wrong", expected, actual))
        elif strict_form(expected) != strict_form(actual):
            self._rescues_left -= 1
            rescued_by = rescue(expected, actual) if self._rescues_left >= 0 else None
            self.found.append(Difference(path, "wrong", expected, actual, rescued_by))

    def _objects(self, expected: dict[str, Any], actual: dict[str, Any], path: str) -> None:
        is_plain = are_plain(expected, actual, self._mixed)
        for key, value in expected.items():
            if key not in actual:
                self._missing(key_path(path, key), value, _null(value))
            elif not (is_plain and value == actual[key]):
                self.values(value, actual[key], key_path(path, key))
        extras = [key for key in actual if key not in expected]
        if extras:
            self._extras(
                (_extra(key_path(path, key), actual[key], _null(actual[key])) for key in extras), len(extras)
            )

    def _arrays(self, expected: list[Any], actual: list[Any], alignment: Alignment, path: str) -> None:
        if alignment.is_reordered:
            self.found.append(Difference(path, "wrong", expected, actual, "array_order"))
        partners = dict(alignment.pairs)
        for place in sorted([*partners, *alignment.missing]):
            if place in partners:
                self.values(expected[place], actual[partners[place]], f"{path}[{place}]")
            else:
                self._missing(f"{path}[{place}]", expected[place])
        if alignment.extra:
            self._extras(
                (_extra(f"{path}[{place}]", actual[place]) for place in alignment.extra), len(alignment.extra)
            )

    def _missing(self, path: str, value: Any, rescued_by: Rescue | None = None) -> None:
        self.found.append(Difference(path, "missing", expected=value, rescued_by=rescued_by))

    def _extras(self, extras: Iterator[Difference], count: int) -> None:
        listed = count if self._most_extras is None else min(count, self._most_extras)
        self.found += islice(extras, listed)
        if listed < count:
            self.found.append(next(extras)._replace(actual=f"{count - listed} more", rescued_by=None))


def _extra(path: str, value: Any, rescued_by: Rescue | None = None) -> Difference:
    return Difference(path, "extra", actual=value, rescued_by=rescued_by)


def _null(value: Any) -> Rescue | None:
    return "null_or_missing" if value is None else None
