"""What an image's expected JSON may be, and how large it is."""

import json

from pydantic import JsonValue

from modelpick_checkout.limits import MAX_EXPECTED_BYTES, MAX_EXPECTED_LEVELS
from modelpick_shared.http.strict_json import InvalidJsonError, parse_json, refuse_deeper


def parse_expected_json(text: str | bytes) -> JsonValue:
    """Return an image's expected JSON. Raises InvalidJsonError."""
    return parse_json(text, max_bytes=MAX_EXPECTED_BYTES, max_levels=MAX_EXPECTED_LEVELS)


def check_expected_json(value: JsonValue) -> JsonValue:
    """Hold an already parsed expected JSON to its limits. Raises ValueError, as pydantic's validators do."""
    try:
        refuse_deeper(_compact(value), MAX_EXPECTED_LEVELS)
    except InvalidJsonError as error:
        raise ValueError(error.detail) from None
    if size_bytes(value) > MAX_EXPECTED_BYTES:
        raise ValueError(f"The JSON is larger than {MAX_EXPECTED_BYTES} bytes.")
    return value


def size_bytes(value: JsonValue) -> int:
    """Return how many bytes a value takes when it is written without white space."""
    return len(_compact(value).encode())


def _compact(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
