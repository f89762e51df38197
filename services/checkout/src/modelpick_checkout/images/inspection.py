"""Is this an image that every model can read? Looked at before anything is stored."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from PIL import Image

from modelpick_checkout.errors import UnsupportedImageError, UnusableImageError
from modelpick_checkout.limits import MAX_IMAGE_PIXELS

_SIGNATURES = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "WEBP": (b"RIFF",),
    "GIF": (b"GIF87a", b"GIF89a"),
}
# An image at the limit takes 160 MB once it is decoded.
_AT_ONCE = 2


class ImageFacts(NamedTuple):
    """What is known of a file once it was looked at; sizes are pixels."""

    media_type: str
    width: int
    height: int


Inspector = Callable[[bytes], Awaitable[ImageFacts]]


def threaded_inspector() -> Inspector:
    """Return an inspector that decodes in a thread, two images at once."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def inspect(content: bytes) -> ImageFacts:
        async with slots:
            return await asyncio.to_thread(inspect_image, content)

    return inspect


def inspect_image(content: bytes) -> ImageFacts:
    """Decode an image once and return what it is.

    Raises UnsupportedImageError for anything but PNG, JPEG, WebP and GIF, and UnusableImageError for a
    damaged, animated or too large one.
    """
    kind = _signature(content)
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as image:
            width, height = image.size
            _refuse_too_large(width, height)
            _refuse_animated(kind, image)
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError) as error:
        # What Pillow's decoders raise on damaged files, as far as its own tests and fuzzers know.
        raise UnusableImageError("The image is damaged and cannot be read.") from error
    return ImageFacts(f"image/{kind.lower()}", width, height)


def _signature(content: bytes) -> str:
    for kind, beginnings in _SIGNATURES.items():
        if content.startswith(beginnings) and (kind != "WEBP" or content[8:12] == b"WEBP"):
            return kind
    raise UnsupportedImageError("Only PNG, JPEG, WebP and GIF images are accepted.")


def _refuse_too_large(width: int, height: int) -> None:
    if width * height > MAX_IMAGE_PIXELS:
        raise _too_large()


def _refuse_animated(kind: str, image: Image.Image) -> None:
    # A telephone's JPEG may carry a preview as a second picture; everybody shows the first.
    if kind != "JPEG" and getattr(image, "n_frames", 1) > 1:
        raise UnusableImageError("The image is animated: only a single frame is accepted.")


def _too_large() -> UnusableImageError:
    return UnusableImageError(f"The image has more than {MAX_IMAGE_PIXELS // 1_000_000} megapixels.")
