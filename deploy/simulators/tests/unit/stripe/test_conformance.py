import json
from pathlib import Path

import pytest

PUBLISHED = json.loads((Path(__file__).parent / "published_fields.json").read_text())
REPOSITORY = Path(__file__).resolve().parents[5]
FIXTURES = REPOSITORY.parent / "shared" / "reference" / "stripe-fixtures.json"
# Named by what a thing is about, so their keys differ from object to object.
FREE = {"metadata", "card", "payment_method_options", "data"}


@pytest.fixture
async def objects(client, session, card):
    """One object of each kind, by the name Stripe gives the kind."""
    await client.post(f"/c/pay/{session['id']}", data=card)
    address = f"/v1/checkout/sessions/{session['id']}"
    paid = (await client.get(address, params={"expand[]": "payment_intent.latest_charge"})).json()
    intent = paid["payment_intent"]
    refund = (await client.post("/v1/refunds", data={"payment_intent": intent["id"]})).json()
    dispute = (await client.post("/_control/disputes", json={"payment_intent": intent["id"]})).json()
    event = (await client.get("/v1/events")).json()["data"][0]
    return {each["object"]: each for each in (paid, intent, intent["latest_charge"], event, refund, dispute)}


@pytest.mark.parametrize("kind", PUBLISHED)
async def test_an_object_has_exactly_the_published_fields(objects, kind):
    assert sorted(objects[kind]) == PUBLISHED[kind]


@pytest.mark.skipif(not FIXTURES.exists(), reason="the official fixtures are not at hand")
@pytest.mark.parametrize("kind", PUBLISHED)
async def test_an_object_is_built_like_the_official_fixture(objects, kind):
    official = json.loads(FIXTURES.read_text())[kind]
    assert sorted(official) == PUBLISHED[kind]
    assert list(differences(objects[kind], official, kind)) == []


def differences(ours, official, place):
    """Name the places where both have a value and the two are of different kinds."""
    if isinstance(ours, dict) and isinstance(official, dict):
        if place.rpartition(".")[2] in FREE:
            return
        for name in ours.keys() & official.keys():
            yield from differences(ours[name], official[name], f"{place}.{name}")
    elif not (ours is None or official is None or _expanded(ours, official) or type(ours) is type(official)):
        yield f"{place}: {type(ours).__name__} instead of {type(official).__name__}"


def _expanded(ours, official):
    return isinstance(ours, dict) and ours.get("object") and isinstance(official, str)
