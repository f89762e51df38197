"""What is said of an image, between the service and the processes that inspect images."""

from typing import NamedTuple

from modelpick_checkout.errors import UnsupportedImageError

# What such a process says first.
READY = b"ready\n"
_SIGNATURES = {
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "JPEG": (b"\xff\xd8\xff",),
    "WEBP": (b"RIFF",),
    "GIF": (b"GIF87a", b"GIF89a"),
}


class ImageFacts(NamedTuple):
    """What is known of a file once it was looked at; sizes are pixels."""

    media_type: str
    width: int
    height: int


class InspectedImage(NamedTuple):
    """What to keep of a file: the picture without all that was hidden around it."""

    facts: ImageFacts
    content: bytes


def kind_of(content: bytes) -> str:
    """Return PNG, JPEG, WEBP or GIF by a file's first bytes. Raises UnsupportedImageError for all else."""
    for kind, beginnings in _SIGNATURES.items():
        if content.startswith(beginnings) and (kind != "WEBP" or content[8:12] == b"WEBP"):
            return kind
    raise UnsupportedImageError("Only PNG, JPEG, WebP and GIF images are accepted.")
