"""The two definitions of a right answer. Nothing else may change a score."""

import re
from collections.abc import Callable, Hashable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")

# Asked first, because most strings are no numbers and the pattern takes six times as long.
_NUMBER_STARTS = frozenset("+-.0123456789")

# A union would be made anew for each value.
CONTAINERS = (dict, list)

Form = Callable[[Any], Hashable]


def strict_match(expected: Any, actual: Any) -> bool:
    """Say whether two JSON values are equal.

    Objects regardless of key order, numbers by value (8.00 is 8, -0 is 0), strings without outer white space,
    arrays in order, booleans and null as they are. A missing key is not null; a number is not its string.
    """
    return match(expected, actual, strict_form)


def relaxed_match(expected: Any, actual: Any) -> bool:
    """As `strict_match`, with strings in lower case and inner white space collapsed to one space.

    A string that is entirely a decimal number equals that number. What strict accepts, this accepts.
    """
    return match(expected, actual, relaxed_form)


def match(expected: Any, actual: Any, form: Form, mixed: AbstractSet[int] | None = None) -> bool:
    """Compare by the form of scalars.

    With `mixed`, the `boolean_holders` of both values, what Python holds to be equal is not walked; both
    must then be `comparable`.
    """
    if isinstance(expected, dict):
        return isinstance(actual, dict) and (
            (are_plain(expected, actual, mixed) and expected == actual)
            or (
                len(expected) == len(actual)
                and all(
                    key in actual and match(value, actual[key], form, mixed)
                    for key, value in expected.items()
                )
            )
        )
    if isinstance(expected, list):
        return isinstance(actual, list) and (
            (are_plain(expected, actual, mixed) and expected == actual)
            or (
                len(expected) == len(actual)
                and all(match(one, other, form, mixed) for one, other in zip(expected, actual, strict=True))
            )
        )
    return not isinstance(actual, CONTAINERS) and form(expected) == form(actual)


def comparable(expected: Any) -> Any:
    """Return an expected value with its floats as the decimals that were written.

    Answers are read so; a value that is compared with many answers is brought to the same form once.
    """
    if isinstance(expected, float):
        return _written(expected)
    if isinstance(expected, dict):
        return {key: comparable(value) for key, value in expected.items()}
    return [comparable(value) for value in expected] if isinstance(expected, list) else expected


def boolean_holders(value: Any) -> set[int]:
    """Return the identities of a value's objects and arrays that hold a boolean at any depth.

    Python holds True to be 1, so its own equality is to be trusted for the others alone.
    """
    holders: set[int] = set()
    _find_booleans(value, holders)
    return holders


def are_plain(expected: Any, actual: Any, mixed: AbstractSet[int] | None) -> bool:
    """Say whether two containers that Python holds to be equal are so by strict match."""
    return mixed is not None and id(expected) not in mixed and id(actual) not in mixed


def strict_form(value: Any) -> Hashable:
    """Bring a scalar to the form in which strict match compares it."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return (bool, value)
    return _written(value) if isinstance(value, float) else value


def relaxed_form(value: Any) -> Hashable:
    """Bring a scalar to the form in which relaxed match compares it."""
    if not isinstance(value, str):
        return strict_form(value)
    text = value.strip()
    if text[:1] in _NUMBER_STARTS and _NUMBER.fullmatch(text):
        # An exponent beyond what Decimal holds stays a string.
        with suppress(ArithmeticError):
            return Decimal(text)
    return " ".join(text.lower().split())


def _find_booleans(value: Any, holders: set[int]) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if children is None:
        return isinstance(value, bool)
    # Not any(): each child is to be looked at.
    if True in [_find_booleans(child, holders) for child in children]:
        holders.add(id(value))
        return True
    return False


def _written(value: float) -> Decimal:
    """Return a number as the decimal that was written: 0.1 is one tenth, not the float nearest to it."""
    return Decimal(repr(value))
