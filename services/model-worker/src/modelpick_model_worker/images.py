"""How an image reaches a model: as a signed link, or inline as a data URL that is encoded once a worker."""

import asyncio
import base64
import os
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Iterator
from datetime import timedelta
from typing import Self

from modelpick_shared.contracts import ImageRef
from modelpick_shared.images import ImageStore, ImageStoreError

LINK_LIFETIME = timedelta(minutes=10)
# On disk, so that the images of many reports cost no memory: ten of 5 MiB are 67 MB encoded.
CACHE_BYTES = 512 * 1024 * 1024
READ_BYTES = 64 * 1024
# A multiple of 3, so that the pieces of base64 join without padding between them.
ENCODE_BYTES = 192 * 1024


class EncodedImage:
    """A data URL in a file that has no name: it goes with the last call that reads it."""

    def __init__(self) -> None:
        self._file = _nameless_file()
        weakref.finalize(self, os.close, self._file)
        self.length = 0

    @classmethod
    async def of(cls, media_type: str, content: bytes) -> Self:
        """Encode an image, letting calls in flight go on in between. Raises OSError."""
        image = cls()
        image._append(f"data:{media_type};base64,".encode())
        for start in range(0, len(content), ENCODE_BYTES):
            image._append(base64.b64encode(content[start : start + ENCODE_BYTES]))
            await asyncio.sleep(0)
        return image

    def pieces(self) -> Iterator[bytes]:
        """Read the data URL piece by piece; any number of readers may do so at once."""
        for start in range(0, self.length, READ_BYTES):
            yield os.pread(self._file, READ_BYTES, start)

    def _append(self, encoded: bytes) -> None:
        rest = memoryview(encoded)
        while rest:
            written = os.write(self._file, rest)
            self.length += written
            rest = rest[written:]


def _nameless_file() -> int:
    with tempfile.TemporaryFile(buffering=0) as file:
        return os.dup(file.fileno())


class ImageAddresses:
    """Returns what to send as `image_url`. Data URLs are kept, up to 512 MiB of them."""

    def __init__(self, store: ImageStore, delivery: str) -> None:
        self._store = store
        self._delivery = delivery
        self._kept: OrderedDict[str, asyncio.Task[EncodedImage]] = OrderedDict()
        # One at a time: the content of ten large images at once would be half of the worker's memory.
        self._encoding = asyncio.Lock()

    async def address_of(self, image: ImageRef) -> bytes | EncodedImage:
        """Return a link as ASCII, or a data URL. Raises MissingImageError, ImageStoreError."""
        if self._delivery != "inline":
            link = await self._store.link(image.key, expires_in=LINK_LIFETIME)
            if link is not None:
                return link.encode()
        return await self._data_url(image)

    async def _data_url(self, image: ImageRef) -> EncodedImage:
        task = self._kept.get(image.key)
        if task is None or (task.done() and not _has_result(task)):
            task = asyncio.create_task(self._encode(image))
            task.add_done_callback(self._shrink)
            self._kept[image.key] = task
        self._kept.move_to_end(image.key)
        # Shielded: the encoding belongs to all jobs that wait for it.
        return task.result() if task.done() else await asyncio.shield(task)

    async def _encode(self, image: ImageRef) -> EncodedImage:
        async with self._encoding:
            content = await self._store.get(image.key)
            try:
                return await EncodedImage.of(image.media_type, content)
            except OSError as error:
                raise ImageStoreError(f"cannot keep an encoded image: {error.strerror}") from error

    def _shrink(self, _: asyncio.Task[EncodedImage]) -> None:
        lengths = {key: task.result().length for key, task in self._kept.items() if _has_result(task)}
        excess = sum(lengths.values()) - CACHE_BYTES
        for key, length in list(lengths.items())[:-1]:
            if excess <= 0:
                return
            excess -= length
            del self._kept[key]


def _has_result(task: asyncio.Task[EncodedImage]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
