import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store, from_url

from modelpick_shared.errors import PermanentError, TransientError

if TYPE_CHECKING:  # they are there for type checkers alone
    from obstore import Attributes
    from obstore.store import RetryConfig


class ImageStoreError(TransientError):
    """The store did not answer, or not as it should."""


class MissingImageError(PermanentError):
    """There is no image under that key."""


class ImageKeyError(MissingImageError):
    """No image can lie under that key: it is empty, too long, or leads out of the store."""


class ImageStore(Protocol):
    """Keeps image files under random keys.

    A key is made of letters, digits, `_`, `-` and `.`, in parts joined by `/`, none of which begins with a
    dot. All but `delete` raise ImageKeyError for any other.
    """

    async def put(self, key: str, content: bytes, *, media_type: str | None = None) -> None:
        """Store `content`; its signed links are answered with that type. Raises ImageStoreError."""

    async def get(self, key: str) -> bytes:
        """Return the content. Raises MissingImageError, ImageStoreError."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove images; those that are not there are fine. Raises ImageStoreError."""

    async def link(self, key: str, *, expires_in: timedelta) -> str | None:
        """Return a signed address from which anybody can read the image; None where the store has none."""


_KEY_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_KEY = re.compile(rf"(?=.{{1,200}}\Z){_KEY_PART}(?:/{_KEY_PART})*")
# A request is repeated for at most this long; one that takes 30 s is given up.
_RETRY: "RetryConfig" = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


class ObjectImageStore:
    """An image store on obstore: `file://`, `s3://`, `gs://` or `az://`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._is_remote = isinstance(store, S3Store | GCSStore | AzureStore)

    async def put(self, key: str, content: bytes, *, media_type: str | None = None) -> None:
        attributes: Attributes | None = None
        if media_type and self._is_remote:
            attributes = {"Content-Type": media_type}
        try:
            await obstore.put_async(self._store, _checked(key), content, attributes=attributes)
        except (BaseError, OSError) as error:
            raise ImageStoreError(f"cannot store an image: {error.__class__.__name__}") from error

    async def get(self, key: str) -> bytes:
        try:
            result = await obstore.get_async(self._store, _checked(key))
            return bytes(await result.bytes_async())
        except (NotFoundError, FileNotFoundError) as error:
            raise MissingImageError("the image is not in the store") from error
        except (BaseError, OSError) as error:
            raise ImageStoreError(f"cannot read an image: {error.__class__.__name__}") from error

    async def delete(self, keys: Sequence[str]) -> None:
        possible = [key for key in keys if _KEY.fullmatch(key)]
        if self._is_remote:
            await self._delete(possible)
            return
        # A folder stops at the first that is not there.
        for key in possible:
            await self._delete([key])

    async def link(self, key: str, *, expires_in: timedelta) -> str | None:
        path = _checked(key)
        if not isinstance(self._store, S3Store | GCSStore | AzureStore):
            return None
        try:
            return await obstore.sign_async(self._store, "GET", path, expires_in)
        except BaseError as error:
            raise ImageStoreError(f"cannot sign a link: {error.__class__.__name__}") from error

    async def _delete(self, keys: list[str]) -> None:
        try:
            await obstore.delete_async(self._store, keys)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise ImageStoreError(f"cannot delete images: {error.__class__.__name__}") from error


def open_image_store(url: str) -> ImageStore:
    """Open the store at `url`; a local folder is made when it is not there.

    Where an S3-compatible store is, and who may use it, is told by the usual `AWS_*` variables.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = Path(parts.path)
        folder.mkdir(parents=True, exist_ok=True)
        return ObjectImageStore(LocalStore(folder))
    return ObjectImageStore(from_url(url, retry_config=_RETRY))


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ImageKeyError("this is no key of the image store")
    return key
