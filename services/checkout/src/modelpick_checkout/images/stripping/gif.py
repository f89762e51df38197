"""GIF89a: a screen, extensions and pictures, all in blocks of at most 255 bytes, and a trailer."""

from modelpick_checkout.images.stripping.refusals import animated, damaged

_SCREEN_BYTES, _PICTURE_BYTES = 13, 10
_EXTENSION, _PICTURE, _TRAILER = 0x21, 0x2C, 0x3B
# The one extension that a still picture needs: it names the transparent colour.
_GRAPHIC_CONTROL = 0xF9
_HAS_TABLE, _TABLE_SIZE = 0x80, 0x07


def stripped_gif(content: bytes) -> bytes:
    """Keep screen, colours, transparency and the one picture; comments and application data go."""
    try:
        return _stripped(content)
    except IndexError:
        raise damaged() from None


def _stripped(content: bytes) -> bytes:
    at = _SCREEN_BYTES + _table_bytes(content[10])
    pieces, pictures = [content[:at]], 0
    while content[at] != _TRAILER:
        end = _block_end(content, at)
        if content[at] == _PICTURE:
            pictures += 1
        if content[at] == _PICTURE or content[at + 1] == _GRAPHIC_CONTROL:
            pieces.append(content[at:end])
        if pictures > 1:
            raise animated()
        at = end
    return b"".join([*pieces, bytes([_TRAILER])])


def _block_end(content: bytes, at: int) -> int:
    if content[at] == _EXTENSION:
        return _data_end(content, at + 2)
    if content[at] == _PICTURE:
        # The table's colours are followed by the size of the codes.
        return _data_end(content, at + _PICTURE_BYTES + _table_bytes(content[at + 9]) + 1)
    raise damaged()


def _table_bytes(flags: int) -> int:
    return 3 << ((flags & _TABLE_SIZE) + 1) if flags & _HAS_TABLE else 0


def _data_end(content: bytes, at: int) -> int:
    """Return where blocks of data end: behind the first that is empty."""
    while content[at]:
        at += content[at] + 1
    return at + 1
