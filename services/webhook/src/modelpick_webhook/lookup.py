from typing import Protocol

from modelpick_webhook.schemas import CheckoutSession


class SessionLookup(Protocol):
    """Where a Checkout Session can be asked for."""

    async def session(self, session_id: str) -> CheckoutSession:
        """Return a session as it stands now.

        Raises PaymentsUnavailableError when asking again may help, PaymentRefusedError when not, and
        UnknownSessionError for a session that does not exist.
        """

    async def close(self) -> None:
        """Give back what the lookup holds."""
