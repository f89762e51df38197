"""The two definitions of a right answer. Nothing else may change a score."""

import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_SPACE = re.compile(r"\s+")

Object = dict[str, Any]


def strict_match(expected: Any, actual: Any) -> bool:
    """Say whether two JSON values are equal.

    Objects regardless of key order, numbers by value (8.00 is 8, -0 is 0), strings without outer white space,
    arrays in order, booleans and null as they are. A missing key is not null; a number is not its string.
    """
    return _match(expected, actual, _same_scalars)


def comparable(expected: Any) -> Any:
    """Return an expected value with its floats as the decimals that were written.

    Answers are read so; a value that is compared with many answers is brought to the same form once.
    """
    if isinstance(expected, float):
        return _exact(expected)
    if isinstance(expected, dict):
        return {key: comparable(value) for key, value in expected.items()}
    return [comparable(value) for value in expected] if isinstance(expected, list) else expected


def has_booleans(value: Any) -> bool:
    """Say whether a JSON value is a boolean or holds one anywhere."""
    if isinstance(value, dict):
        return any(map(has_booleans, value.values()))
    return any(map(has_booleans, value)) if isinstance(value, list) else isinstance(value, bool)


def relaxed_match(expected: Any, actual: Any) -> bool:
    """As `strict_match`, with strings in lower case and inner white space collapsed to one space.

    A string that is entirely a decimal number equals that number. What strict accepts, this accepts.
    """
    return _match(expected, actual, _alike_scalars)


def _match(expected: Any, actual: Any, same: Callable[[Any, Any], bool]) -> bool:
    if isinstance(expected, dict):
        return isinstance(actual, dict) and _match_objects(expected, actual, same)
    if isinstance(expected, list):
        return isinstance(actual, list) and _match_arrays(expected, actual, same)
    return (type(expected) is type(actual) and expected == actual) or same(expected, actual)


def _match_objects(expected: Object, actual: Object, same: Callable[[Any, Any], bool]) -> bool:
    return len(expected) == len(actual) and all(
        key in actual and _match(value, actual[key], same) for key, value in expected.items()
    )


def _match_arrays(expected: list[Any], actual: list[Any], same: Callable[[Any, Any], bool]) -> bool:
    return len(expected) == len(actual) and all(
        _match(one, other, same) for one, other in zip(expected, actual, strict=True)
    )


def _same_scalars(expected: Any, actual: Any) -> bool:
    if isinstance(expected, str):
        return isinstance(actual, str) and (expected == actual or expected.strip() == actual.strip())
    if expected is None or isinstance(expected, bool):
        return expected is actual
    return _is_number(actual) and _exact(expected) == _exact(actual)


def _alike_scalars(expected: Any, actual: Any) -> bool:
    if _same_scalars(expected, actual):
        return True
    return bool(_relaxed(expected) == _relaxed(actual))


def _relaxed(value: Any) -> Any:
    """Bring a scalar to the form in which values that match relaxed are equal.

    Numbers are tagged, because Python holds True to be 1; other values than strings and numbers match
    themselves alone, which was found before.
    """
    if isinstance(value, str):
        return _relaxed_string(value)
    return ("number", _exact(value)) if _is_number(value) else object()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _exact(value: float | Decimal) -> Decimal | int:
    """Return a number as the decimal that was written: 0.1 is one tenth, not the float nearest to it."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _relaxed_string(value: str) -> Any:
    if _NUMBER.fullmatch(value):
        # An exponent beyond what Decimal holds stays a string.
        with suppress(ArithmeticError):
            return ("number", Decimal(value.strip()))
    return _SPACE.sub(" ", value.strip().lower())
