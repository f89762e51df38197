"""Which elements of two arrays belong together."""

from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from modelpick_shared.scoring.assignment import assign
from modelpick_shared.scoring.common_order import Pairs, between, common_order
from modelpick_shared.scoring.forms import Forms
from modelpick_shared.scoring.match import are_plain, relaxed_form, strict_form

# Of fewer elements the exact key is had sooner than first a quick one.
_MANY = 10


class Alignment(NamedTuple):
    """What differs between two arrays, by index: unequal elements that belong together, and the others."""

    pairs: Pairs
    missing: list[int]
    extra: list[int]
    is_reordered: bool = False


class Aligner:
    """Aligns the arrays of two JSON values; `mixed` is the `boolean_holders` of both."""

    def __init__(self, mixed: AbstractSet[int]) -> None:
        self._mixed = mixed
        self._strict = Forms(strict_form)
        self._relaxed = Forms(relaxed_form)

    def align(self, expected: list[Any], actual: list[Any]) -> Alignment:
        """Return what differs. Nothing does where only the order is another, which `is_reordered` tells."""
        if not expected or not actual:
            return Alignment([], list(range(len(expected))), list(range(len(actual))))
        unequal = self._unequal(expected, actual)
        if len(expected) == len(actual) and len(unequal) <= 1:
            return Alignment([(place, place) for place in unequal], [], [])
        missing, extra = self._without_equal(expected, actual, unequal)
        if not missing and not extra:
            number = self._strict.number
            is_reordered = any(number(expected[place]) != number(actual[place]) for place in unequal)
            return Alignment([], [], [], is_reordered=is_reordered)
        if _are_objects(expected) and _are_objects(actual):
            return _alignment(missing, extra, self._likest(expected, actual, missing, extra))
        return self._in_order(expected, actual)

    def _unequal(self, expected: list[Any], actual: list[Any]) -> list[int]:
        """Return the indexes at which both hold something, and not the same; a few that are the same, too."""
        pairs = enumerate(zip(expected, actual, strict=False))
        if are_plain(expected, actual, self._mixed):
            return [place for place, (value, other) in pairs if value != other]
        return [place for place, (value, other) in pairs if self._quick(value) != self._quick(other)]

    def _without_equal(
        self, expected: list[Any], actual: list[Any], unequal: list[int]
    ) -> tuple[list[int], list[int]]:
        """Return the indexes of what the other array does not hold, or not as often."""
        missing, extra = self._shifted(expected, actual, unequal)
        keys = (self._quick, self._strict.number)
        for key in keys[len(missing) + len(extra) < _MANY :]:
            missing, extra = _unmatched(
                [(place, key(expected[place])) for place in missing],
                [(place, key(actual[place])) for place in extra],
            )
        return missing, extra

    def _shifted(
        self, expected: list[Any], actual: list[Any], unequal: list[int]
    ) -> tuple[list[int], list[int]]:
        """Return the indexes of what is neither the same in place nor, counted from the end, at the end.

        Where one row is missing, this finds those behind it without hashing them.
        """
        missing = [*unequal, *range(len(actual), len(expected))]
        extra = [*unequal, *range(len(expected), len(actual))]
        shift = len(actual) - len(expected)
        if not shift or not are_plain(expected, actual, self._mixed):
            return missing, extra
        others = set(extra)
        same = {
            place for place in missing if place + shift in others and expected[place] == actual[place + shift]
        }
        return [place for place in missing if place not in same], [
            place for place in extra if place - shift not in same
        ]

    def _quick(self, value: Any) -> Hashable:
        """Return a key that no two values share but those that strict match accepts; some of these do not."""
        if isinstance(value, dict):
            with suppress(TypeError):  # it holds more than scalars
                if id(value) not in self._mixed:
                    return frozenset(value.items())
                return frozenset(zip(value, map(type, value.values()), value.values(), strict=True))
        return self._strict.number(value)

    def _likest(self, expected: list[Any], actual: list[Any], missing: list[int], extra: list[int]) -> Pairs:
        if not missing or not extra:
            return []
        rows, others = [expected[place] for place in missing], [actual[place] for place in extra]
        return [(missing[i], extra[j]) for i, j in assign(rows, others)]

    def _in_order(self, expected: list[Any], actual: list[Any]) -> Alignment:
        """Keep a longest common subsequence, and pair up what lies between: see `differences`."""
        numbers, others = _numbers(self._strict, expected), _numbers(self._strict, actual)
        gaps = list(between(common_order(numbers, others), len(numbers), len(others)))
        pairs = [pair for left, right in gaps for pair in self._paired(expected, actual, left, right)]
        missing, extra = (list(chain.from_iterable(side)) for side in zip(*gaps, strict=True))
        return _alignment(missing, extra, pairs)

    def _paired(self, expected: list[Any], actual: list[Any], left: range, right: range) -> Pairs:
        if not left or not right:
            return []
        numbers = _numbers(self._relaxed, expected[left.start : left.stop])
        others = _numbers(self._relaxed, actual[right.start : right.stop])
        same = common_order(numbers, others)
        rest = between(same, len(numbers), len(others))
        pairs = [*same, *(pair for one, other in rest for pair in zip(one, other, strict=False))]
        return [(i + left.start, j + right.start) for i, j in pairs]


def _alignment(missing: list[int], extra: list[int], pairs: Pairs) -> Alignment:
    partners, others = dict(pairs), {j for _, j in pairs}
    return Alignment(
        sorted(pairs),
        [place for place in missing if place not in partners],
        [place for place in extra if place not in others],
    )


def _unmatched(
    keys: list[tuple[int, Hashable]], others: list[tuple[int, Hashable]]
) -> tuple[list[int], list[int]]:
    """Return the indexes whose keys the other side does not have, or not as often."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, key in reversed(others):
        places[key].append(place)
    unmatched = []
    for place, key in keys:
        if same := places.get(key):
            same.pop()
        else:
            unmatched.append(place)
    return unmatched, sorted(chain.from_iterable(places.values()))


def _numbers(forms: Forms, values: list[Any]) -> list[int]:
    return [forms.number(value) for value in values]


def _are_objects(values: list[Any]) -> bool:
    return {dict}.issuperset(map(type, values))
