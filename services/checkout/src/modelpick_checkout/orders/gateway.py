from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class SessionState(StrEnum):
    """Where a Checkout Session stands. `pending`: completed with a payment that has not arrived yet."""

    OPEN = "open"
    PENDING = "pending"
    PAID = "paid"
    EXPIRED = "expired"


@dataclass(frozen=True)
class SessionRequest:
    """What to ask money for. The same order always makes the same request, so that it may be repeated."""

    order_id: UUID
    draft_id: UUID
    user_id: UUID
    email: str
    amount_cents: int
    currency: str
    expires_at: datetime
    success_url: str
    cancel_url: str


@dataclass(frozen=True)
class PaymentSession:
    """A Checkout Session; `url` is where the customer pays, while it is open."""

    id: str
    state: SessionState
    url: str | None


class PaymentGateway(Protocol):
    """Where customers pay.

    Every method raises PaymentsUnavailableError when asking again may help and PaymentRefusedError when not;
    the latter two raise UnknownSessionError for a session that does not exist.
    """

    async def create(self, request: SessionRequest) -> PaymentSession:
        """Open a session; the same one when the order has it already."""

    async def retrieve(self, session_id: str) -> PaymentSession:
        """Return a session as it stands now."""

    async def expire(self, session_id: str) -> PaymentSession:
        """Close a session that is open, and return how it stands: it may have been paid just before.

        It stays open while a payment in it is under way.
        """

    async def close(self) -> None:
        """Give back what the gateway holds."""
