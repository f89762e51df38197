"""How a refund comes to an end, told by an event, by Stripe's answer or by reconciliation."""

from datetime import UTC, datetime
from decimal import Decimal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared import ids
from modelpick_shared.contracts import MailRequested, MailTemplate
from modelpick_shared.db import Outbox, after_commit
from modelpick_shared.db.payments import Refund
from modelpick_webhook import repository
from modelpick_webhook.metrics import REFUNDS
from modelpick_webhook.refund_requests import RefundReason
from modelpick_webhook.schemas import RefundState, StripeRefund

log = structlog.get_logger()

# News may come in any order; a state is never followed by one that comes before it here.
_ORDER = [RefundState.REQUESTED, RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED]
_EXPLAINED = {
    RefundReason.NOTHING_MEASURED: "None of the models gave a result that could be measured.",
    RefundReason.DUPLICATE: "This benchmark had already been paid for.",
    RefundReason.WRONG_PAYMENT: "The payment was not the one that the order asked for.",
}


async def advance(session: AsyncSession, outbox: Outbox, row: Refund, refund: StripeRefund) -> None:
    """Note how a refund stands at Stripe; `row` is locked. The customer hears of it once it is on its way."""
    before, now = RefundState(row.state), refund.state
    if _ORDER.index(now) <= _ORDER.index(before):
        return
    row.state, row.stripe_refund_id = now.value, refund.id
    row.amount_cents = row.amount_cents or refund.amount
    if now is RefundState.FAILED:
        note_failure(session, row, refund.failure_reason or "Stripe does not say why")
        return
    row.settled_at = datetime.now(UTC) if now is RefundState.SUCCEEDED else None
    row.last_error = None
    after_commit(session, REFUNDS.labels(state=now.value).inc)
    log.info("refund.moved", order_id=str(row.order_id), state=now.value)
    if before is RefundState.REQUESTED:
        await _tell_customer(session, outbox, row)


def note_failure(session: AsyncSession, row: Refund, reason: str) -> None:
    """End a refund that will not come about; an operator must act."""
    row.state, row.last_error, row.settled_at = RefundState.FAILED.value, reason, datetime.now(UTC)
    after_commit(session, REFUNDS.labels(state=RefundState.FAILED.value).inc)
    log.error("refund.failed", order_id=str(row.order_id), reason=reason)


async def _tell_customer(session: AsyncSession, outbox: Outbox, row: Refund) -> None:
    fields = {"amount_usd": str(Decimal(row.amount_cents).scaleb(-2))}
    if explained := _EXPLAINED.get(RefundReason(row.reason)):
        fields["reason"] = explained
    mail = MailRequested(
        template=MailTemplate.REFUNDED,
        to=await repository.email_of(session, row.order_id),
        idempotency_key=ids.refunded_mail(row.payment_intent_id),
        fields=fields,
        report_id=await repository.report_of(session, row.order_id),
    )
    await outbox.add(session, mail)
