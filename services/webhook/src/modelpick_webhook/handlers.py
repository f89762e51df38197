import structlog

from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import PaymentSeen, ReportFailed
from modelpick_shared.db import Database
from modelpick_webhook.errors import PaymentRefusedError
from modelpick_webhook.gateway import MOCK_PREFIX, Lookups
from modelpick_webhook.metrics import SESSIONS_SEEN
from modelpick_webhook.refund_requests import refund_failed_report
from modelpick_webhook.service import Payments

log = structlog.get_logger()


class Handlers:
    """What the webhook service does with messages."""

    def __init__(self, database: Database, payments: Payments, lookups: Lookups) -> None:
        self._database = database
        self._payments = payments
        self._lookups = lookups

    async def payment_seen(self, message: PaymentSeen) -> Verdict:
        """Ask for a session that may be paid, and fulfil its order if it is."""
        if not self._lookups.knows(message.session_id):
            return _nobody_to_ask(message.session_id)
        paid = await self._lookups.session(message.session_id)
        async with self._database.transaction() as session:
            result, _ = await self._payments.fulfil(session, paid)
        SESSIONS_SEEN.labels(result=result.value).inc()
        return Verdict.ACK

    async def report_failed(self, message: ReportFailed) -> Verdict:
        """Ask for the money of a report to be given back that has nothing measured."""
        async with self._database.transaction() as session:
            if not await refund_failed_report(session, message.report_id):
                log.info("refund.needless", report_id=str(message.report_id))
        return Verdict.ACK


def _nobody_to_ask(session_id: str) -> Verdict:
    if not session_id.startswith(MOCK_PREFIX):
        raise PaymentRefusedError("STRIPE_SECRET_KEY is not set")
    log.warning("payment.mock_refused", session_id=session_id)
    return Verdict.ACK
