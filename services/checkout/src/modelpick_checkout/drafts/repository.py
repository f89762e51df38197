from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.customers import Draft, DraftImage
from modelpick_shared.db.payments import Order


async def find_draft(
    session: AsyncSession, user_id: UUID, draft_id: UUID, *, lock: bool = False
) -> Draft | None:
    """Return a customer's own draft. `lock` keeps changes and orders of it waiting until the end."""
    statement = select(Draft).where(Draft.id == draft_id, Draft.user_id == user_id)
    return await session.scalar(statement.with_for_update() if lock else statement)


async def drafts_of(session: AsyncSession, user_id: UUID) -> Sequence[Draft]:
    """Return a customer's drafts, the newest first."""
    statement = select(Draft).where(Draft.user_id == user_id).order_by(Draft.id.desc())
    return (await session.scalars(statement)).all()


async def images_of(session: AsyncSession, draft_ids: Iterable[UUID]) -> dict[UUID, list[DraftImage]]:
    """Return the images of each draft, in their order."""
    by_draft: dict[UUID, list[DraftImage]] = {draft_id: [] for draft_id in draft_ids}
    statement = select(DraftImage).where(DraftImage.draft_id.in_(by_draft)).order_by(DraftImage.position)
    for image in await session.scalars(statement):
        by_draft[image.draft_id].append(image)
    return by_draft


async def has_open_order(session: AsyncSession, draft_id: UUID) -> bool:
    statement = select(Order.id).where(Order.draft_id == draft_id, Order.status == "open")
    return await session.scalar(statement) is not None


async def save(session: AsyncSession, draft: Draft) -> None:
    """Write a draft's changes and read back what the database made of them."""
    draft.updated_at = func.now()
    session.add(draft)
    await session.flush()
    await session.refresh(draft)
