import structlog

from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import PaymentSeen
from modelpick_shared.db import Database
from modelpick_webhook.errors import PaymentRefusedError
from modelpick_webhook.lookup import SessionLookup
from modelpick_webhook.metrics import SESSIONS_SEEN
from modelpick_webhook.mock_lookup import PREFIX as MOCK_PREFIX
from modelpick_webhook.service import Payments

log = structlog.get_logger()


class Handlers:
    """What the webhook service does with messages."""

    def __init__(
        self,
        database: Database,
        payments: Payments,
        *,
        stripe: SessionLookup | None,
        mock: SessionLookup | None,
    ) -> None:
        self._database = database
        self._payments = payments
        self._stripe = stripe
        self._mock = mock

    async def payment_seen(self, message: PaymentSeen) -> Verdict:
        """Ask for a session that may be paid, and fulfil its order if it is."""
        is_mock = message.session_id.startswith(MOCK_PREFIX)
        if is_mock and self._mock is None:
            log.warning("payment.mock_refused", session_id=message.session_id)
            return Verdict.ACK
        lookup = self._mock if is_mock else self._stripe
        if lookup is None:
            raise PaymentRefusedError("STRIPE_SECRET_KEY is not set")
        paid = await lookup.session(message.session_id)
        async with self._database.transaction() as session:
            result, _ = await self._payments.fulfil(session, paid)
        SESSIONS_SEEN.labels(result=result.value).inc()
        return Verdict.ACK
