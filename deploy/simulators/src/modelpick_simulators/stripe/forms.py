"""Stripe's form encoding: `line_items[0][price_data][currency]=usd`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from modelpick_simulators.stripe.errors import StripeError

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")


def decode_form(encoded: str) -> dict[str, Any]:
    """Decode into nested dictionaries of strings; a list is a dictionary with the keys "0", "1", ..."""
    decoded: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        _put(decoded, _segments(name), value)
    return decoded


def as_list(value: object) -> object:
    """Turn a decoded list into a Python list; leave anything else for validation to refuse."""
    if isinstance(value, dict) and all(str(key).isdecimal() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value


def parameter_name(location: tuple[int | str, ...]) -> str:
    """Write a place in the decoded form as Stripe names it."""
    head, *rest = (str(part) for part in location)
    return head + "".join(f"[{part}]" for part in rest)


def _segments(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise StripeError(f"Invalid parameter name: {name}", param=name)
    return [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]


def _put(target: dict[str, Any], segments: list[str], value: str) -> None:
    *parents, last = segments
    for segment in parents:
        inner = target.setdefault(segment or str(len(target)), {})
        if not isinstance(inner, dict):
            raise StripeError(f"Invalid hash: {segment}", param=segment)
        target = inner
    target[last or str(len(target))] = value
