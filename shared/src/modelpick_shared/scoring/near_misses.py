"""What would have made a wrong value right. Shown to people; no score depends on it."""

import re
import unicodedata
from decimal import Decimal
from typing import Any, Literal

from modelpick_shared.scoring.amounts import read_amount
from modelpick_shared.scoring.days import read_day
from modelpick_shared.scoring.match import relaxed_form

Rescue = Literal[
    "relaxed",
    "number_format",
    "date_format",
    "date_format_ambiguous",
    "punctuation",
    "null_or_missing",
    "array_order",
]

# Longer strings are texts: looking for a mark that differs would take long and tell little.
LONGEST_TEXT = 2000
# The minus sign is no punctuation by Unicode, as it should be.
_MINUS = re.compile(r"(?<!\S)-(?=[0-9])")
_QUOTES = "`\u00b4"
_NOT_PUNCTUATION = "%‰‱"  # 19 % is not 19


def rescue(expected: Any, actual: Any) -> Rescue | None:
    """Name the first of these that makes two scalars equal, which strict match does not; None without one.

    - `relaxed`: relaxed match.
    - `number_format`: the same number with thousands separators, a currency, or a decimal comma. Two
      currencies that differ are no matter of format, and neither is a percent sign.
    - `date_format`: the same day. Where that hangs on which of day and month comes first, as in 2025-04-03
      and 03/04/2025, it is `date_format_ambiguous`.
    - `punctuation`: relaxed match once punctuation is dropped or read as a space; not for numbers.
    """
    if isinstance(expected, str):
        if not isinstance(actual, str | int | Decimal) or isinstance(actual, bool):
            return None
    elif not isinstance(actual, str) or not isinstance(expected, int | Decimal) or isinstance(expected, bool):
        return None
    if relaxed_form(expected) == relaxed_form(actual):
        return "relaxed"
    return _format(expected, actual)


def _format(expected: Any, actual: Any) -> Rescue | None:
    amount = read_amount(expected)
    if amount and (other_amount := read_amount(actual)):
        return "number_format" if amount.agrees(other_amount) else None
    if not isinstance(expected, str) or not isinstance(actual, str):
        return None
    day = read_day(expected)
    if day and (other_day := read_day(actual)):
        if day == other_day:
            return "date_format"
        return "date_format_ambiguous" if day.may_be(other_day) else None
    return "punctuation" if _differ_in_punctuation(expected, actual) else None


def _differ_in_punctuation(expected: str, actual: str) -> bool:
    if max(len(expected), len(actual)) > LONGEST_TEXT:
        return False
    # The other forms take six times as long and do not agree where these differ.
    if expected.translate(_SQUEEZED).lower() != actual.translate(_SQUEEZED).lower():
        return False
    return not _bare_forms(expected).isdisjoint(_bare_forms(actual))


def _bare_forms(text: str) -> set[object]:
    """Return a text without its punctuation: the marks dropped, and the marks as spaces."""
    signed = _MINUS.sub("\u2212", text)
    return {relaxed_form(signed.translate(table)) for table in (_DROPPED, _SPACED)} - {""}


class _Marks(dict[int, str]):
    """Replaces punctuation, and white space where it is told to, for str.translate."""

    def __init__(self, replacement: str, space: str | None = None) -> None:
        super().__init__()
        self._replacement = replacement
        self._space = space

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_mark = unicodedata.category(character).startswith("P") and character not in _NOT_PUNCTUATION
        self[code] = self._replacement if is_mark or character in _QUOTES else character
        if self._space is not None and character.isspace():
            self[code] = self._space
        return self[code]


_DROPPED, _SPACED, _SQUEEZED = _Marks(""), _Marks(" "), _Marks("", space="")
