"""Differences as they are stored: their size is bounded, whatever a model answers."""

import json
from collections.abc import Sequence
from typing import Any

from modelpick_shared.scoring.differences import Difference
from modelpick_shared.scoring.parse import clean_value

MOST_EXTRAS = 20
LONGEST_VALUE = 300
_JSON = json.JSONEncoder(ensure_ascii=False, default=clean_value)


def concise(diffs: Sequence[Difference]) -> list[Difference]:
    """Return differences with long values cut: to the first 300 characters of their JSON, and `…`.

    So are the keys of extras, which a model makes up. All other paths and those before such keys stay as they
    are, since the accuracy of fields is told from them.
    """
    return [_concise(diff) for diff in diffs]


def _concise(diff: Difference) -> Difference:
    expected, actual = _shown(diff.expected), _shown(diff.actual)
    path = _shown_path(diff.path) if diff.kind == "extra" else diff.path
    if expected is diff.expected and actual is diff.actual and path is diff.path:
        return diff
    return diff._replace(path=path, expected=expected, actual=actual)


def _shown_path(path: str) -> str:
    """Return a path whose last part is cut where it is a long key; see `key_path`."""
    if path.endswith("]") and not path.endswith('"]'):
        return path
    key = max(0, path.rfind('["') if path.endswith('"]') else path.rfind("."))
    return path if len(path) - key <= LONGEST_VALUE else f"{path[: key + LONGEST_VALUE]}…"


def _shown(value: Any) -> Any:
    """Return a value, or the beginning of its text where that is long."""
    # Python's own text is about as long as the JSON and there sooner, but for lists, which can be long.
    if value is None or (not isinstance(value, str | list) and len(str(value)) <= LONGEST_VALUE):
        return value
    text = value if isinstance(value, str) else _beginning(value)
    return value if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def _beginning(value: Any) -> str:
    """Return a value's JSON, or what is more than enough of it."""
    if not isinstance(value, dict | list):
        return str(value)
    text = ""
    for part in _JSON.iterencode(value):
        text += part
        if len(text) > LONGEST_VALUE:
            break
    return text
