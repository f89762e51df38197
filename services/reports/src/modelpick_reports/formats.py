"""How names and figures are written, on pages and on paper; what is absent is a dash."""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from textwrap import wrap

from modelpick_shared.document.schemas import Interval, ModelEntry

ABSENT = "\N{EN DASH}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_BREAK_HERE = "\N{ZERO WIDTH SPACE}"
_LONG_WORD = 18
_SHOWN_LETTERS = 72
_JOINTS = re.compile(r"(?<=[-/_.:])(?=\w)")
_WIDE = frozenset("WF")
# Controls, and the marks that turn the direction of the text around them; line feed and tab stay.
_UNPRINTABLE = re.compile(
    "[\0-\b\v-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def printable(text: str) -> str:
    """Return the text without what no page shows, so that a name cannot hide or turn around others."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def one_line(text: str) -> str:
    return " ".join(printable(text).split())


def name_of(model: ModelEntry) -> str:
    return one_line(model.name) or one_line(model.id)


def shown_name(model: ModelEntry) -> str:
    """Name a model in a table of a page: whole, unless it is far longer than names are."""
    return shortened(name_of(model), _SHOWN_LETTERS)


def shortened(text: str, width: int) -> str:
    """Cut the end of a text to `width` letters; an East Asian one counts as two."""
    line = one_line(text)
    if _width(line) <= width:
        return line
    kept = line[:width]
    while _width(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept.rstrip()}{ELLIPSIS}"


def end_of(text: str, width: int) -> str:
    """As `shortened`, but cut the beginning: the end of a path says most."""
    line = one_line(text)
    if _width(line) <= width:
        return line
    kept = line[-width:]
    while _width(kept) > width - 1:
        kept = kept[1:]
    return f"{ELLIPSIS}{kept.lstrip()}"


def breakable(text: str, width: int) -> str:
    """Cut as `shortened`, and let words break that are too long for a column."""
    words = shortened(text, width).split(" ")
    return " ".join(_broken(word) if len(word) > _LONG_WORD else word for word in words)


def percent(rate: float | None, places: int = 1) -> str:
    """Write a rate in per cent; what is not quite 0 or 100 % is not written so."""
    if rate is None:
        return ABSENT
    step = 10.0**-places
    shown = 100 * rate
    if 0 < rate < 1:
        shown = min(max(shown, step), 100 - step)
    return f"{shown:.{places}f}"


def interval(ci95: Interval | None) -> str:
    """Write an interval in whole per cent."""
    return ABSENT if ci95 is None else f"{100 * ci95[0]:.0f}{ABSENT}{100 * ci95[1]:.0f}"


def price(amount_usd: Decimal | None) -> str:
    """Write what 1,000 images cost: to the cent below 100 dollars, in dollars above."""
    if amount_usd is None:
        return ABSENT
    if amount_usd == 0:
        return "free"
    if amount_usd < Decimal("0.01"):
        return "< $0.01"
    return f"${amount_usd:,.2f}" if amount_usd < 100 else f"${amount_usd:,.0f}"  # noqa: PLR2004


def seconds(latency_ms: int | None) -> str:
    if latency_ms is None:
        return ABSENT
    return f"{latency_ms / 1000:.1f}" if latency_ms < 99_950 else f"{latency_ms / 1000:.0f}"  # noqa: PLR2004


def usd(amount: Decimal | None) -> str:
    return ABSENT if amount is None else f"${amount:,.2f}"


def fine_usd(amount: Decimal | None) -> str:
    """Write the cost of a single call, which is often far below a cent."""
    return ABSENT if amount is None else f"${amount:,.5f}"


def moment(time: datetime | None) -> str:
    return ABSENT if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def duration(duration_s: float | None) -> str:
    if duration_s is None:
        return ABSENT
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _with(unit: str, write: Callable[..., str]) -> Callable[..., str]:
    """Return `write` with a unit after what it writes, but not after a dash."""

    def written(*figure: object) -> str:
        shown = write(*figure)
        return shown if shown == ABSENT else f"{shown} {unit}"

    return written


def _broken(word: str) -> str:
    """Let a word break where its parts join, and a part of it that is too long anywhere."""
    parts = (
        part for joined in _JOINTS.split(word) for part in wrap(joined, _LONG_WORD, break_on_hyphens=False)
    )
    return _BREAK_HERE.join(parts)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(1 + (unicodedata.east_asian_width(letter) in _WIDE) for letter in text)


FILTERS: dict[str, Callable[..., str]] = {
    "percent": _with("%", percent),
    "interval": _with("%", interval),
    "seconds": _with("s", seconds),
    "price": price,
    "usd": usd,
    "fine_usd": fine_usd,
    "moment": moment,
    "duration": duration,
    "counted": counted,
    "name": shown_name,
    "printable": printable,
}
