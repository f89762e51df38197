"""EXIF, as far as it matters: which way up a picture is. TIFF 6.0 for the layout, EXIF 2.32 for the tag."""

import struct

UPRIGHT = 1
_TAG = 0x0112
_SHORT = 3
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRY_BYTES = 12


def orientation_of(tiff: bytes) -> int:
    """Return the orientation, 1 to 8, of EXIF data; 1 (upright) where it says nothing that can be read."""
    order = _BYTE_ORDERS.get(tiff[:4])
    try:
        return _found(tiff, order) if order else UPRIGHT
    except struct.error:
        return UPRIGHT


def only_orientation(orientation: int) -> bytes:
    """Return EXIF data that says nothing else."""
    entry = struct.pack("<HHIHH", _TAG, _SHORT, 1, orientation, 0)
    return struct.pack("<4sIH", b"II*\0", 8, 1) + entry + bytes(4)


def _found(tiff: bytes, order: str) -> int:
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for at in range(start + 2, start + 2 + _ENTRY_BYTES * count, _ENTRY_BYTES):
        tag, kind, values, value = struct.unpack_from(f"{order}HHIH", tiff, at)
        if (tag, kind, values) == (_TAG, _SHORT, 1):
            return value if value in range(1, 9) else UPRIGHT
    return UPRIGHT
