"""Plausible mistakes: what a model that reads badly makes of the right answer."""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from modelpick_simulators.openrouter.draws import Draws

Json = Any
Path = tuple[str | int, ...]
_ISO_DATE = re.compile(r"^(\d{4})-(\d\d)-(\d\d)$")
_MISSING = object()


def with_mistakes(answer: Json, draws: Draws, count: int) -> Json:
    """Return a copy that differs from `answer` in at most `count` places, and in at least one."""
    changed = copy.deepcopy(answer)
    for path in draws.shuffled("places", list(_leaves(changed)))[:count]:
        _spoil(changed, path, draws)
    if draws.number("drops an item") < 0.2:  # noqa: PLR2004 - one in five wrong answers loses a line item
        _drop_item(changed, draws)
    return changed if changed != answer else {"answer": answer, "note": "unreadable"}


def _leaves(value: Json, path: Path = ()) -> Iterator[Path]:
    inner: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        yield path
    for key, each in inner:
        yield from _leaves(each, (*path, key))


def _spoil(root: Json, path: Path, draws: Draws) -> None:
    if not path:
        return
    parent = root
    for key in path[:-1]:
        parent = parent[key]
    original = parent[path[-1]]
    for spoil in draws.shuffled(f"kind|{path}", _spoilers(original)):
        spoilt = spoil(original, draws)
        if spoilt is _MISSING and isinstance(parent, dict):
            del parent[path[-1]]
            return
        if spoilt is not _MISSING and (spoilt != original or type(spoilt) is not type(original)):
            parent[path[-1]] = spoilt
            return


Spoiler = Callable[[Any, Draws], Json]


def _spoilers(value: Json) -> list[Spoiler]:
    if isinstance(value, bool):
        return [_negated, _left_out]
    if isinstance(value, int | float):
        return [_other_digit_number, _other_digit_number, _with_currency]
    if isinstance(value, str) and _ISO_DATE.match(value):
        return [_other_date_format, _other_digit]
    if isinstance(value, str):
        return [_upper_case, _other_digit, _cut_short, _left_out]
    return [_left_out, _empty_string]


def _negated(value: bool, _draws: Draws) -> Json:  # noqa: FBT001 - the value itself
    return not value


def _left_out(_value: Json, _draws: Draws) -> Json:
    return _MISSING


def _empty_string(_value: Json, _draws: Draws) -> Json:
    return ""


def _other_digit_number(value: float, draws: Draws) -> Json:
    return type(value)(_other_digit(str(value), draws))


def _with_currency(value: float, _draws: Draws) -> Json:
    return f"${value:.2f}" if isinstance(value, float) else str(value)


def _other_date_format(value: str, draws: Draws) -> Json:
    year, month, day = value.split("-")
    return draws.pick(
        "date format", [f"{day}.{month}.{year}", f"{month}/{day}/{year}", f"{day}/{month}/{year}"]
    )


def _other_digit(value: str, draws: Draws) -> Json:
    """Change one digit, never the first one of several: an amount stays of its size."""
    places = [place for place, letter in enumerate(value) if letter in "0123456789"]
    if not places or "e" in value:
        return value
    place = draws.pick("digit", places[1:] or places)
    other = (int(value[place]) + draws.between("by", 1, 8)) % 10
    return value[:place] + str(other) + value[place + 1 :]


def _upper_case(value: str, _draws: Draws) -> Json:
    return value.upper()


def _cut_short(value: str, _draws: Draws) -> Json:
    return value[: len(value) * 2 // 3].rstrip()


def _drop_item(root: Json, draws: Draws) -> None:
    lists = [each for each in _lists(root) if len(each) > 1]
    if lists:
        chosen = draws.pick("list", lists)
        del chosen[draws.between("item", 0, len(chosen) - 1)]


def _lists(value: Json) -> Iterator[list[Json]]:
    if isinstance(value, list):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _lists(each)
