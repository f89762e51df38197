"""Dates and times as JSON Schema's `format` means them (RFC 3339)."""

import re
from collections.abc import Callable
from datetime import date, datetime, time

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = r"\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)"
_TIME = re.compile(_CLOCK, re.ASCII)
_DATE_TIME = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt]{_CLOCK}", re.ASCII)
_FRACTION = re.compile(r"\.\d+")


def is_date(text: object) -> bool:
    """Say whether a text is a day like 2026-03-31; what is no text is not judged."""
    return not isinstance(text, str) or _parses(text, _DATE, date.fromisoformat)


def is_time(text: object) -> bool:
    """Say whether a text is a time of day with its offset, like 09:30:00Z; judged as `is_date` does."""
    return not isinstance(text, str) or _parses(text, _TIME, time.fromisoformat)


def is_date_time(text: object) -> bool:
    """Say whether a text is a moment like 2026-03-31T09:30:00+02:00; judged as `is_date` does."""
    return not isinstance(text, str) or _parses(text, _DATE_TIME, datetime.fromisoformat)


def _parses(text: str, form: re.Pattern[str], read: Callable[[str], object]) -> bool:
    if not form.fullmatch(text):
        return False
    try:
        # Python reads at most six digits of a second.
        read(_FRACTION.sub("", text).upper())
    except ValueError:
        return False
    return True
