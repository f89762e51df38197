"""The two definitions of a right answer. Nothing else may change a score."""

import re
from contextlib import suppress
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_SPACE = re.compile(r"\s+")


def strict_match(expected: Any, actual: Any) -> bool:
    """Say whether two JSON values are equal.

    Objects regardless of key order, numbers by value (8.00 is 8, -0 is 0), strings without outer white space,
    arrays in order, booleans and null as they are. A missing key is not null; a number is not its string.
    """
    return bool(canonical(expected) == canonical(actual))


def relaxed_match(expected: Any, actual: Any) -> bool:
    """As `strict_match`, with strings in lower case and inner white space collapsed to one space.

    A string that is entirely a decimal number equals that number. What strict accepts, this accepts.
    """
    return bool(canonical(expected, relaxed=True) == canonical(actual, relaxed=True))


def canonical(value: Any, *, relaxed: bool = False) -> Any:
    """Bring a JSON value to the form in which equal values compare equal with `==`.

    Booleans and numbers are tagged, because Python holds True to be 1.
    """
    if isinstance(value, str):
        return _relaxed_string(value) if relaxed else value.strip()
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float | Decimal):
        return ("number", _exact(value))
    if isinstance(value, list):
        return [canonical(item, relaxed=relaxed) for item in value]
    if isinstance(value, dict):
        return {key: canonical(item, relaxed=relaxed) for key, item in value.items()}
    return value


def _exact(value: float | Decimal) -> Decimal:
    """Return a number as the decimal that was written: 0.1 is one tenth, not the float nearest to it."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _relaxed_string(value: str) -> Any:
    if _NUMBER.fullmatch(value):
        # An exponent beyond what Decimal holds stays a string.
        with suppress(ArithmeticError):
            return ("number", Decimal(value.strip()))
    return _SPACE.sub(" ", value.strip().lower())
