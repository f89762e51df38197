import json
import math

import pytest

from modelpick_simulators.openrouter.faults import ANSWERS, BODIES, REPLIES


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 413, 422, 429, 500, 502, 503, 524, 529])
async def test_any_documented_status_can_be_prescribed(simulator, status):
    await simulator.script(f"status:{status}", count=1)
    answer = await simulator.chat()
    assert answer.status_code == answer.json()["error"]["code"] == status
    assert (await simulator.chat()).status_code == 200


@pytest.mark.parametrize("value", ["3", "0", "-5", "99999999", "Wed, 21 Oct 2026 07:28:00 GMT", "soon"])
async def test_every_kind_of_retry_after_can_be_prescribed(simulator, value):
    await simulator.script("status:429", retry_after=value)
    assert (await simulator.chat()).headers["Retry-After"] == value


@pytest.mark.parametrize(
    ("mode", "check"),
    [
        ("nan_cost", lambda body: math.isnan(body["usage"]["cost"])),
        ("infinite_cost", lambda body: math.isinf(body["usage"]["cost"])),
        ("negative_cost", lambda body: body["usage"]["cost"] < 0),
        ("null_cost", lambda body: body["usage"]["cost"] is None),
        ("no_cost", lambda body: "cost" not in body["usage"]),
        ("no_usage", lambda body: "usage" not in body),
        ("no_choices", lambda body: body["choices"] == []),
        ("no_id", lambda body: "id" not in body),
        ("content_parts", lambda body: body["choices"][0]["message"]["content"][0]["type"] == "text"),
        ("error_in_200", lambda body: body["choices"][0]["error"]["code"] == 502),
        ("error_top_level", lambda body: body["error"]["code"] == 502 and "choices" not in body),
        ("billed_error_in_200", lambda body: body["choices"][0]["finish_reason"] == "error"),
        ("rate_limited_in_200", lambda body: body["choices"][0]["error"]["code"] == 429),
        ("rejected_in_200", lambda body: body["choices"][0]["error"]["code"] == 400),
        ("array", lambda body: body["choices"][0]["message"]["content"].startswith("[{")),
        ("deep", lambda body: body["choices"][0]["message"]["content"].startswith("[" * 100_000)),
        ("hostile", lambda body: "<script>" in body["choices"][0]["message"]["content"]),
        ("control_characters", lambda body: "\x00\ud800" in body["choices"][0]["message"]["content"]),
    ],
)
async def test_a_fault_in_the_body_leaves_a_200_with_that_fault(simulator, mode, check):
    await simulator.script(mode)
    answer = await simulator.chat()
    assert answer.status_code == 200
    assert check(json.loads(answer.content))


async def test_an_overcharge_is_what_the_journal_bills(simulator):
    usual = (await simulator.chat()).json()["usage"]["cost"]
    await simulator.script("cost_x100", count=1)
    cost = (await simulator.chat()).json()["usage"]["cost"]
    assert cost > 50 * usual
    assert (await simulator.journal())["calls"][-1]["cost_usd"] == pytest.approx(cost)


async def test_an_error_during_generation_can_be_billed(simulator):
    await simulator.script("billed_error_in_200")
    cost = (await simulator.chat()).json()["usage"]["cost"]
    assert (await simulator.journal())["calls"][0]["cost_usd"] == pytest.approx(cost) != 0


async def test_a_404_can_say_what_left_no_endpoint(simulator):
    await simulator.script(
        "status:404", unavailable="constraint_filtered", constraint="provider.data_collection"
    )
    reason = (await simulator.chat()).json()["error"]["availability"]
    assert reason["code"] == "constraint_filtered"
    assert reason["constraint"]["field"] == "provider.data_collection"


async def test_a_fault_in_the_bytes_leaves_no_readable_json(simulator):
    for mode, head in (
        ("html", b"<!doctype"),
        ("empty_body", b""),
        ("truncated_json", b"{"),
        ("not_utf8", b"\xff"),
    ):
        await simulator.script(mode, count=1)
        answer = await simulator.chat()
        assert answer.status_code == 200
        assert answer.content.startswith(head)
        with pytest.raises(ValueError):  # noqa: PT011 - JSONDecodeError or UnicodeDecodeError
            json.loads(answer.content)


async def test_a_huge_answer_has_ten_megabytes(simulator):
    await simulator.script("huge")
    assert len((await simulator.chat()).content) > 10 * 1024 * 1024


async def test_prescribed_content_is_written_word_for_word(simulator):
    await simulator.script("normal", content='{"a": 1}')
    assert await simulator.text() == '{"a": 1}'


async def test_a_models_own_script_comes_before_the_one_for_all(simulator):
    await simulator.script("status:503")
    await simulator.script("perfect", model="acme/mid")
    assert (await simulator.chat(model="acme/mid")).status_code == 200
    assert (await simulator.chat(model="acme/free")).status_code == 503


async def test_counted_scripts_are_used_up_in_order_and_then_the_lasting_one_is_back(simulator):
    await simulator.script("perfect")
    await simulator.script("status:429", count=2)
    await simulator.script("status:502", count=1)
    assert [(await simulator.chat()).status_code for _ in range(4)] == [429, 429, 502, 200]


async def test_a_lasting_script_forgets_those_before_it(simulator):
    await simulator.script("status:429", count=5)
    await simulator.script("normal")
    assert (await simulator.chat()).status_code == 200
    listed = (await simulator.http.get("/_control/script")).json()["items"]
    assert [each["mode"] for each in listed] == ["normal"]


async def test_an_unknown_mode_is_refused_and_the_known_ones_are_listed(simulator):
    answer = await simulator.http.post("/_control/script", json={"mode": "explode"})
    assert answer.status_code == 422
    listed = (await simulator.http.get("/_control/modes")).json()["items"]
    assert {*ANSWERS, *BODIES, *REPLIES, "hang", "reset", "trickle"} <= set(listed)
