"""Takes out of an image's file all that is not the picture: the pixels stay as they were encoded.

Kept are the pixels, their colour profile, transparency and resolution, and which way up the picture is.
Places, names, times, previews, comments, and whatever follows the end of the image go.
"""

from collections.abc import Callable

from modelpick_checkout.images.stripping.gif import stripped_gif
from modelpick_checkout.images.stripping.jpeg import stripped_jpeg
from modelpick_checkout.images.stripping.png import stripped_png
from modelpick_checkout.images.stripping.webp import stripped_webp

_STRIPPERS: dict[str, Callable[[bytes], bytes]] = {
    "PNG": stripped_png,
    "JPEG": stripped_jpeg,
    "WEBP": stripped_webp,
    "GIF": stripped_gif,
}


def stripped(kind: str, content: bytes) -> bytes:
    """Return the file of a PNG, JPEG, WEBP or GIF without what is not the picture.

    Raises UnusableImageError for one that is damaged or animated.
    """
    return _STRIPPERS[kind](content)
