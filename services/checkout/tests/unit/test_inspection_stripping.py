"""What is taken out of an uploaded file, and that the pixels stay as they were."""

import io
import random
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from modelpick_checkout.errors import UnsupportedImageError, UnusableImageError
from modelpick_checkout.images.inspection import inspect_image
from modelpick_checkout.images.stripping.orientation import only_orientation, orientation_of

SECRET = b"47.3769 N 8.5417 E"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
KINDS = ["PNG", "JPEG", "WEBP", "GIF"]
MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "WEBP": ["RGB", "RGBA"],
    "GIF": ["1", "L", "P"],
}
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
kinds_and_modes = st.sampled_from([(kind, mode) for kind, modes in MODES.items() for mode in modes])


def pixels(content):
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        shown = image.convert("RGBA") if image.mode != "I;16" else image
        return image.mode, image.size, image.getpalette(), shown.tobytes()


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(mode="RGB", size=(40, 30)):
    grey = Image.frombytes("L", size, random.Random(0).randbytes(size[0] * size[1]))
    return Image.new(mode, size, 1234) if mode == "I;16" else grey.convert(mode)


def exif(orientation=1):
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010E] = SECRET.decode()
    data.get_ifd(0x8825)[1] = "N"
    return data.tobytes()


def with_metadata(kind, orientation=1):
    """Return an image with a place in everything that its kind can hold."""
    options = {"exif": exif(orientation), "xmp": SECRET, "icc_profile": PROFILE, "comment": SECRET}
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", SECRET.decode())
        texts.add_text("Comment", SECRET.decode(), zip=True)
        texts.add_itxt("Comment", SECRET.decode())
        texts.add(b"tIME", SECRET[:7])
        texts.add(b"prVt", SECRET)
        return saved(noise(), kind, exif=options["exif"], icc_profile=PROFILE, pnginfo=texts)
    if kind == "GIF":
        return saved(noise("P"), kind, comment=SECRET)
    names = {"JPEG": ("exif", "xmp", "icc_profile", "comment"), "WEBP": ("exif", "xmp", "icc_profile")}[kind]
    return saved(noise(), kind, **{name: options[name] for name in names})


@pytest.mark.parametrize("kind", KINDS)
def test_places_names_and_comments_go_and_pixels_and_profile_stay(kind):
    content = with_metadata(kind)
    assert SECRET in content
    kept = inspect_image(content).content
    assert SECRET not in kept
    assert len(kept) < len(content)
    assert pixels(kept) == pixels(content)
    with Image.open(io.BytesIO(kept)) as image:
        image.load()
        assert not image.getexif()
        assert image.info.get("icc_profile") == (None if kind == "GIF" else PROFILE)
        assert image.info.keys().isdisjoint({"xmp", "comment", "Comment", "exif"})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_which_way_up_a_picture_is_stays_and_nothing_else_of_exif(kind, orientation):
    content = with_metadata(kind, orientation)
    kept = inspect_image(content).content
    assert SECRET not in kept
    assert pixels(kept) == pixels(content)
    with Image.open(io.BytesIO(kept)) as image:
        assert dict(image.getexif()) == {0x0112: orientation}
        assert not image.getexif().get_ifd(0x8825)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [b"PK\x03\x04 an archive", b"<script>alert(1)</script>", b"\0" * 5000])
def test_what_follows_the_image_goes(kind, tail):
    content = saved(noise(), kind)
    kept = inspect_image(content + tail).content
    assert tail not in kept
    assert kept == inspect_image(content).content
    assert pixels(kept) == pixels(content)


@given(kinds_and_modes, sizes, st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_image_keeps_its_pixels_and_stripping_again_changes_nothing(kind_and_mode, size, other_way):
    kind, mode = kind_and_mode
    options = {
        "JPEG": {"progressive": other_way},
        "WEBP": {"lossless": other_way},
        "GIF": {"interlace": other_way},
    }
    content = saved(noise(mode, size), kind, **options.get(kind, {}))
    inspected = inspect_image(content)
    assert (inspected.facts.width, inspected.facts.height) == size
    assert pixels(inspected.content) == pixels(content)
    assert inspect_image(inspected.content) == inspected


@given(st.sampled_from(KINDS), st.data())
@settings(max_examples=150, deadline=None)
def test_no_damage_is_more_than_a_refusal(kind, data):
    content = bytearray(with_metadata(kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(content))))
    try:
        kept = inspect_image(bytes(content[:cut])).content
    except (UnusableImageError, UnsupportedImageError):
        return
    assert inspect_image(kept).content == kept


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x20\0\0\0WEBP"])
@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_a_signature_alone_is_no_image(start, rest):
    with pytest.raises((UnusableImageError, UnsupportedImageError)):
        inspect_image(start + rest)


def test_transparency_of_a_palette_stays():
    image = noise("P")
    for kind in ("PNG", "GIF"):
        content = saved(image, kind, transparency=3)
        kept = inspect_image(content).content
        with Image.open(io.BytesIO(kept)) as opened:
            assert opened.info["transparency"] == 3
        assert pixels(kept) == pixels(content)


def test_a_loop_of_one_frame_and_application_data_go_from_a_gif():
    content = saved(noise("P"), "GIF", save_all=True, loop=0, duration=100)
    assert pixels(inspect_image(content).content) == pixels(content)
    assert b"NETSCAPE" not in inspect_image(content).content


def test_the_thumbnail_and_second_picture_of_a_telephone_go():
    main, preview = noise(size=(64, 64)), noise(size=(16, 16))
    content = saved(main, "MPO", save_all=True, append_images=[preview], exif=exif(6))
    kept = inspect_image(content).content
    assert kept.count(b"\xff\xd8") == 1
    assert b"MPF\0" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert (image.format, image.size) == ("JPEG", (64, 64))


def test_a_preview_within_jfif_goes():
    content = saved(noise(), "JPEG")
    preview = content[6:18] + b"\2\2" + SECRET[:12]
    with_preview = b"\xff\xd8\xff\xe0" + struct.pack(">H", len(preview) + 2) + preview + content[20:]
    kept = inspect_image(with_preview).content
    assert SECRET[:12] not in kept
    assert kept == content


def test_a_still_in_the_frame_of_an_animated_png_is_its_default_picture():
    content = saved(noise(), "PNG")
    control = b"acTL" + struct.pack(">II", 1, 0)
    animation = struct.pack(">I", 8) + control + struct.pack(">I", zlib.crc32(control))
    kept = inspect_image(content[:33] + animation + content[33:]).content
    assert kept == content


@given(st.binary(max_size=64))
def test_exif_of_any_kind_has_an_orientation(data):
    for start in (b"", b"II*\0", b"MM\0*", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        assert orientation_of(start + data) in range(1, 9)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_orientation_is_read_as_it_was_written(orientation):
    assert orientation_of(only_orientation(orientation)) == orientation
    big_endian = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    assert orientation_of(big_endian) == orientation
