"""Asking for a payment to be given back, in the transaction that finds the reason."""

from enum import StrEnum
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db import after_commit, insert_once
from modelpick_shared.db.payments import Refund
from modelpick_webhook import repository
from modelpick_webhook.metrics import REFUNDS

log = structlog.get_logger()


class RefundReason(StrEnum):
    """Why a payment goes back. `elsewhere`: somebody did it in Stripe's dashboard."""

    NOTHING_MEASURED = "nothing_measured"
    DUPLICATE = "duplicate"
    WRONG_PAYMENT = "wrong_payment"
    OPERATOR = "operator"
    ELSEWHERE = "elsewhere"


async def request_refund(
    session: AsyncSession,
    payment_intent_id: str | None,
    order_id: UUID,
    *,
    amount_cents: int | None,
    reason: RefundReason,
) -> bool:
    """Store that a payment is to be given back; False when nothing was paid or it is on its way already."""
    if payment_intent_id is None or amount_cents == 0:
        return False
    requested = await insert_once(
        session,
        Refund,
        payment_intent_id=payment_intent_id,
        order_id=order_id,
        amount_cents=amount_cents or 0,
        reason=reason.value,
    )
    if requested:
        after_commit(session, REFUNDS.labels(state="requested").inc)
        log.info("refund.requested", order_id=str(order_id), reason=reason.value)
    return requested


async def refund_failed_report(session: AsyncSession, report_id: UUID) -> bool:
    """Ask for a failed report's money; False when it runs again, or was asked for already."""
    order = await repository.failed_order(session, report_id)
    if order is None:
        return False
    return await request_refund(
        session,
        order.payment_intent_id,
        order.id,
        amount_cents=order.amount_cents,
        reason=RefundReason.NOTHING_MEASURED,
    )
