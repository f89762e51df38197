"""Reading a model's answer as JSON, whatever it holds."""

import json
from decimal import Decimal
from itertools import chain
from typing import Any, NoReturn

from pydantic import JsonValue

MAX_LEVELS = 128


class InvalidAnswerError(ValueError):
    """The text is not one JSON document. The message says why, in words for the report."""


def parse_answer(text: str) -> Any:
    """Return the JSON value of `text`, with every fraction as an exact Decimal.

    White space around it is allowed, and nothing else: prose or a code fence makes it invalid, as do NaN,
    Infinity, a key given twice, an exponent of more than 18 digits, and more than 128 levels. Raises
    InvalidAnswerError.
    """
    try:
        value = _load(text)
    except RecursionError:
        raise InvalidAnswerError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InvalidAnswerError(_why(text, error)) from None
    except ArithmeticError:
        raise InvalidAnswerError("a number is out of range") from None
    # Nothing is nested deeper than there are brackets; counting them is a hundred times faster than walking.
    if text.count("[") + text.count("{") > MAX_LEVELS < levels(value):
        raise InvalidAnswerError("nested too deeply")
    return value


def levels(value: Any) -> int:
    """Return how deeply a JSON value is nested; a scalar has 0 levels. Does not recurse."""
    depth = 0
    containers = [value] if isinstance(value, dict | list) else []
    while containers:
        depth += 1
        children = chain.from_iterable(
            container.values() if isinstance(container, dict) else container for container in containers
        )
        containers = [child for child in children if isinstance(child, dict | list)]
    return depth


def clean_text(text: str) -> str:
    """Replace what PostgreSQL cannot store, NUL and lone surrogates, by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return "".join(
        "�" if character == "\x00" or "\ud800" <= character <= "\udfff" else character for character in text
    )


def clean_value(value: Any) -> JsonValue:
    """Return a JSON value that can be stored: strings cleaned, Decimals as floats.

    A Decimal that no float writes in the same way becomes its text, so that numbers that differ are never
    shown as the same, and none as infinite.
    """
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Decimal):
        return _as_float(value)
    if isinstance(value, list):
        return [clean_value(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_value(item) for key, item in value.items()}
    return value if value is None or isinstance(value, int) else str(value)


def _load(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (InvalidAnswerError, json.JSONDecodeError):
        raise
    except ValueError:
        # int() reads 4300 digits at most, see sys.set_int_max_str_digits.
        return _LONG_INTEGERS.decode(text)


def _as_float(value: Decimal) -> float | str:
    approximate = float(value)
    return approximate if Decimal(repr(approximate)) == value else str(value)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidAnswerError(f"{name} is not JSON")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise InvalidAnswerError("a key is given twice")
    return result


def _why(text: str, error: json.JSONDecodeError) -> str:
    """Tell JSON wrapped in something else from text that holds none."""
    stripped = text.strip()
    if stripped.startswith("```"):
        return "JSON inside a code fence"
    if stripped and stripped[0] not in '{["' and "{" in stripped:
        return "prose around JSON"
    if error.msg == "Extra data":
        return "text after the JSON"
    return f"{error.msg} at line {error.lineno}, column {error.colno}"


# json.loads would make one for every answer.
_STRICT: dict[str, Any] = {
    "parse_float": Decimal,
    "parse_constant": _refuse_constant,
    "object_pairs_hook": _unique_keys,
}
_DECODER = json.JSONDecoder(**_STRICT)
_LONG_INTEGERS = json.JSONDecoder(**_STRICT, parse_int=Decimal)
