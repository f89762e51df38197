"""Files that are made to hurt: each is refused in words or taken as it should be, and none is a 500."""

import hashlib
import io
import random
import resource
import struct
import zlib

import pytest
from PIL import Image

pytestmark = pytest.mark.connected

MIB = 1024 * 1024
SIGNATURE = b"\x89PNG\r\n\x1a\n"
BIG = (8000, 5000)
TEXT_BOMB = b"a\0\0" + zlib.compress(bytes(256 * MIB))


@pytest.fixture
async def images(customer):
    """Return the address of the images of a new draft."""
    draft_id = (await customer.post("/api/drafts")).json()["id"]
    return f"/api/drafts/{draft_id}/images"


async def upload(customer, images, content, name="photo.png", declared="image/png"):
    return await customer.post(images, files={"file": (name, content, declared)})


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(mode="RGB", size=(60, 40)):
    return Image.frombytes("L", size, random.Random(0).randbytes(size[0] * size[1])).convert(mode)


def frames(kind):
    return saved(noise("P"), kind, save_all=True, append_images=[noise("P", (60, 40)).rotate(90), noise("P")])


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, *, depth=8, colour=2, lines=b"", before=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(lines))
    return SIGNATURE + chunk(b"IHDR", header) + before + pixels + chunk(b"IEND", b"")


def jpeg_of_size(width, height):
    content = bytearray(saved(noise(), "JPEG"))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def gif_of_size(width, height):
    content = bytearray(saved(noise("P"), "GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def webp_of_size(width, height):
    content = bytearray(saved(noise("RGBA"), "WEBP", exif=b"Exif\0\0II*\0"))
    at = content.index(b"VP8X") + 12
    content[at : at + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(content)


def many_scans(count, size=(60, 40)):
    content = saved(Image.new("L", size), "JPEG", progressive=True)
    first, end = content.index(b"\xff\xda"), content.rindex(b"\xff\xd9")
    scans = content[first:end]
    return content[:first] + scans * (count // scans.count(b"\xff\xda") + 1) + content[end:]


def with_huge_exif():
    content = saved(noise(), "JPEG")
    body = b"Exif\0\0" + random.Random(1).randbytes(65_000)
    return content[:2] + (b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body) * 80 + content[2:]


REFUSED = {
    "a bomb of 90 megapixels": (lambda: saved(Image.new("1", (10_000, 9_000))), "40 megapixels"),
    "a PNG that says it is huge": (lambda: png(2**31 - 1, 2**31 - 1), ""),
    "a PNG that says it is large": (lambda: png(65_535, 65_535), "40 megapixels"),
    "a JPEG that says it is huge": (lambda: jpeg_of_size(65_500, 65_500), "40 megapixels"),
    "a GIF that says it is huge": (lambda: gif_of_size(65_535, 65_535), "40 megapixels"),
    "a WebP that says it is huge": (lambda: webp_of_size(16_000, 16_000), ""),
    "a JPEG of thousands of scans": (lambda: many_scans(5000, (400, 300)), "100 scans"),
    "an animated GIF": (lambda: frames("GIF"), "animated"),
    "an animated WebP": (lambda: frames("WEBP"), "animated"),
    "an animated PNG": (lambda: frames("PNG"), "animated"),
    "a PNG without pixels": (lambda: png(0, 0), "damaged"),
    "a PNG without width": (lambda: png(0, 40), "damaged"),
    "a JPEG without lines": (lambda: jpeg_of_size(60, 0), "damaged"),
    "a profile of 64 MB": (
        lambda: png(60, 40, before=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(64 * MIB)))),
        "damaged",
    ),
    "a PNG without an end": (lambda: saved(noise())[:-12], "damaged"),
    "a PNG of a chunk of 4 GB": (lambda: SIGNATURE + b"\xff\xff\xff\xffIHDR" + b"\0" * 100, "damaged"),
    "a truncated JPEG": (lambda: saved(noise(), "JPEG")[:-200], "damaged"),
    "a truncated WebP": (lambda: saved(noise(), "WEBP")[:-200], "damaged"),
    "a truncated GIF": (lambda: saved(noise("P"), "GIF")[:-200], "damaged"),
    "a signature alone": (lambda: SIGNATURE, "damaged"),
    "a JPEG of nothing but markers": (lambda: b"\xff\xd8" + b"\xff\xff\xff\x01" * MIB, "damaged"),
    "a GIF of nothing but comments": (lambda: b"GIF89a" + bytes(7) + b"\x21\xfe\x01x\0" * MIB, "damaged"),
    "a RIFF that is longer than the file": (lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(50), "damaged"),
}
UNSUPPORTED = {
    "nothing": b"",
    "a web page": b"<!doctype html><script>alert(1)</script>",
    "a drawing with a script": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "an archive": b"PK\x03\x04" + bytes(100),
    "a program": b"\x7fELF" + bytes(100),
    "a sound": b"RIFF\x24\0\0\0WAVEfmt ",
    "a HEIC": b"\0\0\0\x18ftypheic" + bytes(100),
    "a page description": b"%!PS-Adobe-3.0\n(%pipe%id) (r) file",
}
ACCEPTED = {
    "one pixel": (lambda: saved(Image.new("L", (1, 1))), "image/png", (1, 1)),
    "a JPEG in the colours of print": (lambda: saved(noise("CMYK"), "JPEG"), "image/jpeg", (60, 40)),
    "a PNG of 16 bits": (lambda: saved(Image.new("I;16", (60, 40), 999)), "image/png", (60, 40)),
    "a PNG of 16 bits and 4 colours": (
        lambda: png(2, 1, depth=16, colour=6, lines=b"\0" + bytes(16)), "image/png", (2, 1)
    ),
    "a palette with transparency": (lambda: saved(noise("P"), transparency=0), "image/png", (60, 40)),
    "a GIF with transparency": (lambda: saved(noise("P"), "GIF", transparency=0), "image/gif", (60, 40)),
    "a picture of a telephone": (
        lambda: saved(noise(), "MPO", save_all=True, append_images=[noise(size=(6, 4))]),
        "image/jpeg", (60, 40),
    ),
    "5 MB of EXIF": (with_huge_exif, "image/jpeg", (60, 40)),
    "a text of 256 MB": (
        lambda: png(60, 40, lines=bytes(181 * 40), before=chunk(b"zTXt", TEXT_BOMB)), "image/png", (60, 40)
    ),
    "a PNG with fewer lines than it says": (
        lambda: png(60, 40, lines=b"\0" * 181), "image/png", (60, 40)
    ),
    "pixels of 128 MB behind those that are shown": (
        lambda: png(60, 40, lines=bytes(128 * MIB)), "image/png", (60, 40)
    ),
    "40 megapixels in 120 KB": (lambda: saved(Image.new("RGB", BIG)), "image/png", BIG),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_no_model_could_read_is_refused_in_words(customer, images, what):
    make, words = REFUSED[what]
    refused = await upload(customer, images, make())
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "/file"
    assert words in error["detail"]


@pytest.mark.parametrize("what", UNSUPPORTED)
async def test_what_is_no_image_is_unsupported_whatever_it_is_called(customer, images, what):
    refused = await upload(customer, images, UNSUPPORTED[what])
    assert refused.status_code == 415
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("what", ACCEPTED)
async def test_what_is_odd_but_an_image_is_taken_as_what_it_is(customer, images, what):
    make, media_type, size = ACCEPTED[what]
    content = make()
    uploaded = await upload(customer, images, content, "invoice.html", "text/html")
    assert uploaded.status_code == 201, uploaded.text
    image = uploaded.json()
    assert (image["media_type"], (image["width"], image["height"])) == (media_type, size)
    served = await customer.get(image["url"])
    assert served.headers["content-type"] == media_type
    assert served.headers["x-content-type-options"] == "nosniff"
    assert len(served.content) == image["bytes"] <= len(content)
    assert hashlib.sha256(served.content).hexdigest() == image["sha256"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("tail", [b"PK\x03\x04 an archive", b"<html><script>alert(1)</script>", b"%PDF-1.7"])
async def test_what_hides_behind_an_image_is_not_stored(customer, images, kind, tail, tmp_path):
    content = saved(noise("P" if kind == "GIF" else "RGB"), kind)
    image = (await upload(customer, images, content + tail)).json()
    served = await customer.get(image["url"])
    assert served.content == content
    (stored,) = [path for path in (tmp_path / "images").iterdir() if path.is_file()]
    assert tail not in stored.read_bytes()


async def test_what_is_within_comments_is_not_stored(customer, images, tmp_path):
    page = b"*/=1;/*<html><script>alert(document.domain)</script>"
    image = (await upload(customer, images, saved(noise(), "JPEG", comment=page))).json()
    assert page not in (await customer.get(image["url"])).content


async def test_the_same_picture_with_other_metadata_is_the_same(customer, images):
    picture = noise()
    assert (await upload(customer, images, saved(picture, "JPEG", comment=b"one"))).status_code == 201
    again = await upload(customer, images, saved(picture, "JPEG", comment=b"two"))
    assert again.status_code == 422
    assert again.json()["errors"][0]["detail"] == "This image is in the draft already."


async def test_the_service_stays_small_while_bombs_go_off(customer, images):
    bombs = [
        many_scans(90, BIG),
        saved(Image.new("CMYK", BIG), "JPEG", progressive=True),
        saved(Image.new("RGBA", BIG), "WEBP", lossless=True, method=0),
    ]
    await upload(customer, images, saved(noise()))
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for bomb in bombs:
        answer = await upload(customer, images, bomb)
        assert answer.status_code in {201, 422}, answer.text
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
    assert grown_mib < 30  # the last two take 500 and 650 MiB where they are decoded
