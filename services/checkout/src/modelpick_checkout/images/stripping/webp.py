"""WebP (RFC 9649): chunks in a RIFF container, the first of which may say what others there are."""

import struct

from modelpick_checkout.images.stripping.orientation import UPRIGHT, only_orientation, orientation_of
from modelpick_checkout.images.stripping.refusals import animated, damaged

_HEADER_BYTES = 12
_AROUND_BYTES = 8
_KEPT = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ICCP"})
_ANIMATED = frozenset({b"ANIM", b"ANMF"})
_HAS_ICC, _HAS_ALPHA, _HAS_EXIF, _IS_ANIMATED = 0x20, 0x10, 0x08, 0x02
_EXTENDED_BYTES = 10


def stripped_webp(content: bytes) -> bytes:
    """Keep the picture, its transparency and profile, and the orientation as the only thing of EXIF."""
    extended = b""
    pieces: dict[bytes, bytes] = {}
    for name, body in _chunks(content):
        if name in _ANIMATED:
            raise animated()
        if name == b"VP8X":
            extended = body
        elif name in _KEPT:
            pieces.setdefault(name, body)
        elif name == b"EXIF":
            pieces |= _orientation(body)
    return _container(extended, pieces)


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks inside the container; what follows it is no part of the image."""
    end = _AROUND_BYTES + int.from_bytes(content[4:8], "little")
    if end > len(content) or end < _HEADER_BYTES:
        raise damaged()
    chunks, at = [], _HEADER_BYTES
    while at + _AROUND_BYTES <= end:
        name, length = struct.unpack_from("<4sI", content, at)
        start = at + _AROUND_BYTES
        at = start + length + length % 2
        if start + length > end:
            raise damaged()
        chunks.append((name, content[start : start + length]))
    return chunks


def _orientation(body: bytes) -> dict[bytes, bytes]:
    orientation = orientation_of(body.removeprefix(b"Exif\0\0"))
    return {} if orientation == UPRIGHT else {b"EXIF": only_orientation(orientation)}


def _container(extended: bytes, pieces: dict[bytes, bytes]) -> bytes:
    body = b"WEBP"
    if extended:
        body += _chunk(b"VP8X", _with_flags(extended, pieces))
        order = (b"ICCP", b"ALPH", b"VP8 ", b"VP8L", b"EXIF")
        body += b"".join(_chunk(name, pieces[name]) for name in order if name in pieces)
    else:
        # Without that first chunk there is the picture alone.
        body += b"".join(_chunk(name, pieces[name]) for name in (b"VP8 ", b"VP8L") if name in pieces)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _with_flags(extended: bytes, pieces: dict[bytes, bytes]) -> bytes:
    if len(extended) != _EXTENDED_BYTES:
        raise damaged()
    if extended[0] & _IS_ANIMATED:
        raise animated()
    flags = extended[0] & _HAS_ALPHA
    flags |= _HAS_ICC * (b"ICCP" in pieces) | _HAS_EXIF * (b"EXIF" in pieces)
    return bytes([flags]) + bytes(3) + extended[4:]


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
