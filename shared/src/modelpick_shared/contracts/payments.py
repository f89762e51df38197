from typing import ClassVar

from modelpick_shared.contracts.envelope import Message


class PaymentSeen(Message):
    """A Checkout Session may be paid: look at it and, if so, fulfil its order."""

    TYPE: ClassVar[str] = "payment.seen"

    session_id: str
