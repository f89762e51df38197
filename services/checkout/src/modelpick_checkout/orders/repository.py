from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.payments import Order
from modelpick_shared.db.reports import Report


async def open_order_of(session: AsyncSession, user_id: UUID, draft_id: UUID) -> Order | None:
    statement = select(Order).where(
        Order.draft_id == draft_id, Order.user_id == user_id, Order.status == "open"
    )
    return await session.scalar(statement)


async def order_of_session(session: AsyncSession, user_id: UUID, session_id: str) -> Order | None:
    statement = select(Order).where(Order.stripe_session_id == session_id, Order.user_id == user_id)
    return await session.scalar(statement)


async def report_of(session: AsyncSession, order_id: UUID) -> UUID | None:
    return await session.scalar(select(Report.id).where(Report.order_id == order_id))


async def report_of_draft(session: AsyncSession, draft_id: UUID) -> UUID | None:
    """Return the report that another order of the draft has paid for."""
    return await session.scalar(select(Report.id).where(Report.draft_id == draft_id))


async def give_session(session: AsyncSession, order_id: UUID, session_id: str, url: str | None) -> bool:
    """Note an open order's Checkout Session; False when it has one already, or is not open any more."""
    statement = (
        update(Order)
        .where(Order.id == order_id, Order.status == "open", Order.stripe_session_id.is_(None))
        .values(stripe_session_id=session_id, session_url=url)
        .returning(Order.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None


async def still_open(session: AsyncSession, order_id: UUID, session_id: str) -> bool:
    statement = select(Order.id).where(
        Order.id == order_id, Order.status == "open", Order.stripe_session_id == session_id
    )
    return await session.scalar(statement) is not None


async def close_order(session: AsyncSession, order_id: UUID, status: str) -> None:
    """End an order that nobody will pay any more, unless it was settled meanwhile."""
    statement = (
        update(Order)
        .where(Order.id == order_id, Order.status == "open")
        .values(status=status)
        .execution_options(synchronize_session=False)
    )
    await session.execute(statement)


async def add_order(session: AsyncSession, order: Order) -> None:
    session.add(order)
    await session.flush()
