import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import text

from modelpick_shared.catalog import load_catalog
from modelpick_shared.ids import new_id

pytestmark = pytest.mark.connected

MODELS = [model.id for model in load_catalog()]


async def made(client, **changes):
    draft = (await client.post("/api/drafts", json={"name": "Receipts"})).json()
    if changes:
        changed = await client.patch(f"/api/drafts/{draft['id']}", json=changes)
        assert changed.status_code == 200, changed.text
    return draft["id"]


async def open_order(database, draft_id, status="open"):
    statement = text(
        "INSERT INTO orders (id, user_id, draft_id, status, amount_cents, currency, snapshot, expires_at)"
        " SELECT :id, user_id, id, :status, 1499, 'usd', '{}', now() + interval '31 min' FROM drafts"
        " WHERE id = :draft_id"
    )
    async with database.transaction() as session:
        await session.execute(statement, {"id": new_id(), "draft_id": draft_id, "status": status})


async def test_the_catalogue_is_public(client):
    items = (await client.get("/api/models")).json()["items"]
    assert [item["id"] for item in items] == MODELS
    assert set(items[0]) == {
        *("id", "name", "provider", "tier", "context_length", "supports"),
        *("input_usd_per_1m", "output_usd_per_1m"),
    }
    assert isinstance(items[0]["input_usd_per_1m"], str)


async def test_a_new_draft_has_a_prompt_and_says_what_is_missing(customer):
    created = await customer.post("/api/drafts", json={"name": "Receipts"})
    assert created.status_code == 201
    draft = created.json()
    assert draft["status"] == "draft"
    assert draft["extraction_prompt"]
    assert draft["data_policy"] == "any"
    assert [problem["pointer"] for problem in draft["problems"]] == ["/images", "/selected_models"]
    assert draft["created_at"].endswith("Z")
    assert (await customer.get(f"/api/drafts/{draft['id']}")).json() == draft
    assert (await customer.get("/api/drafts")).json() == {"items": [draft]}


async def test_a_draft_needs_no_body(customer):
    assert (await customer.post("/api/drafts")).status_code == 201


async def test_a_patch_changes_what_it_names_and_keeps_the_rest(customer):
    draft_id = await made(customer, selected_models=MODELS[:3], json_schema={"type": "object"})
    changed = (await customer.patch(f"/api/drafts/{draft_id}", json={"data_policy": "no_training"})).json()
    assert changed["selected_models"] == MODELS[:3]
    assert changed["json_schema"] == {"type": "object"}
    assert changed["data_policy"] == "no_training"
    assert changed["updated_at"] > changed["created_at"]


async def test_unknown_models_and_an_empty_prompt_are_problems(customer):
    draft_id = await made(customer, selected_models=[MODELS[0], "no/such"], extraction_prompt="  ")
    problems = (await customer.get(f"/api/drafts/{draft_id}")).json()["problems"]
    assert [problem["pointer"] for problem in problems] == [
        *("/images", "/selected_models/1", "/extraction_prompt"),
    ]


async def test_a_complete_draft_is_ready_and_no_more_when_a_part_goes(customer, ready_draft):
    draft = await ready_draft(customer)
    assert (draft["status"], draft["problems"]) == ("ready", [])
    changed = await customer.patch(f"/api/drafts/{draft['id']}", json={"selected_models": []})
    assert changed.json()["status"] == "draft"


@pytest.mark.parametrize(
    "body",
    [
        b"[",
        b"[]",
        b'{"name": 5}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"json_schema": {"a": NaN}}',
        b'{"json_schema": ' + b'{"a":' * 100000,
        b'{"name": "a", "name": "b"}',
        b'{"data_policy": "x"}',
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_bad_patch_is_a_422(customer, body):
    draft_id = await made(customer)
    answer = await customer.patch(f"/api/drafts/{draft_id}", content=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


async def test_a_body_without_end_is_a_413(customer):
    async def endless():
        while True:
            yield b" " * 65_536

    draft_id = await made(customer)
    assert (await customer.patch(f"/api/drafts/{draft_id}", content=endless())).status_code == 413


async def test_a_deleted_draft_is_gone_with_its_files(customer, ready_draft, settings):
    draft = await ready_draft(customer)
    folder = settings.image_store_url.removeprefix("file://")
    assert (await customer.delete(f"/api/drafts/{draft['id']}")).status_code == 204
    assert (await customer.get(f"/api/drafts/{draft['id']}")).status_code == 404
    assert await asyncio.to_thread(files_in, folder) == []


def files_in(folder):
    return sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())


class WatchedStore:
    """Passes everything on to a store, and keeps what was asked of it, in order."""

    def __init__(self, store):
        self.store = store
        self.asked = []

    async def get(self, key):
        self.asked.append("get")
        return await self.store.get(key)

    async def put(self, key, content, *, media_type=None):
        self.asked.append("put")
        await self.store.put(key, content, media_type=media_type)


async def test_a_copy_holds_one_image_at_a_time(client, customer, ready_draft, png):
    """Ten images at their limit are 100 MiB, and anybody may copy as often as they like."""
    draft = await ready_draft(customer)
    for seed in (1, 2):
        await customer.post(f"/api/drafts/{draft['id']}/images", files={"file": ("a", png(seed))})
    images = client._transport.app.state.parts.images
    images._store = store = WatchedStore(images._store)
    assert (await customer.post(f"/api/drafts/{draft['id']}/copy")).status_code == 201
    assert store.asked == ["get", "put"] * 3


async def test_a_copy_lives_without_its_original(customer, ready_draft):
    draft = await ready_draft(customer)
    copied = await customer.post(f"/api/drafts/{draft['id']}/copy")
    assert copied.status_code == 201
    copy = copied.json()
    assert copy["name"] == "Receipts (copy)"
    assert copy["status"] == "ready"
    assert copy["images"][0]["expected_json"] == {"total": 12.5}
    original = (await customer.get(draft["images"][0]["url"])).content
    assert (await customer.delete(f"/api/drafts/{draft['id']}")).status_code == 204
    assert (await customer.get(copy["images"][0]["url"])).content == original


@pytest.mark.parametrize("status", ["open", "paid"])
async def test_a_draft_that_is_being_paid_for_or_paid_does_not_change(
    customer, ready_draft, database, png, status
):
    draft = await ready_draft(customer)
    if status == "open":
        await open_order(database, draft["id"])
    else:
        async with database.transaction() as session:
            await session.execute(text("UPDATE drafts SET status = 'paid'"))
    address = f"/api/drafts/{draft['id']}"
    image = f"{address}/images/{draft['images'][0]['id']}"
    attempts = [
        await customer.patch(address, json={"name": "New"}),
        await customer.delete(address),
        await customer.post(f"{address}/images", files={"file": png(1)}),
        await customer.patch(image, json={"expected_json": {}}),
        await customer.delete(image),
    ]
    assert [attempt.status_code for attempt in attempts] == [409] * 5
    shown = (await customer.get(address)).json()
    assert shown["name"] == "Receipts"
    assert (await customer.post(f"{address}/copy")).json()["status"] == "ready"


async def test_what_belongs_to_somebody_else_looks_like_what_does_not_exist(
    customer, *, ready_draft, settings, served_at, sign_in, png
):
    draft = await ready_draft(customer)
    image_id = draft["images"][0]["id"]
    async with served_at(settings) as stranger:
        await sign_in(stranger, "eve@example.com")
        own = await ready_draft(stranger)
        for method, path, options in [
            ("GET", "/api/drafts/{d}", {}),
            ("PATCH", "/api/drafts/{d}", {"json": {"name": "mine"}}),
            ("DELETE", "/api/drafts/{d}", {}),
            ("POST", "/api/drafts/{d}/copy", {}),
            ("POST", "/api/drafts/{d}/infer-schema", {}),
            ("GET", "/api/drafts/{d}/estimate", {}),
            ("POST", "/api/drafts/{d}/images", {"files": {"file": png(1)}}),
            ("PATCH", "/api/drafts/{d}/images/{i}", {"json": {"position": 0}}),
            ("DELETE", "/api/drafts/{d}/images/{i}", {}),
            ("GET", "/api/drafts/{d}/images/{i}/content", {}),
        ]:
            bodies = []
            for draft_id in (draft["id"], str(new_id()), "no-id"):
                answer = await stranger.request(method, path.format(d=draft_id, i=image_id), **options)
                assert answer.status_code == 404, (method, path, answer.text)
                bodies.append({**answer.json(), "instance": None})
            assert bodies[0] == bodies[1] == bodies[2]
        mixed = await stranger.get(f"/api/drafts/{own['id']}/images/{image_id}/content")
        assert mixed.status_code == 404
        assert len((await stranger.get("/api/drafts")).json()["items"]) == 1
    assert (await customer.get(f"/api/drafts/{draft['id']}")).json() == draft


async def test_without_a_session_everything_private_is_a_401(client):
    for method, path in [
        ("GET", "/api/drafts"),
        ("POST", "/api/drafts"),
        ("GET", f"/api/drafts/{new_id()}"),
        ("POST", f"/api/drafts/{new_id()}/images"),
        ("GET", "/api/me"),
    ]:
        assert (await client.request(method, path)).status_code == 401, path


async def test_a_schema_is_inferred_from_the_expected_json(customer, ready_draft):
    draft = await ready_draft(customer)
    inferred = await customer.post(f"/api/drafts/{draft['id']}/infer-schema")
    assert inferred.json()["json_schema"]["properties"] == {"total": {"type": "number"}}
    empty = await made(customer)
    assert (await customer.post(f"/api/drafts/{empty}/infer-schema")).status_code == 422


async def test_the_estimate_tells_money_as_strings(customer, ready_draft):
    draft = await ready_draft(customer)
    found = (await customer.get(f"/api/drafts/{draft['id']}/estimate")).json()
    assert found["calls"] == 6
    assert found["ceiling_usd"] == "7.00"
    assert found["will_be_cut"] == []
    assert set(found["models"][0]) == {"id", "calls", "expected_cost_usd"}
    assert isinstance(found["worst_case_cost_usd"], str)


async def test_a_request_of_another_site_is_refused(customer):
    answer = await customer.post("/api/drafts", headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403


async def test_the_service_is_ready_without_a_broker(client):
    answer = await client.get("/readyz")
    assert (answer.status_code, json.loads(answer.content)) == (
        200,
        {"reasons": [], "broker": "not connected"},
    )
