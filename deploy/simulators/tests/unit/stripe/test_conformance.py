import json
from pathlib import Path

import pytest

PUBLISHED = json.loads((Path(__file__).parent / "published_fields.json").read_text())


@pytest.fixture
async def objects(client, session, card):
    """One object of each kind, by the name Stripe gives the kind."""
    await client.post(f"/c/pay/{session['id']}", data=card)
    address = f"/v1/checkout/sessions/{session['id']}"
    paid = (await client.get(address, params={"expand[]": "payment_intent.latest_charge"})).json()
    event = (await client.get("/v1/events")).json()["data"][0]
    intent = paid["payment_intent"]
    return {each["object"]: each for each in (paid, intent, intent["latest_charge"], event)}


@pytest.mark.parametrize("kind", PUBLISHED)
async def test_an_object_has_exactly_the_published_fields(objects, kind):
    assert sorted(objects[kind]) == PUBLISHED[kind]
