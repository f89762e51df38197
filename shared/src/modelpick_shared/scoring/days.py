"""Days as people write them: `2025-12-31`, `31.12.2025`, `12/31/2025`, `31 Dec 2025`, `December 31, 2025`."""

import re
from contextlib import suppress
from datetime import date
from typing import NamedTuple, Self

_LONGEST = 48
_MIDNIGHT = re.compile(r"(?<=[0-9])[T ]00:00(?::00(?:\.0+)?)?(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?$")
_WEEKDAY = re.compile(r"^[^\W\d]{2,12}\.?,\s*")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_NAMED = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th|\.)?[\s/-]*(?:de |of )?([^\W\d]{3,})[.,]*[\s/-]*(?:de )?([0-9]{4}|[0-9]{2})"
)
_NAME_FIRST = re.compile(r"([^\W\d]{3,})\.?[\s-]*([0-9]{1,2})(?:st|nd|rd|th)?,?[\s-]+([0-9]{4})")
# English, German, French, Spanish, Italian, Dutch, Portuguese.
_MONTHS = (
    "january januar janvier enero gennaio januari janeiro",
    "february februar février fevrier febrero febbraio februari fevereiro",
    "march märz mars marzo maart março",
    "april avril abril aprile",
    "may mai mayo maggio mei maio",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août aout agosto augustus",
    "september septembre septiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre decembre diciembre dicembre dezembro",
)
# Two digits stand for 1970 to 2069.
_PIVOT = 70


class Day(NamedTuple):
    """A day as it reads with the day before the month, and with the month before the day."""

    day_first: date
    month_first: date

    def may_be(self, other: Self) -> bool:
        return not set(self).isdisjoint(other)


def read_day(text: str) -> Day | None:
    """Read a calendar day, at midnight if there is a time; None for any other text."""
    bare = text.strip()
    if len(bare) > _LONGEST or not (bare[:1].isdigit() or bare[-1:].isdigit()):
        return None
    bare = _MIDNIGHT.sub("", bare)
    if found := _COMPACT.fullmatch(bare):
        return _day(found[1], found[2], found[3])
    if found := _YEAR_FIRST.fullmatch(bare):
        return _day(found[1], found[3], found[4])
    if found := _YEAR_LAST.fullmatch(bare):
        return _either(found[4], found[1], found[3], dotted=found[2] == ".")
    return _named(_WEEKDAY.sub("", bare).lower())


def _named(text: str) -> Day | None:
    if found := _NAMED.fullmatch(text):
        return _day(found[3], _month(found[2]), found[1])
    if found := _NAME_FIRST.fullmatch(text):
        return _day(found[3], _month(found[1]), found[2])
    return None


def _month(name: str) -> int:
    """Return the number of the one month whose name begins so, 0 without one."""
    numbers = [
        number
        for number, names in enumerate(_MONTHS, start=1)
        if any(known.startswith(name) for known in names.split())
    ]
    return numbers[0] if len(numbers) == 1 else 0


def _day(year: str, month: str | int, day: str) -> Day | None:
    read = _date(year, month, day)
    return Day(read, read) if read else None


def _either(year: str, one: str, other: str, *, dotted: bool) -> Day | None:
    """Nobody writes the month first before a dot."""
    day_first = _date(year, other, one)
    month_first = None if dotted else _date(year, one, other)
    if day_first and month_first:
        return Day(day_first, month_first)
    only = day_first or month_first
    return Day(only, only) if only else None


def _date(year: str, month: str | int, day: str) -> date | None:
    full_year = int(year)
    if len(year) < len("2025"):
        full_year += 2000 if full_year < _PIVOT else 1900
    with suppress(ValueError):
        return date(full_year, int(month), int(day))
    return None
