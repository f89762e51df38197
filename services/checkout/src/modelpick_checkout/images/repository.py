from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.db.customers import Draft, DraftImage


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
