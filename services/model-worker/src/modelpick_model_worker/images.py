"""How an image reaches a model: as a signed link, or inline as a data URL that is encoded once."""

import asyncio
import base64
from collections import OrderedDict
from datetime import timedelta

from modelpick_shared.contracts import ImageRef
from modelpick_shared.images import ImageStore

LINK_LIFETIME = timedelta(minutes=10)
CACHE_BYTES = 64 * 1024 * 1024


class ImageAddresses:
    """Returns what to send as `image_url`. Data URLs are cached, up to 64 MiB of them."""

    def __init__(self, store: ImageStore, delivery: str) -> None:
        self._store = store
        self._delivery = delivery
        self._cached: OrderedDict[str, asyncio.Task[bytes]] = OrderedDict()

    async def address_of(self, image: ImageRef) -> bytes:
        """Return a link or data URL as ASCII. Raises MissingImageError, ImageStoreError."""
        if self._delivery != "inline":
            link = await self._store.link(image.key, expires_in=LINK_LIFETIME)
            if link is not None:
                return link.encode()
        return await self._data_url(image)

    async def _data_url(self, image: ImageRef) -> bytes:
        task = self._cached.get(image.key)
        if task is None or (task.done() and not _has_result(task)):
            task = asyncio.create_task(self._encode(image))
            self._cached[image.key] = task
        self._cached.move_to_end(image.key)
        data_url = await asyncio.shield(task)
        self._shrink()
        return data_url

    async def _encode(self, image: ImageRef) -> bytes:
        content = await self._store.get(image.key)
        return f"data:{image.media_type};base64,".encode() + base64.b64encode(content)

    def _shrink(self) -> None:
        sizes = {key: len(task.result()) for key, task in self._cached.items() if _has_result(task)}
        excess = sum(sizes.values()) - CACHE_BYTES
        for key, size in list(sizes.items())[:-1]:
            if excess <= 0:
                return
            excess -= size
            del self._cached[key]


def _has_result(task: asyncio.Task[bytes]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
