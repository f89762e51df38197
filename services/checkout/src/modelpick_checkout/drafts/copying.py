from http import HTTPStatus
from uuid import UUID

from modelpick_checkout.drafts.schemas import DraftView
from modelpick_checkout.drafts.service import Drafts
from modelpick_checkout.images.service import Images, StoredFile, new_key
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
        draft = _copied_draft(source)
        copies = [_copied_image(image, draft.id) for image in images]
        files = {
            copied.storage_key: StoredFile(await self._read(image), image.media_type)
            for image, copied in zip(images, copies, strict=True)
        }
        async with self._images.stored(draft.id, files), self._database.transaction() as session:
            session.add(draft)
            await session.flush()
            session.add_all(copies)
            await session.flush()
            await self._images.keep(session, files)
            return await self._drafts.refreshed(session, draft)

    async def _read(self, image: DraftImage) -> bytes:
        try:
            return await self._images.read(image.storage_key)
        except MissingImageError:
            raise Problem(HTTPStatus.CONFLICT, "The images of this draft are being removed.") from None


def _copied_draft(source: Draft) -> Draft:
    return Draft(
        id=new_id(),
        user_id=source.user_id,
        name=source.name[: MAX_NAME_CHARACTERS - len(_SUFFIX)] + _SUFFIX,
        extraction_prompt=source.extraction_prompt,
        json_schema=source.json_schema,
        selected_models=list(source.selected_models),
        data_policy=source.data_policy,
    )


def _copied_image(source: DraftImage, draft_id: UUID) -> DraftImage:
    return DraftImage(
        id=new_id(),
        draft_id=draft_id,
        position=source.position,
        storage_key=new_key(),
        sha256=source.sha256,
        media_type=source.media_type,
        width=source.width,
        height=source.height,
        bytes=source.bytes,
        expected_json=source.expected_json,
    )
