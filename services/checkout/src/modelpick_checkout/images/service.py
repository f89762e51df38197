import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_checkout.drafts.service import Drafts
from modelpick_checkout.errors import UnsupportedImageError, UnusableImageError
from modelpick_checkout.images import repository
from modelpick_checkout.images.facts import InspectedImage
from modelpick_checkout.images.files import ImageFiles
from modelpick_checkout.images.schemas import ImagePatch, ImageView
from modelpick_checkout.images.upload import Upload
from modelpick_checkout.limits import MAX_IMAGES
from modelpick_shared.db import Database
from modelpick_shared.db.customers import DraftImage
from modelpick_shared.http import Problem
from modelpick_shared.http.problems import not_found
from modelpick_shared.http.request_body import does_not_fit
from modelpick_shared.ids import new_id

KEY_BYTES = 16


class Images:
    """The images of drafts.

    Transactions begin and end here, as the files lie in another store: a file is written before its row is
    committed and removed after its row is gone, so that no row is ever without its file.
    """

    def __init__(self, database: Database, drafts: Drafts, files: ImageFiles) -> None:
        self._database = database
        self._drafts = drafts
        self._store = files.store
        self._inspect = files.decoders.inspect
        self._deletions = files.deletions

    async def check_editable(self, user_id: UUID, draft_id: UUID) -> None:
        """Answer 404 or 409 before an upload is read."""
        async with self._database.transaction() as session:
            await self._drafts.editable(session, user_id, draft_id)

    async def add(self, user_id: UUID, draft_id: UUID, upload: Upload) -> ImageView:
        """Check and store an uploaded image, or answer 404, 409, 415 or 422.

        Stored, described and compared with the others is what is left of it once its metadata are gone.
        """
        inspected = await self._inspected(upload.content)
        key, sha256 = new_key(), await asyncio.to_thread(_sha256, inspected.content)

        async def append(session: AsyncSession) -> ImageView:
            image = _row(draft_id, key, upload, inspected, sha256)
            draft = await self._drafts.editable(session, user_id, draft_id)
            await _append(session, image)
            await self.keep(session, [key])
            await self._drafts.refreshed(session, draft)
            return ImageView.of(image)

        async with self.expected(draft_id, [key]):
            await self._store.put(key, inspected.content, media_type=inspected.facts.media_type)
            return await self._drafts.transaction(self._database, append)

    async def change(self, user_id: UUID, draft_id: UUID, image_id: UUID, patch: ImagePatch) -> ImageView:
        async def change(session: AsyncSession) -> ImageView:
            draft = await self._drafts.editable(session, user_id, draft_id)
            images = await repository.images_of(session, draft_id)
            image = _one(images, image_id)
            if "expected_json" in patch.model_fields_set:
                image.expected_json = patch.expected_json
            if "position" in patch.model_fields_set:
                _move(images, image, patch.position)
            await self._drafts.refreshed(session, draft)
            return ImageView.of(image)

        return await self._drafts.transaction(self._database, change)

    async def delete(self, user_id: UUID, draft_id: UUID, image_id: UUID) -> None:
        async def delete(session: AsyncSession) -> str:
            draft = await self._drafts.editable(session, user_id, draft_id)
            images = await repository.images_of(session, draft_id)
            image = _one(images, image_id)
            await session.delete(image)
            repository.number([other for other in images if other is not image])
            await self.let_go(session, draft_id, [image.storage_key])
            await self._drafts.refreshed(session, draft)
            return image.storage_key

        await self.discard([await self._drafts.transaction(self._database, delete)])

    async def content(self, user_id: UUID, draft_id: UUID, image_id: UUID) -> tuple[bytes, str]:
        """Return an image's file and media type, to its owner."""
        async with self._database.transaction() as session:
            image = await repository.find_image(session, user_id, draft_id, image_id)
        if image is None:
            raise not_found()
        return await self._store.get(image.storage_key), image.media_type

    @asynccontextmanager
    async def expected(self, draft_id: UUID, keys: Collection[str]) -> AsyncIterator[None]:
        """Expect files in the block, in which a transaction is to `keep` them; if it fails they go again."""
        await self._deletions.expect(draft_id, keys)
        try:
            yield
        except BaseException:
            await self._deletions.give_up(keys)
            raise

    async def keep(self, session: AsyncSession, keys: Iterable[str]) -> None:
        """Keep stored files, in the transaction that writes their rows."""
        await self._deletions.keep(session, set(keys))

    async def copy(self, source: DraftImage, key: str) -> None:
        """Store an image's file once more. Raises MissingImageError."""
        content = await self._store.get(source.storage_key)
        await self._store.put(key, content, media_type=source.media_type)

    async def let_go(self, session: AsyncSession, draft_id: UUID, keys: Iterable[str]) -> None:
        """Let files go, in the transaction in which their rows go."""
        await self._deletions.remove(session, draft_id, keys)

    async def discard(self, keys: Iterable[str]) -> None:
        """Remove files now that were let go; if that fails they are removed later."""
        await self._deletions.sweep(keys)

    async def _inspected(self, content: bytes) -> InspectedImage:
        try:
            return await self._inspect(content)
        except UnsupportedImageError as error:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error)) from error
        except UnusableImageError as error:
            raise does_not_fit(str(error), "/file") from error


def new_key() -> str:
    """Return a storage key that nobody can guess."""
    return secrets.token_hex(KEY_BYTES)


def _row(draft_id: UUID, key: str, upload: Upload, inspected: InspectedImage, sha256: str) -> DraftImage:
    return DraftImage(
        id=new_id(),
        draft_id=draft_id,
        storage_key=key,
        sha256=sha256,
        bytes=len(inspected.content),
        expected_json=upload.expected_json,
        **inspected.facts._asdict(),
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def _append(session: AsyncSession, image: DraftImage) -> None:
    """Put an image behind the others, which the lock on their draft keeps as they are."""
    others = await repository.images_of(session, image.draft_id)
    if len(others) >= MAX_IMAGES:
        raise does_not_fit(f"A draft holds at most {MAX_IMAGES} images.", "/file")
    if any(other.sha256 == image.sha256 for other in others):
        raise does_not_fit("This image is in the draft already.", "/file")
    image.position = len(others)
    session.add(image)
    await session.flush()


def _one(images: list[DraftImage], image_id: UUID) -> DraftImage:
    for image in images:
        if image.id == image_id:
            return image
    raise not_found()


def _move(images: list[DraftImage], image: DraftImage, position: int) -> None:
    if position >= len(images):
        raise does_not_fit(f"There are {len(images)} images.", "/position")
    order = [other for other in images if other is not image]
    order.insert(position, image)
    repository.number(order)
