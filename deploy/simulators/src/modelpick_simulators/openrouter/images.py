"""The image of a request: its digest and its size."""

import base64
import binascii
import functools
import hashlib
from dataclasses import dataclass

import httpx

from modelpick_simulators.openrouter.errors import OpenRouterError

MEDIA_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
FEWEST_TOKENS, MOST_TOKENS, BYTES_A_TOKEN = 258, 1600, 150


@dataclass(frozen=True)
class Image:
    sha256: str
    size_bytes: int

    @property
    def tokens(self) -> int:
        return (
            min(max(self.size_bytes // BYTES_A_TOKEN, FEWEST_TOKENS), MOST_TOKENS) if self.size_bytes else 0
        )


NO_IMAGE = Image(hashlib.sha256(b"").hexdigest(), 0)


async def read_image(url: str | None, client: httpx.AsyncClient) -> Image:
    """Read an image given as a data URL or as a link. Raises OpenRouterError."""
    if url is None:
        return NO_IMAGE
    if url.startswith("data:"):
        return _from_data_url(url)
    if url.startswith(("http://", "https://")):
        return _digest(await _downloaded(url, client))
    raise OpenRouterError(400, "Invalid image URL", error_type="invalid_image")


# A report sends each image to many models: the same few strings come again and again.
@functools.lru_cache(maxsize=64)
def _from_data_url(url: str) -> Image:
    head, _, encoded = url.partition(",")
    media_type, _, encoding = head.removeprefix("data:").partition(";")
    if media_type not in MEDIA_TYPES:
        raise OpenRouterError(
            400, f"Unsupported image format: {media_type}", error_type="unsupported_image_format"
        )
    try:
        return _digest(base64.b64decode(encoded, validate=True) if encoding == "base64" else b"")
    except binascii.Error as problem:
        raise OpenRouterError(400, "Invalid base64 image data", error_type="invalid_image") from problem


def _digest(content: bytes) -> Image:
    if not content:
        raise OpenRouterError(400, "The image is empty", error_type="invalid_image")
    return Image(hashlib.sha256(content).hexdigest(), len(content))


async def _downloaded(url: str, client: httpx.AsyncClient) -> bytes:
    try:
        response = await client.get(url)
        response.raise_for_status()
    except httpx.HTTPError as problem:
        raise OpenRouterError(
            400, "The image could not be downloaded", error_type="image_download_failed"
        ) from problem
    return response.content
