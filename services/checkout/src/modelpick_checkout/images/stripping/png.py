"""PNG (W3C, third edition): chunks of length, name, data and checksum."""

import struct
import zlib

from modelpick_checkout.images.stripping.orientation import UPRIGHT, only_orientation, orientation_of
from modelpick_checkout.images.stripping.refusals import animated, damaged

_SIGNATURE_BYTES = 8
_AROUND_BYTES = 12
# The picture, then colours, transparency and resolution. Frames of an animation are not among them.
_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs".split())


def stripped_png(content: bytes) -> bytes:
    """Keep the chunks of the picture and its colours, and the orientation as the only thing of EXIF."""
    pieces: list[bytes | memoryview] = [content[:_SIGNATURE_BYTES]]
    view, at, name = memoryview(content), _SIGNATURE_BYTES, b""
    while name != b"IEND":
        name, end = _chunk(content, at)
        if name in _KEPT:
            pieces.append(view[at:end])
        elif name == b"eXIf":
            pieces += _orientation(content[at + 8 : end - 4])
        elif name == b"acTL":
            _refuse_frames(content[at + 8 : end - 4])
        at = end
    return b"".join(pieces)


def _chunk(content: bytes, at: int) -> tuple[bytes, int]:
    """Return a chunk's name and where it ends."""
    if at + _AROUND_BYTES > len(content):
        raise damaged()
    length, name = struct.unpack_from(">I4s", content, at)
    end = at + _AROUND_BYTES + length
    if end > len(content):
        raise damaged()
    return name, end


def _orientation(exif: bytes) -> list[bytes]:
    orientation = orientation_of(exif)
    if orientation == UPRIGHT:
        return []
    named = b"eXIf" + only_orientation(orientation)
    return [struct.pack(">I", len(named) - 4) + named + struct.pack(">I", zlib.crc32(named))]


def _refuse_frames(control: bytes) -> None:
    if int.from_bytes(control[:4], "big") > 1:
        raise animated()
