"""The same with images in S3: moto's server on loopback."""

import hashlib

import httpx
import pytest
from moto.server import ThreadedMotoServer

pytestmark = pytest.mark.connected


@pytest.fixture(scope="module")
def s3_address():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    # All of moto's servers in a process share what they store.
    httpx.post(f"{address}/moto-api/reset", trust_env=False).raise_for_status()
    httpx.put(f"{address}/pictures", trust_env=False).raise_for_status()
    yield address
    server.stop()


@pytest.fixture
def settings(settings, s3_address, monkeypatch):
    """Return the settings of a service whose images lie in S3."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_address)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return settings.model_copy(update={"image_store_url": "s3://pictures/images"})


@pytest.fixture
async def keys(s3_address):
    """Give what lists the keys in the bucket, as its owner."""
    boto3 = pytest.importorskip("boto3")
    client = boto3.client("s3", endpoint_url=s3_address, region_name="us-east-1")

    def read():
        return {item["Key"] for item in client.list_objects_v2(Bucket="pictures").get("Contents", [])}

    yield read
    client.close()


async def test_images_are_kept_in_s3_served_to_their_owner_and_go_with_their_draft(
    customer, ready_draft, keys, s3_address
):
    draft = await ready_draft(customer)
    (image,) = draft["images"]
    served = await customer.get(image["url"])
    assert served.headers["content-type"] == "image/png"
    assert hashlib.sha256(served.content).hexdigest() == image["sha256"]
    (key,) = keys()
    assert key.startswith("images/")
    assert image["id"] not in key
    # Nobody reads the bucket without a signature, and no address of it is ever given to a browser.
    async with httpx.AsyncClient(trust_env=False) as anybody:
        assert (await anybody.get(f"{s3_address}/pictures/{key}")).status_code == 403
    assert s3_address not in str(draft)
    copied = (await customer.post(f"/api/drafts/{draft['id']}/copy")).json()
    assert len(keys()) == 2
    assert (await customer.delete(f"/api/drafts/{draft['id']}")).status_code == 204
    assert len(keys()) == 1
    assert (await customer.get(copied["images"][0]["url"])).content == served.content
    assert (await customer.delete(f"/api/drafts/{copied['id']}")).status_code == 204
    assert keys() == set()


async def test_while_s3_is_away_nothing_is_half_stored(
    customer, ready_draft, served_at, settings, monkeypatch, png
):
    draft = await ready_draft(customer)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    async with served_at(settings) as without_store:
        without_store.cookies = customer.cookies
        images = f"/api/drafts/{draft['id']}/images"
        refused = await without_store.post(images, files={"file": ("photo.png", png(7))})
        assert refused.status_code == 503
        assert (await without_store.get(draft["images"][0]["url"])).status_code == 503
        assert (await without_store.delete(f"{images}/{draft['images'][0]['id']}")).status_code == 204
    assert (await customer.get(f"/api/drafts/{draft['id']}")).json()["images"] == []
