"""Is this an image that every model can read? Nothing is stored before it was looked at.

Runs in a process of its own, see `decoders.py`: decoders are the part that hostile files are made for.
"""

import io
import struct
import zlib

from PIL import Image

from modelpick_checkout.errors import UnusableImageError
from modelpick_checkout.images.facts import ImageFacts, InspectedImage, kind_of
from modelpick_checkout.images.stripping import stripped
from modelpick_checkout.images.stripping.refusals import animated, damaged
from modelpick_checkout.limits import MAX_IMAGE_PIXELS

# What Pillow's decoders raise on damaged files, as far as its own tests and fuzzers know.
_DAMAGED = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError),
    *(struct.error, zlib.error),
)


def inspect_image(content: bytes) -> InspectedImage:
    """Strip an image, decode it once and return what it is.

    Raises UnsupportedImageError for anything but PNG, JPEG, WebP and GIF, and UnusableImageError for a
    damaged, animated or too large one.
    """
    kind = kind_of(content)
    kept = stripped(kind, content)
    try:
        width, height = _decoded_size(kind, kept)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large() from None
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # that is the system's, not Pillow's
        raise damaged() from error
    return InspectedImage(ImageFacts(f"image/{kind.lower()}", width, height), kept)


def _decoded_size(kind: str, content: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(content), formats=[kind]) as image:
        width, height = image.size
        _refuse_size(width, height)
        if getattr(image, "is_animated", False):
            raise animated()
        # A JPEG is read to its last coefficient all the same, but turned into fewer pixels: half the time.
        image.draft(None, (width // 8 or 1, height // 8 or 1))
        image.load()
    return width, height


def _refuse_size(width: int, height: int) -> None:
    if width * height > MAX_IMAGE_PIXELS:
        raise _too_large()
    if width < 1 or height < 1:
        raise damaged()


def _too_large() -> UnusableImageError:
    return UnusableImageError(f"The image has more than {MAX_IMAGE_PIXELS // 1_000_000} megapixels.")
