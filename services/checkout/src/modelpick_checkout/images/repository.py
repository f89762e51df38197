from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.customers import Draft, DraftImage, ImageDeletion
from modelpick_shared.db.payments import Order
from modelpick_shared.db.reports import Report

# A payment of an order that was given up is settled in this time, if there is any.
LATE_PAYMENTS = timedelta(days=7)


class DueDeletion(NamedTuple):
    storage_key: str
    draft_id: UUID


async def find_image(
    session: AsyncSession, user_id: UUID, draft_id: UUID, image_id: UUID
) -> DraftImage | None:
    """Return an image of a customer's own draft."""
    statement = (
        select(DraftImage)
        .join(Draft, Draft.id == DraftImage.draft_id)
        .where(DraftImage.id == image_id, Draft.id == draft_id, Draft.user_id == user_id)
    )
    return await session.scalar(statement)


async def images_of(session: AsyncSession, draft_id: UUID) -> list[DraftImage]:
    statement = select(DraftImage).where(DraftImage.draft_id == draft_id).order_by(DraftImage.position)
    return list(await session.scalars(statement))


def number(images: Sequence[DraftImage]) -> None:
    """Give the images the positions 0, 1, 2, ... in the order given; checked when the transaction commits."""
    for position, image in enumerate(images):
        image.position = position


async def delete_images(session: AsyncSession, draft_id: UUID, keys: Collection[str]) -> None:
    own = DraftImage.draft_id == draft_id
    await session.execute(delete(DraftImage).where(own, DraftImage.storage_key.in_(keys)))


async def note_deletions(
    session: AsyncSession, draft_id: UUID, keys: Iterable[str], *, due_in: timedelta
) -> None:
    """Note files that are to go in so long; one that was noted before goes then instead."""
    due_at = func.now() + due_in
    rows = [{"storage_key": key, "draft_id": draft_id, "due_at": due_at} for key in keys]
    if rows:
        statement = insert(ImageDeletion).values(rows)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=[ImageDeletion.storage_key], set_={"due_at": statement.excluded.due_at}
            )
        )


async def withdraw_deletions(session: AsyncSession, keys: Collection[str]) -> int:
    """Forget files; return how many were to go. Waits for whoever is removing one of them."""
    statement = delete(ImageDeletion).where(ImageDeletion.storage_key.in_(keys))
    gone = await session.scalars(statement.returning(ImageDeletion.storage_key))
    return len(gone.all())


async def postpone_deletions(session: AsyncSession, keys: Iterable[str], due_in: timedelta) -> None:
    statement = update(ImageDeletion).where(ImageDeletion.storage_key.in_(list(keys)))
    await session.execute(statement.values(due_at=func.now() + due_in))


async def due_deletions(
    session: AsyncSession, *, limit: int, keys: Iterable[str] | None = None
) -> list[DueDeletion]:
    """Lock files that are due, the first first, passing over those that somebody else works on."""
    statement = select(ImageDeletion.storage_key, ImageDeletion.draft_id).where(
        ImageDeletion.due_at <= func.now()
    )
    if keys is not None:
        statement = statement.where(ImageDeletion.storage_key.in_(list(keys)))
    statement = statement.order_by(ImageDeletion.due_at).limit(limit).with_for_update(skip_locked=True)
    return [DueDeletion(*row) for row in await session.execute(statement)]


async def keys_in_use(session: AsyncSession, draft_ids: Collection[UUID]) -> set[str]:
    """Return the files that these drafts or reports made from them name, however they came to be due."""
    images = select(DraftImage.storage_key).where(DraftImage.draft_id.in_(draft_ids))
    kept = and_(Report.id.is_not(None), Report.images_removed_at.is_(None))
    return {*await session.scalars(images), *await _ordered_keys(session, draft_ids, kept)}


async def keys_on_order(session: AsyncSession, draft_ids: Collection[UUID]) -> set[str]:
    """Return the files of orders that have no report, but may get one.

    One that was given up may have been paid all the same; until it is settled nobody knows.
    """
    recent = and_(Order.settled_at.is_(None), Order.created_at > func.now() - LATE_PAYMENTS)
    awaited = and_(Report.id.is_(None), or_(Order.status == "open", recent))
    return await _ordered_keys(session, draft_ids, awaited)


async def _ordered_keys(
    session: AsyncSession, draft_ids: Collection[UUID], condition: ColumnElement[bool]
) -> set[str]:
    statement = (
        select(Order.snapshot["images"])
        .outerjoin(Report, Report.order_id == Order.id)
        .where(Order.draft_id.in_(draft_ids), condition)
    )
    return {image["key"] for images in await session.scalars(statement) for image in images}
