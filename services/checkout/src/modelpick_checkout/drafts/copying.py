from http import HTTPStatus
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.drafts.schemas import DraftView
from modelpick_checkout.drafts.service import Drafts
from modelpick_checkout.images.service import Images, new_key
from modelpick_checkout.limits import MAX_NAME_CHARACTERS
from modelpick_shared.db import Database
from modelpick_shared.db.customers import Draft, DraftImage
from modelpick_shared.http import Problem
from modelpick_shared.ids import new_id
from modelpick_shared.images import MissingImageError

_SUFFIX = " (copy)"


class DraftCopies:
    """Copies drafts with their files, so that either draft may go without the other."""

    def __init__(self, database: Database, drafts: Drafts, images: Images) -> None:
        self._database = database
        self._drafts = drafts
        self._images = images

    async def copy(self, user_id: UUID, draft_id: UUID) -> DraftView:
        async with self._database.transaction() as session:
            source, images = await self._drafts.with_images(session, user_id, draft_id)
        copy_id, keys = new_id(), {image.id: new_key() for image in images}

        async def write(session: AsyncSession) -> DraftView:
            draft = _copied_draft(source, copy_id)
            session.add(draft)
            await session.flush()
            session.add_all(_copied_image(image, copy_id, keys[image.id]) for image in images)
            await session.flush()
            await self._images.keep(session, keys.values())
            return await self._drafts.refreshed(session, draft)

        async with self._images.expected(copy_id, keys.values()):
            # One after the other: ten images at their limit are 100 MiB.
            for image in images:
                await self._copy_file(image, keys[image.id])
            return await self._drafts.transaction(self._database, write)

    async def _copy_file(self, image: DraftImage, key: str) -> None:
        try:
            await self._images.copy(image, key)
        except MissingImageError:
            raise Problem(HTTPStatus.CONFLICT, "The images of this draft are being removed.") from None


def _copied_draft(source: Draft, copy_id: UUID) -> Draft:
    return Draft(
        id=copy_id,
        user_id=source.user_id,
        name=source.name[: MAX_NAME_CHARACTERS - len(_SUFFIX)] + _SUFFIX,
        extraction_prompt=source.extraction_prompt,
        json_schema=source.json_schema,
        selected_models=list(source.selected_models),
        data_policy=source.data_policy,
    )


def _copied_image(source: DraftImage, draft_id: UUID, key: str) -> DraftImage:
    return DraftImage(
        id=new_id(),
        draft_id=draft_id,
        position=source.position,
        storage_key=key,
        sha256=source.sha256,
        media_type=source.media_type,
        width=source.width,
        height=source.height,
        bytes=source.bytes,
        expected_json=source.expected_json,
    )
