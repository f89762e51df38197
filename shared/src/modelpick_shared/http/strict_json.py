"""The one way that JSON of a customer is read: what cannot be stored or scored faithfully is refused."""

import json
import math
import re
from typing import Any, NamedTuple

from pydantic import JsonValue

from modelpick_shared.errors import PermanentError

# Possessive, and an unterminated string runs to the end, so that no text takes more than one pass.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class InvalidJsonError(PermanentError):
    """A text is not the JSON that we accept; `pointer` (RFC 6901) says where."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class _Refused(NamedTuple):
    """Stands in a parsed document where something is that we do not accept, so that its path is known."""

    why: str


def parse_json(text: str | bytes, *, max_bytes: int, max_levels: int) -> JsonValue:
    """Return the JSON value of `text`, its objects in the order written.

    Refused are NaN and infinite numbers, a key given twice, lone surrogates, NUL, and more than `max_bytes`
    or `max_levels`. Raises InvalidJsonError.
    """
    text = _decoded(text, max_bytes)
    refuse_deeper(text, max_levels)
    try:
        value = json.loads(
            text,
            parse_float=_finite,
            parse_constant=lambda name: _Refused(f"{name} is not JSON."),
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        raise InvalidJsonError(f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except ValueError:
        raise InvalidJsonError("A number has too many digits.") from None
    _refuse(value)
    return value  # type: ignore[no-any-return] # what json.loads returns is a JsonValue by now


def _decoded(text: str | bytes, max_bytes: int) -> str:
    try:
        raw = text.encode() if isinstance(text, str) else text
        decoded = raw.decode()
    except UnicodeError:
        raise InvalidJsonError("The text is not UTF-8.") from None
    if len(raw) > max_bytes:
        raise InvalidJsonError(f"The JSON is larger than {max_bytes} bytes.")
    return decoded


def refuse_deeper(text: str, max_levels: int) -> None:
    """Count how deeply brackets nest, before parsing, as the parser recurses. Raises InvalidJsonError."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
        if depth > max_levels:
            raise InvalidJsonError(f"The JSON is nested more than {max_levels} levels deep.")


def _finite(digits: str) -> float | _Refused:
    number = float(digits)
    return number if math.isfinite(number) else _Refused("The number is too large.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Refused:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            return _Refused(f"The key {json.dumps(name)[:80]} is given twice.")
        result[name] = value
    return result


def _refuse(value: Any) -> None:
    """Raise InvalidJsonError for the first thing in the document that we do not accept. Does not recurse."""
    stack: list[tuple[Any, str]] = [(value, "")]
    while stack:
        item, pointer = stack.pop()
        if isinstance(item, _Refused):
            raise InvalidJsonError(item.why, pointer)
        if isinstance(item, str):
            _refuse_unstorable(item, pointer)
        elif isinstance(item, list):
            stack.extend((child, f"{pointer}/{index}") for index, child in reversed(list(enumerate(item))))
        elif isinstance(item, dict):
            for name in item:
                _refuse_unstorable(name, pointer)
            stack.extend((child, f"{pointer}/{_escaped(name)}") for name, child in reversed(item.items()))


def _refuse_unstorable(text: str, pointer: str) -> None:
    if _UNSTORABLE.search(text):
        raise InvalidJsonError("A text holds NUL or half of a surrogate pair.", pointer)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
