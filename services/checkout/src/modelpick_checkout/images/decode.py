"""Inspects one image and ends: `python -I -m modelpick_checkout.images.decode MEMORY_BYTES CPU_S WALL_S`.

Says that it is ready, reads the file from standard input to its end, and answers with a line of JSON, which
the stripped file follows. It has no environment, no open files but these, and none that it may open.
"""

import copy  # noqa: F401 - Pillow imports it late
import ctypes
import json
import resource
import signal
import sys
from typing import Any

# Loaded now, as no file can be opened later. A JPEG's EXIF is read by what reads TIFF.
from PIL import (  # noqa: F401
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from modelpick_checkout.errors import UnsupportedImageError, UnusableImageError
from modelpick_checkout.images.facts import READY
from modelpick_checkout.images.inspection import inspect_image

_OPEN_FILES = 3
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def main() -> None:
    memory_bytes, cpu_s, wall_s = map(int, sys.argv[1:])
    _die_with_parent()
    Image.preinit()
    _limit(memory_bytes, cpu_s)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    content = sys.stdin.buffer.read()
    signal.alarm(wall_s)
    about, kept = _answer(content)
    sys.stdout.buffer.write(json.dumps(about | {"bytes": len(kept)}).encode() + b"\n" + kept)
    sys.stdout.buffer.flush()


def _answer(content: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        image = inspect_image(content)
    except UnsupportedImageError as error:
        return {"unsupported": str(error)}, b""
    except UnusableImageError as error:
        return {"unusable": str(error)}, b""
    except MemoryError:
        return {"unusable": "The image takes too much memory to read."}, b""
    return {"facts": image.facts}, image.content


def _die_with_parent() -> None:
    """Have the kernel end this process when the service is killed; the end of standard input does so, too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _limit(memory_bytes: int, cpu_s: int) -> None:
    for limit, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        resource.setrlimit(limit, (most, most))
    # The signal of the soft limit says why the process ended; that of the hard one is SIGKILL.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


if __name__ == "__main__":
    main()
