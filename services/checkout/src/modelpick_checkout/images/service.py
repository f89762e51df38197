import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import NamedTuple
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


class StoredFile(NamedTuple):
    content: bytes
    media_type: str


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
        image = _row(draft_id, upload, inspected, await asyncio.to_thread(_sha256, inspected.content))
        files = {image.storage_key: StoredFile(inspected.content, image.media_type)}
        async with self.stored(draft_id, files), self._database.transaction() as session:
            draft = await self._drafts.editable(session, user_id, draft_id)
            await _append(session, image)
            await self.keep(session, files)
            await self._drafts.refreshed(session, draft)
        return ImageView.of(image)

    async def change(
        self, session: AsyncSession, user_id: UUID, draft_id: UUID, image_id: UUID, patch: ImagePatch
    ) -> ImageView:
        draft = await self._drafts.editable(session, user_id, draft_id)
        images = await repository.images_of(session, draft_id)
        image = _one(images, image_id)
        if "expected_json" in patch.model_fields_set:
            image.expected_json = patch.expected_json
        if "position" in patch.model_fields_set:
            _move(images, image, patch.position)
        await self._drafts.refreshed(session, draft)
        return ImageView.of(image)

    async def delete(self, user_id: UUID, draft_id: UUID, image_id: UUID) -> None:
        async with self._database.transaction() as session:
            draft = await self._drafts.editable(session, user_id, draft_id)
            images = await repository.images_of(session, draft_id)
            image = _one(images, image_id)
            await session.delete(image)
            repository.number([other for other in images if other is not image])
            await self.let_go(session, draft_id, [image.storage_key])
            await self._drafts.refreshed(session, draft)
        await self.discard([image.storage_key])

    async def content(self, user_id: UUID, draft_id: UUID, image_id: UUID) -> tuple[bytes, str]:
        """Return an image's file and media type, to its owner."""
        async with self._database.transaction() as session:
            image = await repository.find_image(session, user_id, draft_id, image_id)
        if image is None:
            raise not_found()
        return await self._store.get(image.storage_key), image.media_type

    @asynccontextmanager
    async def stored(self, draft_id: UUID, files: Mapping[str, StoredFile]) -> AsyncIterator[None]:
        """Store files for the block, in which a transaction is to `keep` them; the others go again."""
        await self._deletions.expect(draft_id, files)
        try:
            for key, file in files.items():
                await self._store.put(key, file.content, media_type=file.media_type)
            yield
        except BaseException:
            await self._deletions.give_up(files)
            raise

    async def keep(self, session: AsyncSession, keys: Iterable[str]) -> None:
        """Keep stored files, in the transaction that writes their rows."""
        await self._deletions.keep(session, set(keys))

    async def read(self, key: str) -> bytes:
        return await self._store.get(key)

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


def _row(draft_id: UUID, upload: Upload, inspected: InspectedImage, sha256: str) -> DraftImage:
    return DraftImage(
        id=new_id(),
        draft_id=draft_id,
        storage_key=new_key(),
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
