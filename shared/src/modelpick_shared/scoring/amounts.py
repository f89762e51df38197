"""Numbers as people write them: `1.234,50 €`."""

import re
from decimal import Decimal
from typing import Any, NamedTuple, Self

_LONGEST = 64
_AROUND = re.compile(r"([^0-9]*)([0-9](?:[0-9., '\u2019\u00a0\u2009\u202f]*[0-9])?)([^0-9]*)")
_PLAIN = re.compile(r"[0-9]+(?:[.,][0-9]+)?")
_GROUPED = re.compile(
    r"(?P<whole>[1-9][0-9]{0,2}(?P<mark>[., '])(?:[0-9]{2,3}(?P=mark))*[0-9]{3})"
    r"(?:(?!(?P=mark))[.,](?P<fraction>[0-9]+))?"
)
_SIGN = re.compile("[-+\u2212]")
_MINUS = re.compile("[-\u2212]")
_SPACES = str.maketrans({"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2019": "'"})
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW"}
_NAMES = {"US$": "USD", "R$": "BRL", "A$": "AUD", "C$": "CAD", "FR.": "CHF", "SFR.": "CHF", "ZŁ": "PLN"} | {
    "KČ": "CZK",
    "FT": "HUF",
    "LEI": "RON",
    "KR": "KR",
    "KR.": "KR",
    "RS": "INR",
    "RS.": "INR",
}
_CODES = re.compile(
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|MAD|MXN|"
    "MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)


class Amount(NamedTuple):
    """The numbers that a text may stand for, as `1,234` for two, and the currency it names, if any."""

    readings: frozenset[Decimal]
    currency: str = ""

    def agrees(self, other: Self) -> bool:
        """Say whether both may be the same number, and not of two currencies."""
        return not self.readings.isdisjoint(other.readings) and (
            self.currency == other.currency or not self.currency or not other.currency
        )


def read_amount(value: Any) -> Amount | None:
    """Read a number, or a string that is one but for its format; None for any other."""
    if not isinstance(value, str):
        return Amount(frozenset([Decimal(value)]))
    if len(value) > _LONGEST:
        return None
    around = _AROUND.fullmatch(value.strip())
    if around is None:
        return None
    before, digits, after = around.groups()
    currency = _currency(_SIGN.sub("", before, count=1), after if before else _SIGN.sub("", after, count=1))
    readings = _readings(digits.translate(_SPACES))
    if currency is None or not readings:
        return None
    is_negative = _MINUS.search(before + after) is not None
    return Amount(frozenset(-number if is_negative else number for number in readings), currency)


def _readings(digits: str) -> set[Decimal]:
    readings = set()
    if _PLAIN.fullmatch(digits):
        readings.add(Decimal(digits.replace(",", ".")))
    if grouped := _GROUPED.fullmatch(digits):
        whole = grouped["whole"].replace(grouped["mark"], "")
        readings.add(Decimal(f"{whole}.{grouped['fraction'] or 0}"))
    return readings


def _currency(before: str, after: str) -> str | None:
    """Return the code of the currency named on one side, empty without one, None where it is none."""
    name = f"{before}{after}".strip().upper()
    if not name or _CODES.fullmatch(name):
        return name
    if before.strip() and after.strip():
        return None
    return _SIGNS.get(name) or _NAMES.get(name)
