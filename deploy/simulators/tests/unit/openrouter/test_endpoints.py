import httpx
import pytest

API = "/api/v1"


async def test_models_have_prices_a_token_as_strings(simulator):
    listed = (await simulator.http.get(f"{API}/models")).json()
    prices = {each["id"]: each["pricing"] for each in listed["data"]}
    assert prices["acme/premium"] == {
        "prompt": "0.000005",
        "completion": "0.000025",
        "request": "0",
        "image": "0",
    }
    assert prices["acme/free"]["prompt"] == "0"
    assert listed["total_count"] == len(listed["data"]) == 5


async def test_models_are_filtered_by_modality_and_parameters(simulator):
    params = {"input_modalities": "image", "supported_parameters": "structured_outputs,temperature"}
    listed = (await simulator.http.get(f"{API}/models", params=params)).json()["data"]
    assert [each["id"] for each in listed] == ["acme/premium"]
    assert (await simulator.http.get(f"{API}/models?input_modalities=smell")).json()["data"] == []


async def test_the_key_shows_what_was_used(simulator):
    cost = (await simulator.chat()).json()["usage"]["cost"]
    key = (await simulator.http.get(f"{API}/key")).json()["data"]
    assert key["usage"] == pytest.approx(cost)
    credit = (await simulator.http.get(f"{API}/credits")).json()["data"]
    assert credit["total_usage"] == pytest.approx(cost)


async def test_the_key_needs_the_key(simulator):
    answer = await simulator.http.get(f"{API}/key", headers={"Authorization": "Bearer other"})
    assert answer.status_code == 401


async def test_a_prescribed_401_for_all_models_shows_at_the_key_until_it_is_over(simulator):
    await simulator.script("status:401")
    assert (await simulator.http.get(f"{API}/key")).status_code == 401
    await simulator.script("normal")
    assert (await simulator.http.get(f"{API}/key")).status_code == 200


async def test_a_prescribed_402_leaves_the_key_without_credit(simulator):
    await simulator.script("status:402")
    assert (await simulator.http.get(f"{API}/key")).json()["data"]["limit_remaining"] == 0
    assert (await simulator.chat()).status_code == 402


async def test_a_generation_is_found_a_moment_after_its_answer(simulator, eventually):
    body = (await simulator.chat()).json()
    address = f"{API}/generation?id={body['id']}"
    assert (await simulator.http.get(address)).status_code == 404
    for _ in range(1000):
        answer = await simulator.http.get(address)
        if answer.status_code == 200:
            break
    found = answer.json()["data"]
    assert found["total_cost"] == pytest.approx(body["usage"]["cost"])
    assert (found["external_user"], found["tokens_prompt"]) == ("report-1", body["usage"]["prompt_tokens"])


async def test_the_health_page_answers(make_app, in_process):
    async with in_process(make_app()) as client:
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (httpx.codes.OK, {"status": "ok"})
