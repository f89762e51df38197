import hashlib
import io
import json
from decimal import Decimal

from PIL import Image

from modelpick_local.demo.receipts import Layout
from modelpick_local.demo.samples import SAMPLES, sample_uploads


def test_there_are_ten_different_receipts_in_two_layouts():
    uploads = sample_uploads(10)

    assert len({hashlib.sha256(upload.content).hexdigest() for upload in uploads}) == 10
    assert {receipt.layout for receipt in SAMPLES[:4]} == set(Layout)


def test_every_drawing_gives_the_same_bytes():
    assert sample_uploads(10) == sample_uploads(10)


def test_a_receipt_adds_up():
    for receipt in SAMPLES:
        truth = json.loads(json.dumps(receipt.expected()), parse_float=Decimal)
        items = truth["line_items"]

        assert all(item["quantity"] * item["unit_price"] == item["amount"] for item in items)
        assert sum(item["amount"] for item in items) == truth["subtotal"]
        assert truth["subtotal"] + truth["tax"] == truth["total"]


def test_what_is_drawn_can_be_drawn_with_the_bundled_font():
    for receipt in SAMPLES:
        written = [receipt.merchant, *receipt.address, receipt.printed_date, receipt.closing, receipt.sign]
        written += [item.description for item in receipt.items]

        assert "".join(written).isascii()


def test_a_picture_is_a_png_that_shows_something():
    for upload in sample_uploads(10):
        image = Image.open(io.BytesIO(upload.content))

        assert image.format == "PNG"
        assert len(upload.content) < 200_000
        assert len(image.getcolors(maxcolors=1_000_000)) > 20
