from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db import insert_once
from modelpick_shared.db.customers import Draft, User
from modelpick_shared.db.payments import Order, StripeEvent


async def note_event(session: AsyncSession, *, event_id: str, event_type: str, session_id: str) -> bool:
    """Enter an event in the inbox; False when it was there, once whoever entered it has committed."""
    return await insert_once(session, StripeEvent, id=event_id, type=event_type, session_id=session_id)


async def note_problem(session: AsyncSession, event_id: str, problem: str) -> None:
    statement = update(StripeEvent).where(StripeEvent.id == event_id).values(problem=problem)
    await session.execute(statement)


async def find_order(session: AsyncSession, order_id: UUID) -> Order | None:
    return await session.get(Order, order_id)


async def lock_order(session: AsyncSession, order_id: UUID) -> Order | None:
    """Lock an order behind its draft, as checkout does too, so that the two never deadlock."""
    draft_id = await session.scalar(select(Order.draft_id).where(Order.id == order_id))
    if draft_id is None:
        return None
    await session.execute(select(Draft.id).where(Draft.id == draft_id).with_for_update())
    return await session.scalar(select(Order).where(Order.id == order_id).with_for_update())


async def email_of(session: AsyncSession, user_id: UUID) -> str:
    return (await session.scalars(select(User.email).where(User.id == user_id))).one()


async def mark_draft_paid(session: AsyncSession, draft_id: UUID) -> None:
    statement = update(Draft).where(Draft.id == draft_id).values(status="paid", updated_at=func.now())
    await session.execute(statement.execution_options(synchronize_session=False))


async def expire_order(session: AsyncSession, order_id: UUID, session_id: str) -> None:
    """End an order whose session has expired; its draft may be changed and paid for again."""
    statement = (
        update(Order)
        .where(
            Order.id == order_id,
            Order.status == "open",
            func.coalesce(Order.stripe_session_id, session_id) == session_id,
        )
        .values(status="expired")
    )
    await session.execute(statement.execution_options(synchronize_session=False))
