import json

import pytest
from pydantic import SecretStr


async def test_a_prescribed_perfect_answer_is_the_expected_json(simulator, answer):
    await simulator.script("perfect")
    assert json.loads(await simulator.text()) == answer


async def test_an_unknown_image_is_answered_with_an_empty_object(simulator):
    assert await simulator.text(image=b"never seen") == "{}"


async def test_a_linked_image_is_fetched(simulator, answer):
    await simulator.script("perfect")
    assert json.loads(await simulator.text("http://images.test/image.png")) == answer


async def test_usage_counts_tokens_and_costs_the_models_price(simulator):
    await simulator.script("perfect")
    body = (await simulator.chat(reasoning={"effort": "none"})).json()
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    expected = usage["prompt_tokens"] * 5e-6 + usage["completion_tokens"] * 25e-6
    assert usage["cost"] == pytest.approx(expected)
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0


async def test_reasoning_costs_tokens_within_the_limit(simulator):
    await simulator.script("perfect")
    usage = (await simulator.chat()).json()["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] >= 60
    limited = (await simulator.chat(max_tokens=70)).json()["usage"]
    assert limited["completion_tokens"] <= 70


async def test_a_token_limit_cuts_the_answer_off(simulator, pictures):
    for image in pictures[:20]:
        choice = (await simulator.chat(image, max_tokens=16)).json()["choices"][0]
        assert choice["finish_reason"] == "length"
        assert len(choice["message"]["content"]) <= 64


async def test_the_generation_id_is_repeated_in_a_header(simulator):
    first, second = await simulator.chat(), await simulator.chat()
    assert first.headers["X-Generation-Id"] == first.json()["id"] != second.json()["id"]
    assert first.json()["id"].startswith("gen-")


async def test_the_routing_metadata_comes_only_when_asked_for(simulator):
    assert "openrouter_metadata" not in (await simulator.chat()).json()
    body = (await simulator.chat(headers={"X-OpenRouter-Metadata": "enabled"})).json()
    selected = [each for each in body["openrouter_metadata"]["endpoints"]["available"] if each["selected"]]
    assert len(selected) == 1


async def test_a_pinned_provider_is_used_and_an_unknown_one_is_404(simulator):
    pinned = {"order": ["acme"], "allow_fallbacks": False}
    headers = {"X-OpenRouter-Metadata": "enabled"}
    body = (await simulator.chat(headers=headers, provider=pinned)).json()
    assert "selected=Acme" in body["openrouter_metadata"]["summary"]
    refused = await simulator.chat(provider={"only": ["nobody"]})
    assert refused.status_code == 404
    assert refused.json()["error"]["availability"]["code"] == "no_endpoints"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"model": "acme/unknown"}, 400, "model_not_found"),
        ({"provider": {"max_price": {"prompt": 4.99}}}, 404, "constraint_filtered"),
        ({"provider": {"max_price": {"completion": "24"}}}, 404, "constraint_filtered"),
    ],
)
async def test_what_no_endpoint_can_serve_is_refused_with_its_availability(simulator, change, status, code):
    answer = await simulator.chat(**change)
    assert answer.status_code == answer.json()["error"]["code"] == status
    assert answer.json()["error"]["availability"]["code"] == code
    assert answer.json()["error"]["availability"]["retryable"] is False


async def test_the_models_own_price_is_an_acceptable_maximum(simulator):
    price = {"prompt": 5, "completion": "25"}
    assert (await simulator.chat(provider={"max_price": price})).status_code == 200


async def test_required_parameters_filter_models_that_lack_them(simulator):
    schema = {"type": "json_schema", "json_schema": {"name": "receipt", "schema": {}}}
    wanted = {"response_format": schema, "provider": {"require_parameters": True}}
    assert (await simulator.chat(model="acme/premium", **wanted)).status_code == 200
    assert (await simulator.chat(model="acme/mid", **wanted)).status_code == 404
    assert (await simulator.chat(model="acme/mid", response_format=schema)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"messages": []},
        {"messages": [{"content": "no role"}]},
        {"model": None},
        {"provider": {"colour": "red"}},
        {"provider": {"max_price": {"prompt": "cheap"}}},
        {"max_tokens": 0},
        {"temperature": 3},
        {"stream": True},
    ],
)
async def test_an_invalid_request_is_400(simulator, change):
    answer = await simulator.chat(**change)
    assert answer.status_code == answer.json()["error"]["code"] == 400


@pytest.mark.parametrize(
    ("url", "error_type"),
    [
        ("data:image/png;base64,###", "invalid_image"),
        ("data:image/tiff;base64,aaaa", "unsupported_image_format"),
        ("http://images.test/gone.png", "image_download_failed"),
        ("ftp://images.test/image.png", "invalid_image"),
    ],
)
async def test_a_bad_image_is_400_with_its_error_type(simulator, url, error_type):
    answer = await simulator.chat(url)
    assert answer.status_code == 400
    assert answer.json()["error"]["metadata"]["error_type"] == error_type


async def test_a_body_that_is_no_json_is_400(simulator):
    answer = await simulator.http.post("/api/v1/chat/completions", content=b"{")
    assert answer.status_code == 400


async def test_without_the_key_the_answer_is_401(simulator):
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer other"}):
        assert (await simulator.chat(headers=headers)).status_code == 401


async def test_any_key_will_do_when_none_is_set(make_app, in_process, simulator_for):
    async with in_process(make_app(openrouter_api_key=SecretStr(""))) as client:
        answer = await simulator_for(client).chat(headers={"Authorization": "Bearer whatever"})
        assert answer.status_code == 200
