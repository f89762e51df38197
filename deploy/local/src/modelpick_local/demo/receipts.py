"""What a sample receipt says: the truth that its picture is drawn from."""

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from pydantic import JsonValue

_CENT = Decimal("0.01")


class Layout(StrEnum):
    TILL = "till"
    INVOICE = "invoice"


@dataclass(frozen=True)
class LineItem:
    description: str
    quantity: int
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        return self.quantity * self.unit_price

    def expected(self) -> JsonValue:
        return {
            "description": self.description,
            "quantity": self.quantity,
            "unit_price": float(self.unit_price),
            "amount": float(self.amount),
        }


@dataclass(frozen=True)
class Receipt:
    """One receipt. `printed_date` is how the paper writes the day; money is in units of `currency`."""

    number: str
    layout: Layout
    merchant: str
    address: tuple[str, ...]
    date: dt.date
    printed_date: str
    currency: str
    sign: str
    items: tuple[LineItem, ...]
    tax_name: str
    tax_percent: Decimal
    closing: str

    @property
    def subtotal(self) -> Decimal:
        return sum((item.amount for item in self.items), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return (self.subtotal * self.tax_percent / 100).quantize(_CENT, ROUND_HALF_UP)

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax

    def money(self, amount: Decimal) -> str:
        return f"{self.sign}{amount:,.2f}"

    def expected(self) -> dict[str, JsonValue]:
        """Return the JSON that a perfect model reads from the picture."""
        return {
            "merchant": self.merchant,
            "date": self.date.isoformat(),
            "currency": self.currency,
            "line_items": [item.expected() for item in self.items],
            "subtotal": float(self.subtotal),
            "tax": float(self.tax),
            "total": float(self.total),
        }
