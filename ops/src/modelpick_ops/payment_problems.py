"""What went wrong with customers' money, newest first."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.payments import Dispute, Order, Refund, StripeEvent

MOST = 500


async def read(session: AsyncSession) -> list[dict[str, Any]]:
    """Return orders and events with a problem, refunds that have not succeeded, and open disputes."""
    found = [
        *[
            _of_order(order)
            for order in await session.scalars(_newest(Order).where(Order.problem.is_not(None)))
        ],
        *[
            _of_event(event)
            for event in await session.scalars(
                select(StripeEvent)
                .where(StripeEvent.problem.is_not(None))
                .order_by(StripeEvent.received_at.desc())
                .limit(MOST)
            )
        ],
        *[
            _of_refund(refund)
            for refund in await session.scalars(_newest(Refund).where(Refund.state != "succeeded"))
        ],
        *[
            _of_dispute(each)
            for each in await session.scalars(_newest(Dispute).where(Dispute.closed_at.is_(None)))
        ],
    ]
    return sorted(found, key=lambda row: row["since"], reverse=True)


def _newest(table: Any) -> Any:
    return select(table).order_by(table.created_at.desc()).limit(MOST)


def _of_order(order: Order) -> dict[str, Any]:
    return {
        "kind": "order",
        "id": str(order.id),
        "order": str(order.id),
        "state": order.status,
        "problem": order.problem,
        "amount_usd": _usd(order.amount_cents),
        "since": _time(order.created_at),
    }


def _of_event(event: StripeEvent) -> dict[str, Any]:
    return {
        "kind": "event",
        "id": event.id,
        "order": None,
        "state": event.type,
        "problem": event.problem,
        "amount_usd": None,
        "since": _time(event.received_at),
    }


def _of_refund(refund: Refund) -> dict[str, Any]:
    return {
        "kind": "refund",
        "id": refund.payment_intent_id,
        "order": str(refund.order_id),
        "state": refund.state,
        "problem": refund.last_error or refund.reason,
        "amount_usd": _usd(refund.amount_cents),
        "since": _time(refund.created_at),
    }


def _of_dispute(dispute: Dispute) -> dict[str, Any]:
    return {
        "kind": "dispute",
        "id": dispute.id,
        "order": str(dispute.order_id) if dispute.order_id else None,
        "state": dispute.status,
        "problem": dispute.reason,
        "amount_usd": _usd(dispute.amount_cents),
        "since": _time(dispute.created_at),
    }


def _usd(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
