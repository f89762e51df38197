from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from modelpick_webhook.errors import UnknownSessionError
from modelpick_webhook.schemas import CheckoutSession, Event, StripeRefund

MOCK_PREFIX = "cs_mock_"


class SessionLookup(Protocol):
    """Where a Checkout Session can be asked for."""

    async def session(self, session_id: str) -> CheckoutSession:
        """Return a session as it stands now.

        Raises PaymentsUnavailableError when asking again may help, PaymentRefusedError when not, and
        UnknownSessionError for a session that does not exist.
        """

    async def close(self) -> None:
        """Give back what the lookup holds."""


class PaymentGateway(SessionLookup, Protocol):
    """Where payments are made and given back; errors as in `session`."""

    async def session_of(self, order_id: UUID, *, since: datetime, until: datetime) -> CheckoutSession | None:
        """Return the session that was made for an order at that time, or None.

        Raises PaymentRefusedError also when there are too many sessions to look through.
        """

    def undelivered_events(self, types: Iterable[str]) -> AsyncIterator[Event]:
        """Return the events of these types that we never answered with 200, newest first."""

    async def refunds(self, payment_intent_id: str) -> list[StripeRefund]:
        """Return all refunds of a payment, newest first."""

    async def refund(
        self, payment_intent_id: str, *, order_id: UUID, attempt: int, tries: int = 1
    ) -> StripeRefund | None:
        """Give back what is left of a payment, once an attempt; None when nothing is left.

        `tries`: how often it was asked for in this attempt, this time included.
        """


class Lookups:
    """Asks Stripe for a session, or the mock for one of its own."""

    def __init__(self, stripe: SessionLookup | None, mock: SessionLookup | None) -> None:
        self._stripe = stripe
        self._mock = mock

    def knows(self, session_id: str) -> bool:
        """Say whether there is anybody to ask."""
        return self._for(session_id) is not None

    async def session(self, session_id: str) -> CheckoutSession:
        lookup = self._for(session_id)
        if lookup is None:
            raise UnknownSessionError("there is nobody to ask for this session")
        return await lookup.session(session_id)

    def _for(self, session_id: str) -> SessionLookup | None:
        return self._mock if session_id.startswith(MOCK_PREFIX) else self._stripe
