import io

import pytest
from PIL import Image

from modelpick_checkout.errors import UnsupportedImageError, UnusableImageError
from modelpick_checkout.images.facts import ImageFacts
from modelpick_checkout.images.inspection import inspect_image


def drawn(kind, size=(40, 30), **options):
    file = io.BytesIO()
    Image.effect_noise(size, 50).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_four_kinds_are_known(kind):
    assert inspect_image(drawn(kind)).facts == ImageFacts(f"image/{kind.lower()}", 40, 30)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO"])
def test_other_kinds_are_unsupported(kind):
    with pytest.raises(UnsupportedImageError):
        inspect_image(drawn(kind))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"<svg xmlns='x'/>", b"RIFF\0\0\0\0AVI ", b"\0" * 100])
def test_what_is_no_image_is_unsupported(content):
    with pytest.raises(UnsupportedImageError):
        inspect_image(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_cut_off_image_is_damaged(kind):
    content = drawn(kind, (200, 200))
    for share in (0.01, 0.3, 0.9):
        with pytest.raises((UnusableImageError, UnsupportedImageError)):
            inspect_image(content[: max(8, int(len(content) * share))])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_an_animation_is_refused(kind):
    frames = [Image.effect_noise((20, 20), 10 * step + 10) for step in range(3)]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:])
    with pytest.raises(UnusableImageError, match="animated"):
        inspect_image(file.getvalue())


@pytest.mark.parametrize("size", [(8_000, 5_001), (30_000, 30_000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(size):
    file = io.BytesIO()
    Image.new("1", size).save(file, "PNG")
    with pytest.raises(UnusableImageError, match="40 megapixels"):
        inspect_image(file.getvalue())


def test_pixels_are_counted_before_the_first_is_decoded():
    file = io.BytesIO()
    Image.new("1", (8_000, 5_001)).save(file, "PNG")
    content = bytearray(file.getvalue())
    # Whoever decodes first finds the pixels damaged before it finds them too many.
    start = content.index(b"IDAT") + len(b"IDAT")
    content[start : start + 20] = bytes(20)
    with pytest.raises(UnusableImageError, match="40 megapixels"):
        inspect_image(bytes(content))


def test_a_second_picture_behind_a_photograph_does_no_harm():
    file = io.BytesIO()
    photo = Image.effect_noise((64, 64), 30)
    photo.save(file, "MPO", save_all=True, append_images=[photo.resize((16, 16))])
    assert inspect_image(file.getvalue()).facts == ImageFacts("image/jpeg", 64, 64)
