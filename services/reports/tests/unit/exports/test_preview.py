import struct
import time

import pytest

from modelpick_reports.exports import preview_of

UNUSUAL = {
    "one run": {"models": 1, "images": 1, "runs": 1},
    "all unmeasured": {"unmeasured": 1.0, "status": "failed"},
    "nothing there": {"done": 0.0, "status": "failed"},
    "not started": {"done": 0.0, "status": "paid"},
    "running": {"models": 8, "images": 6, "runs": 3, "done": 0.6, "status": "running"},
    "no statistics": {"models": 6, "images": 6, "statistics": False},
    "hostile names": {"names": ["#panic()", "x" * 300, "\u65e5\u672c\u8a9e \U0001f600\0"]},
}


def size_of(png):
    """Read width and height from the header."""
    signature, _, kind, width, height = struct.unpack(">8sI4sII", png[:24])
    assert (signature, kind) == (b"\x89PNG\r\n\x1a\n", b"IHDR")
    return width, height


@pytest.mark.parametrize("arguments", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_every_report_has_a_picture_of_the_size_that_networks_want(make_report, arguments):
    assert size_of(preview_of(make_report(**arguments))) == (1200, 630)


def test_the_picture_of_a_full_report_is_small_and_quick(full_document):
    picture = preview_of(full_document)
    start = time.process_time()
    preview_of(full_document)
    assert time.process_time() - start < 0.5
    assert size_of(picture) == (1200, 630)
    assert len(picture) < 300_000


def test_the_same_document_gives_the_same_picture(full_document):
    assert preview_of(full_document) == preview_of(full_document)
