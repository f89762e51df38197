import asyncio
import base64
import gc
import os

import pytest

from modelpick_model_worker import images
from modelpick_model_worker.images import ENCODE_BYTES, EncodedImage, ImageAddresses
from modelpick_shared.contracts import ImageRef
from modelpick_shared.images import MissingImageError


class Store:
    """An image store in memory that counts how often it is asked."""

    def __init__(self, link=None, **contents) -> None:
        self.contents = contents
        self.asked = 0
        self._link = link

    async def get(self, key):
        self.asked += 1
        if key not in self.contents:
            raise MissingImageError("the image is not in the store")
        return self.contents[key]

    async def link(self, key, *, expires_in):
        return self._link and f"{self._link}/{key}"


def a_ref(key="a"):
    return ImageRef(key=key, sha256="0" * 64, media_type="image/png")


def whole(image):
    return b"".join(image.pieces())


@pytest.mark.parametrize("size", [0, 1, ENCODE_BYTES - 1, ENCODE_BYTES, ENCODE_BYTES + 1, 700_001])
async def test_an_image_is_encoded_whatever_its_size(size):
    content = os.urandom(size)
    image = await EncodedImage.of("image/png", content)
    expected = b"data:image/png;base64," + base64.b64encode(content)
    assert whole(image) == whole(image) == expected
    assert image.length == len(expected)


async def test_its_file_goes_with_its_last_reader():
    image = await EncodedImage.of("image/png", b"x" * 300_000)
    pieces = image.pieces()
    file = image._file
    next(pieces)
    del image
    os.fstat(file)
    assert list(pieces)
    del pieces
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)


async def test_an_image_is_read_and_encoded_once_however_many_calls_ask_for_it():
    store = Store(a=b"content")
    addresses = ImageAddresses(store, "auto")
    found = await asyncio.gather(*(addresses.address_of(a_ref()) for _ in range(5)))
    assert all(image is found[0] for image in found)
    assert store.asked == 1


async def test_an_image_that_was_missing_is_asked_for_again():
    store = Store()
    addresses = ImageAddresses(store, "inline")
    with pytest.raises(MissingImageError):
        await addresses.address_of(a_ref())
    store.contents["a"] = b"content"
    assert whole(await addresses.address_of(a_ref())).startswith(b"data:")


@pytest.mark.parametrize(("delivery", "is_link"), [("auto", True), ("url", True), ("inline", False)])
async def test_a_store_with_public_addresses_is_linked_to_unless_forbidden(delivery, is_link):
    addresses = ImageAddresses(Store("https://images", a=b"content"), delivery)
    address = await addresses.address_of(a_ref())
    assert (address == b"https://images/a") is is_link


async def test_the_oldest_images_go_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(images, "CACHE_BYTES", 2500)
    store = Store(a=b"x" * 700, b=b"x" * 700, c=b"x" * 700)
    addresses = ImageAddresses(store, "inline")
    for key in "abca":
        await addresses.address_of(a_ref(key))
    assert store.asked == 4
    await addresses.address_of(a_ref("c"))
    assert store.asked == 4
