from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store, from_url

from modelpick_shared.errors import PermanentError, TransientError


class ImageStoreError(TransientError):
    """The store did not answer, or not as it should."""


class MissingImageError(PermanentError):
    """There is no image under that key."""


class ImageStore(Protocol):
    """Keeps image files under random keys."""

    async def put(self, key: str, content: bytes) -> None:
        """Store `content`. Raises ImageStoreError."""

    async def get(self, key: str) -> bytes:
        """Return the content. Raises MissingImageError, ImageStoreError."""

    async def delete(self, key: str) -> None:
        """Remove the image; one that is not there is fine. Raises ImageStoreError."""

    async def link(self, key: str, *, expires_in: timedelta) -> str | None:
        """Return a signed address from which anybody can read the image; None where the store has none."""


class ObjectImageStore:
    """An image store on obstore: `file://`, `s3://`, `gs://` or `az://`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, content: bytes) -> None:
        try:
            await obstore.put_async(self._store, key, content)
        except (BaseError, OSError) as error:
            raise ImageStoreError(f"cannot store an image: {error.__class__.__name__}") from error

    async def get(self, key: str) -> bytes:
        try:
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())
        except (NotFoundError, FileNotFoundError) as error:
            raise MissingImageError("the image is not in the store") from error
        except (BaseError, OSError) as error:
            raise ImageStoreError(f"cannot read an image: {error.__class__.__name__}") from error

    async def delete(self, key: str) -> None:
        try:
            await obstore.delete_async(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise ImageStoreError(f"cannot delete an image: {error.__class__.__name__}") from error

    async def link(self, key: str, *, expires_in: timedelta) -> str | None:
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        try:
            return await obstore.sign_async(self._store, "GET", key, expires_in)
        except BaseError as error:
            raise ImageStoreError(f"cannot sign a link: {error.__class__.__name__}") from error


def open_image_store(url: str) -> ImageStore:
    """Open the store at `url`; a local folder is made when it is not there."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(parts.path)
        folder.mkdir(parents=True, exist_ok=True)
        return ObjectImageStore(LocalStore(folder))
    return ObjectImageStore(from_url(url))
