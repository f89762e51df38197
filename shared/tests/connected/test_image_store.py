"""What every image store does, shown on a local folder and on S3 (moto's server)."""

import re
from datetime import timedelta

import httpx
import pytest
from moto.server import ThreadedMotoServer

from modelpick_shared.images import ImageKeyError, ImageStoreError, MissingImageError, open_image_store

pytestmark = pytest.mark.connected

ESCAPES = [
    *("../outside", "a/../../outside", "/etc/passwd", "..", ".", ".hidden", "a//b", "a/", ""),
    *("a\\..\\b", "a\0b", "%2e%2e/outside", "a b", "ümlaut", "a?versionId=1", "a#b", "a\n", "x" * 201),
]
TEN_MINUTES = timedelta(minutes=10)


@pytest.fixture(scope="module")
def s3_address():
    """Serve S3 with one bucket, on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    httpx.put(f"{address}/pictures", trust_env=False).raise_for_status()
    yield address
    server.stop()


@pytest.fixture
def use_s3(monkeypatch):
    """Give what points the usual variables at an address."""

    def point(address):
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-store")
        monkeypatch.setenv("AWS_REGION", "us-east-1")

    return point


@pytest.fixture
def s3_store(s3_address, use_s3):
    use_s3(s3_address)
    return open_image_store("s3://pictures/images")


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "s3":
        return request.getfixturevalue("s3_store")
    return open_image_store(f"file://{tmp_path}/images")


async def test_what_is_put_is_there_until_it_is_deleted(store):
    await store.put("one", b"\0picture\xff", media_type="image/png")
    await store.put("deeper/two.png", b"")
    assert await store.get("one") == b"\0picture\xff"
    assert await store.get("deeper/two.png") == b""
    await store.delete(["one"])
    with pytest.raises(MissingImageError):
        await store.get("one")
    assert await store.get("deeper/two.png") == b""


async def test_putting_again_replaces(store):
    await store.put("again", b"a longer first")
    await store.put("again", b"second")
    assert await store.get("again") == b"second"


async def test_a_large_image_comes_back_whole(store):
    content = bytes(range(256)) * 40_960
    await store.put("large", content, media_type="image/png")
    assert await store.get("large") == content


async def test_what_was_never_there_is_missing(store):
    with pytest.raises(MissingImageError):
        await store.get("never")
    with pytest.raises(MissingImageError):
        await store.get("never/deeper")


async def test_many_are_deleted_at_once_and_twice_does_no_harm(store):
    keys = [f"many-{number}" for number in range(25)]
    for key in keys:
        await store.put(key, b"x")
    await store.put("many-more", b"stays")
    for _ in range(2):
        await store.delete(["never", *keys, "never/deeper"])
    for key in keys:
        with pytest.raises(MissingImageError):
            await store.get(key)
    assert await store.get("many-more") == b"stays"
    await store.delete([])


@pytest.mark.parametrize("key", ESCAPES, ids=ascii)
async def test_no_key_leads_out_of_the_store(store, key, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"not an image")
    with pytest.raises(ImageKeyError):
        await store.put(key, b"x")
    with pytest.raises(MissingImageError):
        await store.get(key)
    with pytest.raises(ImageKeyError):
        await store.link(key, expires_in=TEN_MINUTES)
    await store.delete([key])
    assert outside.read_bytes() == b"not an image"
    assert {path.name for path in tmp_path.iterdir()} <= {"outside", "images"}


async def test_a_folder_has_no_public_address(tmp_path):
    store = open_image_store(f"file://{tmp_path}/images")
    await store.put("one", b"x")
    assert await store.link("one", expires_in=TEN_MINUTES) is None


async def test_a_link_is_signed_for_one_image_and_a_short_time(s3_store):
    await s3_store.put("mine", b"picture", media_type="image/webp")
    await s3_store.put("other", b"another's")
    link = await s3_store.link("mine", expires_in=TEN_MINUTES)
    async with httpx.AsyncClient(trust_env=False) as browser:
        answer = await browser.get(link)
        unsigned = await browser.get(link.split("?")[0])
        of_another = await browser.get(link.replace("/mine?", "/other?"))
        longer = await browser.get(link.replace("X-Amz-Expires=600", "X-Amz-Expires=60000"))
    assert (answer.status_code, answer.content) == (200, b"picture")
    assert answer.headers["content-type"] == "image/webp"
    assert unsigned.status_code == 403
    assert re.search(r"X-Amz-Expires=600(&|$)", link)
    assert "secret-of-the-store" not in link
    # moto serves any signature; that a link is for one image shows in what is signed.
    signatures = [re.search(r"X-Amz-Signature=(\w+)", address)[1] for address in (
        link,
        await s3_store.link("other", expires_in=TEN_MINUTES),
        await s3_store.link("mine", expires_in=timedelta(minutes=1)),
    )]  # fmt: skip
    assert len(set(signatures)) == 3
    assert {of_another.status_code, longer.status_code} <= {200, 403}


async def test_a_store_that_does_not_answer_is_a_transient_error(use_s3):
    use_s3("http://127.0.0.1:1")
    store = open_image_store("s3://pictures")
    for attempt in (store.put("a", b""), store.get("a"), store.delete(["a"])):
        with pytest.raises(ImageStoreError):
            await attempt


async def test_a_bucket_that_is_not_there_is_a_transient_error(s3_address, use_s3):
    use_s3(s3_address)
    store = open_image_store("s3://no-such-bucket")
    with pytest.raises(ImageStoreError):
        await store.put("a", b"x")
