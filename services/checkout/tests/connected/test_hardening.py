"""Protections nothing else would miss: tokens nobody can guess, and no request at a customer's bidding."""

import asyncio
import base64

import pytest

from modelpick_shared.http.sessions import SESSION_COOKIE

pytestmark = pytest.mark.connected

METADATA = "http://169.254.169.254/latest/meta-data/"


@pytest.fixture
async def canary():
    """Serve an address and count who connects; nobody should."""

    class Canary:
        connections = 0

    async def note(_, writer):
        Canary.connections += 1
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    Canary.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/image.png"
    yield Canary
    server.close()
    await server.wait_closed()


def entropy_bytes(token):
    return len(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


async def test_tokens_that_sign_in_are_32_random_bytes_and_never_the_same(client, sign_in):
    links, sessions = set(), set()
    for _ in range(5):
        links.add(await sign_in(client))
        sessions.add(client.cookies[SESSION_COOKIE])
    assert len(links) == len(sessions) == 5
    assert {entropy_bytes(token) for token in links | sessions} == {32}


def svg(url):
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink"'
    return f'<svg {names} width="9" height="9"><image x:href="{url}" width="9" height="9"/></svg>'.encode()


async def test_no_image_is_fetched_from_an_address(customer, ready_draft, canary):
    draft = await ready_draft(customer)
    images = f"/api/drafts/{draft['id']}/images"
    attempts = [
        {"json": {"url": canary.url}},
        {"json": {"image_url": {"url": canary.url}}},
        {"data": {"url": canary.url}},
        {"data": {"file": canary.url}},
        {"files": {"file": (None, canary.url)}},
        {"files": {"url": (None, canary.url), "image_url": (None, canary.url)}},
        {"files": {"file": (canary.url, canary.url.encode(), "text/uri-list")}},
        {"files": {"file": ("a.svg", svg(canary.url), "image/svg+xml")}},
        {"files": {"url": ("a.png", canary.url.encode(), "image/png")}},
    ]
    statuses = [(await customer.post(images, **attempt)).status_code for attempt in attempts]
    assert set(statuses) <= {415, 422}
    assert canary.connections == 0


async def test_no_schema_or_expected_json_is_followed_to_an_address(customer, ready_draft, canary):
    draft = await ready_draft(customer)
    address = f"/api/drafts/{draft['id']}"
    image = f"{address}/images/{draft['images'][0]['id']}"
    for word in ("$ref", "$schema", "$dynamicRef", "$id"):
        await customer.patch(address, json={"json_schema": {"type": "object", word: canary.url}})
        await customer.get(address)
        await customer.get(f"{address}/estimate")
    await customer.patch(image, json={"expected_json": {"$ref": canary.url, "url": METADATA}})
    await customer.post(f"{address}/infer-schema")
    await customer.get(address)
    assert canary.connections == 0
