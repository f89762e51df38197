"""Where two JSON values differ, by path."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from modelpick_shared.scoring.match import relaxed_match, strict_match

Kind = Literal["missing", "extra", "wrong"]


class Difference(NamedTuple):
    """One place where the answer is not what was expected; `path` looks like `line_items[2].price`.

    `rescued_by` names what would have made the pair equal; it never changes a score.
    """

    path: str
    kind: Kind
    expected: Any = None
    actual: Any = None
    rescued_by: str | None = None


def differences(expected: Any, actual: Any) -> list[Difference]:
    """List the differences in the order of the expected value; empty exactly when strict match holds."""
    return list(_walk(expected, actual, ""))


def _walk(expected: Any, actual: Any, path: str) -> Iterator[Difference]:
    if strict_match(expected, actual):
        return
    if isinstance(expected, dict) and isinstance(actual, dict):
        yield from _objects(expected, actual, path)
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _arrays(expected, actual, path)
    else:
        rescue = "relaxed" if relaxed_match(expected, actual) else None
        yield Difference(path=path, kind="wrong", expected=expected, actual=actual, rescued_by=rescue)


def _objects(expected: dict[str, Any], actual: dict[str, Any], path: str) -> Iterator[Difference]:
    for key, value in expected.items():
        below = f"{path}.{key}" if path else key
        if key in actual:
            yield from _walk(value, actual[key], below)
        else:
            yield Difference(path=below, kind="missing", expected=value)
    for key, value in actual.items():
        if key not in expected:
            yield Difference(path=f"{path}.{key}" if path else key, kind="extra", actual=value)


def _arrays(expected: list[Any], actual: list[Any], path: str) -> Iterator[Difference]:
    for index in range(max(len(expected), len(actual))):
        below = f"{path}[{index}]"
        if index >= len(actual):
            yield Difference(path=below, kind="missing", expected=expected[index])
        elif index >= len(expected):
            yield Difference(path=below, kind="extra", actual=actual[index])
        else:
            yield from _walk(expected[index], actual[index], below)
