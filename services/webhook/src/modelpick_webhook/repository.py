from collections.abc import Sequence
from operator import itemgetter
from uuid import UUID

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.customers import User
from modelpick_shared.db.payments import Order, Refund, StripeEvent
from modelpick_shared.db.reports import Report

_WITHOUT_PAYMENT = ("open", "expired", "cancelled")


async def note_events(session: AsyncSession, events: Sequence[tuple[str, str, str | None]]) -> set[str]:
    """Enter events (id, type, session id) in the inbox; return the ids of those that were not there.

    Who enters an event at the same time is waited for.
    """
    rows = [
        {"id": each[0], "type": each[1], "session_id": each[2]} for each in sorted(events, key=itemgetter(0))
    ]
    statement = insert(StripeEvent).values(rows).on_conflict_do_nothing().returning(StripeEvent.id)
    return set(await session.scalars(statement))


async def note_problem(session: AsyncSession, event_id: str, problem: str) -> None:
    await session.execute(update(StripeEvent).where(StripeEvent.id == event_id).values(problem=problem))


async def find_order(session: AsyncSession, order_id: UUID) -> Order | None:
    return await session.get(Order, order_id)


async def order_paid_by(session: AsyncSession, payment_intent_id: str) -> UUID | None:
    statement = select(Order.id).where(Order.payment_intent_id == payment_intent_id)
    return await session.scalar(statement.limit(1))


async def email_of(session: AsyncSession, order_id: UUID) -> str:
    statement = select(User.email).join(Order, Order.user_id == User.id).where(Order.id == order_id)
    return (await session.scalars(statement)).one()


async def report_of(session: AsyncSession, order_id: UUID) -> UUID | None:
    return await session.scalar(select(Report.id).where(Report.order_id == order_id))


async def failed_order(session: AsyncSession, report_id: UUID) -> Order | None:
    """Return the order of a report that has failed and stays so until this transaction ends."""
    locked = (
        select(Report.order_id).where(Report.id == report_id, Report.status == "failed").with_for_update()
    )
    order_id = await session.scalar(locked)
    return await session.get(Order, order_id) if order_id else None


async def failed_unrefunded(session: AsyncSession, *, limit: int) -> list[UUID]:
    """Return failed reports that were paid for and whose money nobody has asked back."""
    asked_back = select(literal(1)).where(Refund.payment_intent_id == Order.payment_intent_id).exists()
    statement = (
        select(Report.id)
        .join(Order, Order.id == Report.order_id)
        .where(Report.status == "failed", Order.payment_intent_id.is_not(None), ~asked_back)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def mark_problem(
    session: AsyncSession, order_id: UUID, problem: str, *, session_id: str, payment_intent_id: str | None
) -> None:
    statement = (
        update(Order)
        .where(Order.id == order_id)
        .values(
            status="problem",
            problem=problem,
            settled_at=func.now(),
            stripe_session_id=func.coalesce(Order.stripe_session_id, session_id),
            payment_intent_id=payment_intent_id,
        )
    )
    await session.execute(statement.execution_options(synchronize_session=False))


async def close_order(session: AsyncSession, order_id: UUID, session_id: str | None) -> bool:
    """End an order that Stripe will not take money for any more; its draft may be changed and paid for again.

    `session_id` is the session that has ended: an order that has another one is left alone.
    """
    statement = (
        update(Order)
        .where(
            Order.id == order_id,
            Order.status.in_(_WITHOUT_PAYMENT),
            Order.settled_at.is_(None),
            func.coalesce(Order.stripe_session_id, session_id).is_not_distinct_from(session_id),
        )
        .values(status=case((Order.status == "open", "expired"), else_=Order.status), settled_at=func.now())
        .returning(Order.id)
    )
    return await session.scalar(statement.execution_options(synchronize_session=False)) is not None


async def unsettled_orders(session: AsyncSession, *, after: UUID | None, limit: int) -> list[Order]:
    """Return the next orders of which Stripe may still have something to tell, oldest first."""
    statement = select(Order).where(Order.settled_at.is_(None)).order_by(Order.id).limit(limit)
    if after is not None:
        statement = statement.where(Order.id > after)
    return list(await session.scalars(statement))
