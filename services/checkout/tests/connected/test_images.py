import hashlib

import pytest

pytestmark = pytest.mark.connected


@pytest.fixture
async def images(customer):
    """Return the address of the images of a new draft."""
    draft_id = (await customer.post("/api/drafts")).json()["id"]
    return f"/api/drafts/{draft_id}/images"


async def order_of(customer, images):
    draft = (await customer.get(images.removesuffix("/images"))).json()
    assert [image["position"] for image in draft["images"]] == list(range(len(draft["images"])))
    return [image["id"] for image in draft["images"]]


async def upload(customer, images, content, **form):
    return await customer.post(images, files={"file": ("photo.png", content)}, data=form)


async def test_an_uploaded_image_is_described_and_served_to_its_owner(customer, images, png):
    content = png()
    uploaded = await upload(customer, images, content, expected_json='{"z": 1, "a": [null]}')
    assert uploaded.status_code == 201
    image = uploaded.json()
    assert image | {"id": "", "url": ""} == {
        "id": "",
        "position": 0,
        "width": 60,
        "height": 40,
        "media_type": "image/png",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "expected_json": {"z": 1, "a": [None]},
        "url": "",
    }
    assert list(image["expected_json"]) == ["z", "a"]
    served = await customer.get(image["url"])
    assert served.content == content
    assert served.headers["content-type"] == "image/png"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["cache-control"].startswith("private")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_every_kind_keeps_its_media_type_whatever_its_name(customer, images, png, kind):
    image = (await upload(customer, images, png(kind=kind))).json()
    assert image["media_type"] == f"image/{kind.lower()}"
    assert image["expected_json"] is None


async def test_what_is_no_usable_image_is_refused(customer, images, png):
    assert (await upload(customer, images, b"%PDF-1.7 ...")).status_code == 415
    assert (await upload(customer, images, png()[:60])).status_code == 422
    assert (await customer.post(images, json={"file": "x"})).status_code == 415
    assert (await customer.post(images, data={"other": "x"}, files={"f": b"x"})).status_code == 422
    assert (await customer.post(images, files={"file": (None, "text")})).status_code == 422
    boundless = {"Content-Type": "multipart/form-data"}
    assert (await customer.post(images, content=b"x", headers=boundless)).status_code == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await customer.post(images, content=b"--x\r\nnonsense", headers=broken)).status_code == 422
    assert await order_of(customer, images) == []


async def test_more_than_10_mib_are_a_413_however_they_are_announced(customer, images, png):
    large = png() + b"\0" * (10 * 1024 * 1024)
    assert (await upload(customer, images, large)).status_code == 413
    assert (await upload(customer, images, large + b"\0" * (1024 * 1024))).status_code == 413

    async def endless():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while True:
            yield b"\0" * 65_536

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await customer.post(images, content=endless(), headers=headers)).status_code == 413


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("{", "/expected_json"),
        ('{"a": NaN}', "/expected_json/a"),
        ('{"a": 1, "a": 2}', "/expected_json"),
        ("[" * 100_000, "/expected_json"),
        ("[" * 33 + "]" * 33, "/expected_json"),
        ('"' + "x" * 70_000 + '"', "/expected_json"),
        ('["\\ud800"]', "/expected_json/0"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_bad_expected_json_is_a_422_that_says_where(customer, images, png, text, pointer):
    refused = await upload(customer, images, png(), expected_json=text)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer
    image = (await upload(customer, images, png())).json()
    patched = await customer.patch(f"{images}/{image['id']}", content=f'{{"expected_json": {text}}}')
    assert patched.status_code == 422
    assert (await customer.get(images.removesuffix("/images"))).json()["images"][0]["expected_json"] is None


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=latin-1", "; charset=utf-16"])
async def test_expected_json_is_utf_8_whatever_the_form_says(customer, images, png, charset):
    def form(expected, seed):
        parts = [b'name="file"; filename="a"\r\n\r\n' + png(seed), b'name="expected_json"\r\n\r\n' + expected]
        lines = b"".join(b"--B\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
        headers = {"Content-Type": f"multipart/form-data; boundary=B{charset}"}
        return {"content": lines + b"--B--\r\n", "headers": headers}

    taken = await customer.post(images, **form('{"shop": "Café"}'.encode(), 1))
    assert taken.json()["expected_json"] == {"shop": "Café"}
    refused = await customer.post(images, **form('{"shop": "Café", "town": "'.encode() + b'M\xfcnster"}', 2))
    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"pointer": "/expected_json", "detail": "The text is not UTF-8."}]


async def test_expected_json_is_changed_and_taken_away(customer, images, png):
    image = (await upload(customer, images, png())).json()
    address = f"{images}/{image['id']}"
    changed = await customer.patch(address, json={"expected_json": {"b": 1, "a": [False, 0.1]}})
    assert changed.json()["expected_json"] == {"b": 1, "a": [False, 0.1]}
    assert (await customer.patch(address, json={"position": 0})).json()["expected_json"] is not None
    assert (await customer.patch(address, json={"expected_json": None})).json()["expected_json"] is None


async def test_the_same_image_twice_is_refused_in_one_draft_only(customer, images, png):
    assert (await upload(customer, images, png())).status_code == 201
    again = await upload(customer, images, png())
    assert again.status_code == 422
    assert "already" in again.json()["errors"][0]["detail"]
    other = (await customer.post("/api/drafts")).json()["id"]
    assert (await upload(customer, f"/api/drafts/{other}/images", png())).status_code == 201


async def test_an_eleventh_image_is_refused(customer, images, png):
    for seed in range(10):
        assert (await upload(customer, images, png(seed))).status_code == 201
    assert (await upload(customer, images, png(10))).status_code == 422
    assert len(await order_of(customer, images)) == 10


async def test_images_are_moved_and_removed_without_gaps(customer, images, png):
    first, second, third = [(await upload(customer, images, png(seed))).json()["id"] for seed in range(3)]
    moved = await customer.patch(f"{images}/{third}", json={"position": 0})
    assert moved.json()["position"] == 0
    assert await order_of(customer, images) == [third, first, second]
    assert (await customer.patch(f"{images}/{first}", json={"position": 3})).status_code == 422
    assert (await customer.delete(f"{images}/{first}")).status_code == 204
    assert await order_of(customer, images) == [third, second]
    assert (await customer.get(f"{images}/{first}/content")).status_code == 404
    assert (await customer.delete(f"{images}/{first}")).status_code == 404


@pytest.mark.parametrize("position", [True, "0", 0.0, 0.5, None, -1, 1, 10**30])
async def test_a_position_is_the_index_of_an_image(customer, images, png, position):
    image = (await upload(customer, images, png())).json()
    refused = await customer.patch(f"{images}/{image['id']}", json={"position": position})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/position"


async def test_a_refused_upload_leaves_no_file_behind(customer, images, png, settings, tmp_path):
    assert (await upload(customer, images, png())).status_code == 201
    assert (await upload(customer, images, png())).status_code == 422
    assert len([path for path in (tmp_path / "images").iterdir() if path.is_file()]) == 1
