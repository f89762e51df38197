import json

import pytest


async def test_every_call_is_in_the_journal_with_what_it_was_and_cost(simulator):
    await simulator.script("perfect")
    body = (await simulator.chat(user="report-7", provider={"max_price": {"prompt": 5}})).json()
    [call] = (await simulator.journal())["calls"]
    assert (call["n"], call["model"], call["user"]) == (1, "acme/premium", "report-7")
    assert (call["status"], call["outcome"], call["cancelled"]) == (200, "fault:perfect", False)
    assert call["cost_usd"] == pytest.approx(body["usage"]["cost"])
    assert call["max_price"] == {"prompt": 5}
    assert call["generation_id"] == body["id"]
    assert call["received_at"] <= call["finished_at"]
    assert len(call["image_sha256"]) == 64


async def test_refused_calls_are_in_the_journal_too(simulator):
    await simulator.chat(model="acme/unknown")
    [call] = (await simulator.journal())["calls"]
    assert (call["status"], call["outcome"], call["cost_usd"]) == (400, "invalid_request", 0)


async def test_the_journal_is_filtered_and_sums_costs_by_user(simulator):
    await simulator.chat(user="one")
    await simulator.chat(user="two")
    await simulator.chat(user="two", model="acme/mid")
    journal = await simulator.journal(user="two")
    assert len(journal["calls"]) == 2
    assert set(journal["cost_usd_by_user"]) == {"two"}
    assert journal["cost_usd"] == pytest.approx(journal["cost_usd_by_user"]["two"])
    assert len((await simulator.journal(model="acme/mid"))["calls"]) == 1


async def test_the_file_holds_the_same_calls_one_a_line(simulator, settings):
    await simulator.chat()
    await simulator.chat()
    lines = settings.simulator_journal.read_text().splitlines()
    assert [json.loads(line) for line in lines] == (await simulator.journal())["calls"]


async def test_a_reset_empties_the_journal(simulator):
    await simulator.chat()
    await simulator.http.post("/_control/reset")
    assert (await simulator.journal())["calls"] == []
