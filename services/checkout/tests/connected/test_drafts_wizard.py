"""A draft on its way through the wizard: saved half-done at every step, ready by itself, never a 500."""

import json

import pytest
from sqlalchemy import text

from modelpick_shared.catalog import load_catalog

pytestmark = pytest.mark.connected

CATALOG = list(load_catalog())
PAID = [model.id for model in CATALOG if model.tier != "free"]
FREE = [model.id for model in CATALOG if model.tier == "free"]
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}


async def patch(client, draft, **changes):
    answer = await client.patch(f"/api/drafts/{draft['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    assert (await client.get(f"/api/drafts/{draft['id']}")).json() == answer.json()
    return answer.json()


async def expect(client, draft, expected):
    image = draft["images"][0]["id"]
    address = f"/api/drafts/{draft['id']}"
    answer = await client.patch(f"{address}/images/{image}", json={"expected_json": expected})
    assert answer.status_code == 200, answer.text
    return (await client.get(address)).json()


def pointers(draft):
    return [problem["pointer"] for problem in draft["problems"]]


async def test_every_step_can_be_saved_half_done(customer, png):
    draft = (await customer.post("/api/drafts")).json()
    assert pointers(draft) == ["/images", "/selected_models"]
    draft = await patch(customer, draft, extraction_prompt="", name="", json_schema=None)
    assert pointers(draft) == ["/images", "/selected_models", "/extraction_prompt"]
    draft = await patch(customer, draft, selected_models=PAID[:2])
    assert pointers(draft) == ["/images", "/extraction_prompt"]
    await customer.post(f"/api/drafts/{draft['id']}/images", files={"file": png()})
    draft = await patch(customer, draft, json_schema={"type": "strnig"})
    assert pointers(draft) == ["/images/0/expected_json", "/extraction_prompt", "/json_schema/type"]
    assert draft["json_schema"] == {"type": "strnig"}
    draft = await patch(customer, draft, json_schema=SCHEMA)
    draft = await patch(customer, draft, extraction_prompt="Read it.")
    assert (draft["status"], pointers(draft)) == ("draft", ["/images/0/expected_json"])
    draft = await expect(customer, draft, {"total": "12"})
    assert (draft["status"], pointers(draft)) == ("draft", ["/images/0/expected_json/total"])
    draft = await expect(customer, draft, {"total": 12})
    assert (draft["status"], draft["problems"]) == ("ready", [])


@pytest.mark.parametrize("schema", [[], "x", 5, True])
async def test_a_schema_that_is_no_object_is_refused(customer, ready_draft, schema):
    draft = await ready_draft(customer)
    answer = await customer.patch(f"/api/drafts/{draft['id']}", json={"json_schema": schema})
    assert answer.status_code == 422
    assert (await customer.get(f"/api/drafts/{draft['id']}")).json() == draft


async def test_a_schema_that_the_expected_json_does_not_fit_takes_the_draft_back(customer, ready_draft):
    draft = await ready_draft(customer)
    draft = await patch(customer, draft, json_schema={"type": "array"})
    assert (draft["status"], pointers(draft)) == ("draft", ["/images/0/expected_json"])
    refused = await customer.post("/api/checkout", json={"draft_id": draft["id"]})
    assert refused.status_code in {409, 503}
    assert (await patch(customer, draft, json_schema=SCHEMA))["status"] == "ready"
    assert (await patch(customer, draft, json_schema=None))["status"] == "ready"


async def test_the_inferred_schema_fits_at_once(customer, ready_draft):
    draft = await ready_draft(customer)
    draft = await expect(customer, draft, {"day": "2026-03-31", "lines": [], "tip": None})
    inferred = (await customer.post(f"/api/drafts/{draft['id']}/infer-schema")).json()["json_schema"]
    assert inferred["properties"]["day"] == {"type": "string", "format": "date"}
    assert (await patch(customer, draft, json_schema=inferred))["status"] == "ready"


async def test_expected_json_too_varied_for_a_schema_is_a_422(customer, ready_draft):
    draft = await ready_draft(customer)
    draft = await expect(customer, draft, {f"key {number}": number for number in range(3500)})
    inferred = await customer.post(f"/api/drafts/{draft['id']}/infer-schema")
    assert inferred.status_code == 422


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"total": {"$ref": "#"}}, "$ref": "#"},
        {"$ref": "http://127.0.0.1:1/schema"},
        {"$ref": "#/x", "x": 5},
        {"$id": "http://[", "$ref": "x"},
        {"pattern": "(" * 2000},
        {"properties": {"total": {"multipleOf": 1e-320}}},
        {"$defs": {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)} | {"d40": {}}}
        | {"$ref": "#/$defs/d0"},
    ],
    ids=lambda schema: json.dumps(schema)[:40],
)
async def test_a_hostile_schema_is_a_problem_and_no_fault(customer, ready_draft, schema):
    draft = await ready_draft(customer)
    changed = await patch(customer, draft, json_schema=schema)
    assert changed["status"] == ("draft" if changed["problems"] else "ready")
    assert all(pointer.startswith(("/json_schema", "/images/0/")) for pointer in pointers(changed))
    for method, path in [("GET", "estimate"), ("POST", "infer-schema")]:
        answer = await customer.request(method, f"/api/drafts/{draft['id']}/{path}")
        assert answer.status_code == 200
    assert (await customer.get("/api/drafts")).json()["items"] == [changed]


async def test_the_data_policy_takes_free_models_out(customer, ready_draft):
    draft = await ready_draft(customer)
    draft = await patch(customer, draft, selected_models=[PAID[0], FREE[0]], data_policy="no_training")
    assert draft["status"] == "ready"
    estimate = (await customer.get(f"/api/drafts/{draft['id']}/estimate")).json()
    assert estimate["calls"] == 3
    assert [(model["id"], model["calls"]) for model in estimate["models"]] == [(PAID[0], 3), (FREE[0], 0)]
    assert "data policy" in estimate["models"][1]["warning"]
    draft = await patch(customer, draft, selected_models=FREE)
    assert (draft["status"], pointers(draft)) == ("draft", ["/data_policy"])
    assert (await patch(customer, draft, data_policy="any"))["status"] == "ready"


async def test_a_draft_whose_models_are_withdrawn_is_not_ready_any_more(customer, ready_draft, database):
    draft = await ready_draft(customer)
    async with database.transaction() as session:
        await session.execute(text("UPDATE drafts SET selected_models = '{gone/model}'"))
    shown = (await customer.get(f"/api/drafts/{draft['id']}")).json()
    assert (shown["status"], pointers(shown)) == ("draft", ["/selected_models/0"])
    assert (await customer.get("/api/drafts")).json()["items"] == [shown]


async def test_an_estimate_of_a_half_done_draft_is_one_of_what_is_there(customer):
    draft = (await customer.post("/api/drafts")).json()
    estimate = (await customer.get(f"/api/drafts/{draft['id']}/estimate")).json()
    assert (estimate["calls"], estimate["models"], estimate["will_be_cut"]) == (0, [], [])
    assert estimate["expected_cost_usd"] == "0.0000"


async def test_a_copy_takes_everything_over_and_tells_of_models_that_are_gone(customer, ready_draft, png):
    draft = await ready_draft(customer)
    draft = await patch(
        customer,
        draft,
        selected_models=[PAID[0], "gone/model"],
        data_policy="no_training",
        json_schema=SCHEMA,
        extraction_prompt="Read it.",
    )
    copy = (await customer.post(f"/api/drafts/{draft['id']}/copy")).json()
    for name in ("selected_models", "data_policy", "json_schema", "extraction_prompt", "problems"):
        assert copy[name] == draft[name]
    assert pointers(copy) == ["/selected_models/1"]
    assert copy["id"] != draft["id"]
    first, second = copy["images"][0], draft["images"][0]
    assert (first["sha256"], first["expected_json"]) == (second["sha256"], second["expected_json"])
    deleted = await customer.delete(f"/api/drafts/{copy['id']}/images/{first['id']}")
    assert deleted.status_code == 204
    assert (await customer.get(second["url"])).status_code == 200
