"""The test cards, and what a pay page refuses before it asks a bank."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel

from modelpick_simulators.stripe.entities import Card, Decline

GOOD_CARD = "4242424242424242"
DECLINES = {
    "4000000000000002": Decline("card_declined", "Your card was declined.", "generic_decline"),
    "4000000000009995": Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds"),
    "4000000000000069": Decline("expired_card", "Your card has expired.", "expired_card"),
}
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_EXPIRY = re.compile(r"^(0?[1-9]|1[0-2])\s*/?\s*(?:20)?(\d\d)$")


class CardRefusedError(Exception):
    """The form holds something that no bank would be asked about."""


class CardForm(BaseModel):
    """The fields of the pay page; absent ones are refused with a sentence, not with a schema error."""

    email: str = ""
    card_number: str = ""
    card_expiry: str = ""
    card_cvc: str = ""


@dataclass(frozen=True)
class Payment:
    """What a person enters on the pay page."""

    email: str
    card: Card

    @property
    def decline(self) -> Decline | None:
        return DECLINES.get(self.card.number)


def entered_payment(email: str, entered: CardForm, *, now: float) -> Payment:
    """Check what was entered. Raises CardRefusedError with a sentence for the person."""
    if not _EMAIL.match(email.strip()):
        raise CardRefusedError("Your email is incomplete.")
    digits = re.sub(r"[\s-]", "", entered.card_number)
    if digits != GOOD_CARD and digits not in DECLINES:
        raise CardRefusedError("Your card number is invalid. This is a test page: use one of the test cards.")
    if not re.fullmatch(r"\d{3,4}", entered.card_cvc.strip()):
        raise CardRefusedError("Your card's security code is incomplete.")
    return Payment(
        email.strip(), _card(digits, entered.card_expiry.strip(), datetime.fromtimestamp(now, UTC))
    )


def _card(digits: str, expiry: str, today: datetime) -> Card:
    match = _EXPIRY.match(expiry)
    if match is None:
        raise CardRefusedError("Your card's expiration date is incomplete.")
    month, year = int(match[1]), 2000 + int(match[2])
    if (year, month) < (today.year, today.month):
        raise CardRefusedError("Your card's expiration date is in the past.")
    return Card(digits, month, year)
