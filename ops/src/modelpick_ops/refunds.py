"""Asking for a report's payment to be given back; the webhook service does it at Stripe."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_ops.errors import fail
from modelpick_shared.db.payments import Order, Refund
from modelpick_shared.db.reports import Report

REASON = "operator"


async def request(session: AsyncSession, report_id: UUID) -> dict[str, Any]:
    """Store the request once, and tell what will be given back; a refund that has failed is begun anew."""
    order = await _order(session, report_id)
    refund = await _refund(session, order)
    return {
        "report": str(report_id),
        "payment_intent": refund.payment_intent_id,
        "amount_usd": str(Decimal(refund.amount_cents).scaleb(-2)),
        "state": refund.state,
        "attempt": refund.attempt,
    }


async def _order(session: AsyncSession, report_id: UUID) -> Order:
    # The lock keeps the report from being resumed meanwhile.
    statement = select(Report.order_id).where(Report.id == report_id).with_for_update()
    order_id = await session.scalar(statement)
    order = await session.get(Order, order_id) if order_id else None
    return order or fail(f"there is no report {report_id}")


async def _refund(session: AsyncSession, order: Order) -> Refund:
    if order.payment_intent_id is None:
        fail("nothing was paid for this report, so there is nothing to give back")
    refund = await session.get(Refund, order.payment_intent_id, with_for_update=True)
    if refund is None:
        return _new(session, order, order.payment_intent_id)
    if refund.state != "failed":
        fail(f"the report is refunded already: {refund.state}")
    return _anew(refund)


def _new(session: AsyncSession, order: Order, payment_intent_id: str) -> Refund:
    refund = Refund(
        payment_intent_id=payment_intent_id,
        order_id=order.id,
        amount_cents=order.amount_cents,
        reason=REASON,
        state="requested",
        attempt=1,
    )
    session.add(refund)
    return refund


def _anew(refund: Refund) -> Refund:
    refund.state, refund.attempt, refund.tries = "requested", refund.attempt + 1, 0
    refund.stripe_refund_id = refund.settled_at = refund.last_error = None
    refund.next_attempt_at = datetime.now(UTC)
    return refund
