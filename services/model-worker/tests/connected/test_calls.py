"""Single jobs against the simulator: what comes of an answer."""

import json
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from modelpick_shared.contracts import AttemptOutcome, UnmeasuredReason

from .conftest import Working, a_run

ANSWERED, UNMEASURED, LATER = AttemptOutcome.ANSWERED, AttemptOutcome.UNMEASURED, AttemptOutcome.RETRY_LATER


async def test_an_answer_comes_with_its_cost_tokens_and_provider(runner, simulator):
    result = await runner.run(a_run())
    assert result.outcome is ANSWERED
    assert json.loads(result.output) == {"total": 9.5}
    assert result.prompt_tokens > 0
    assert result.generation_id.startswith("gen-")
    assert result.may_be_billed
    (call,) = await simulator.calls()
    assert float(result.cost_usd) == pytest.approx(call["cost_usd"])


async def test_the_latency_is_that_of_the_answered_call_alone(runner, simulator):
    await simulator.script("status:503", count=1, latency_ms=150)
    await simulator.script("no_usage", latency_ms=250)
    apart = []
    for _ in range(3):
        result = await runner.run(a_run())
        call = (await simulator.calls())[-1]
        apart.append(result.latency_ms - 1000 * (call["finished_at"] - call["received_at"]))
    assert -1 <= min(apart, key=abs) < 25


@pytest.mark.parametrize(
    ("mode", "outcome", "error"),
    [
        ("refused", AttemptOutcome.REFUSED, "content filter"),
        ("truncated", AttemptOutcome.TRUNCATED, None),
        ("empty", AttemptOutcome.EMPTY, None),
        ("null_content", AttemptOutcome.EMPTY, "reasoning without an answer"),
        ("prose", ANSWERED, None),
        ("fenced", ANSWERED, None),
        ("deep", ANSWERED, "cut"),
        ("content_parts", ANSWERED, None),
        ("no_id", ANSWERED, None),
    ],
)
async def test_odd_answers_are_told_apart_and_kept(runner, simulator, mode, outcome, error):
    await simulator.script(mode)
    result = await runner.run(a_run())
    assert (result.outcome, result.attempts) == (outcome, 1)
    assert error in result.error if error else not result.error


@pytest.mark.parametrize("mode", ["nan_cost", "infinite_cost", "negative_cost", "null_cost", "no_cost"])
async def test_a_cost_that_cannot_be_believed_leaves_the_tokens(runner, simulator, mode):
    await simulator.script(mode)
    result = await runner.run(a_run())
    assert (result.outcome, result.cost_usd) == (ANSWERED, None)
    assert result.prompt_tokens > 0
    assert result.completion_tokens > 0


async def test_an_overcharge_is_reported_as_it_is(runner, simulator):
    await simulator.script("cost_x100")
    result = await runner.run(a_run())
    (call,) = await simulator.calls()
    assert float(result.cost_usd) == pytest.approx(call["cost_usd"])


async def test_an_answer_without_a_bill_is_looked_up(runner, simulator):
    await simulator.script("no_usage")
    started = time.monotonic()
    result = await runner.run(a_run())
    (call,) = await simulator.calls()
    assert float(result.cost_usd) == pytest.approx(call["cost_usd"])
    assert 1000 * (time.monotonic() - started) > 300 > result.latency_ms


async def test_an_answer_of_ten_megabytes_is_cut_at_64_kib_and_says_so(runner, simulator):
    await simulator.script("huge")
    result = await runner.run(a_run())
    assert (result.outcome, len(result.output.encode())) == (ANSWERED, 64 * 1024)
    assert "was cut" in result.error
    assert result.cost_usd > 0


async def test_control_characters_and_lone_surrogates_survive_the_way_to_a_message(runner, simulator):
    await simulator.script("control_characters")
    result = await runner.run(a_run())
    assert result.output == "\x00\ufffd{}"
    assert type(result).model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize("mode", ["hang", "trickle"])
async def test_a_call_takes_no_longer_than_it_may(client, images, simulator, mode):
    await simulator.script(mode)
    result = await Working(client, images, call_s=0.3).runner.run(a_run())
    assert (result.outcome, result.unmeasured_reason) == (UNMEASURED, UnmeasuredReason.TIMEOUT)
    assert (result.attempts, result.may_be_billed) == (1, True)


async def test_a_call_ends_30_s_after_the_deadline_at_the_latest(runner, simulator):
    await simulator.script("hang")
    soon = datetime.now(UTC) - timedelta(seconds=29.5)
    result = await runner.run(a_run(deadline_at=soon))
    assert (result.unmeasured_reason, result.may_be_billed) == (UnmeasuredReason.TIMEOUT, True)
    past = datetime.now(UTC) - timedelta(seconds=31)
    result = await runner.run(a_run(deadline_at=past))
    assert (result.unmeasured_reason, result.attempts) == (UnmeasuredReason.DEADLINE, 0)
    assert not result.may_be_billed


async def test_the_deadline_is_read_by_the_corrected_clock(working, simulator):
    now = datetime.now(UTC)
    working.clock.learn(now - timedelta(minutes=10), now, now)
    past = now - timedelta(seconds=31)
    result = await working.runner.run(a_run(deadline_at=past, lease_ends_at=past))
    assert result.outcome is ANSWERED


async def test_a_job_whose_lease_has_ended_is_not_started(runner, simulator):
    result = await runner.run(a_run(lease_ends_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert (result.outcome, result.may_be_billed) == (AttemptOutcome.NOT_STARTED, False)
    assert not await simulator.calls()


async def test_a_missing_image_is_our_fault_and_not_the_models(runner):
    run = a_run()
    result = await runner.run(run.model_copy(update={"image": run.image.model_copy(update={"key": "gone"})}))
    assert (result.unmeasured_reason, result.attempts, result.may_be_billed) == (
        UnmeasuredReason.PLATFORM,
        0,
        False,
    )


async def test_an_image_of_several_megabytes_arrives_whole_also_when_the_call_is_repeated(
    runner, simulator, tmp_path
):
    large = bytes(range(256)) * 4 * 1024 * 5
    (tmp_path / "image").write_bytes(large)
    await simulator.script("normal", content="{}")
    await simulator.script("reset", count=1)
    await simulator.script("status:503", count=1)
    run = a_run()
    assert (await runner.run(run)).outcome is LATER
    assert (await runner.run(run)).outcome is ANSWERED
    digest = sha256(large).hexdigest()
    assert {call["image_sha256"] for call in await simulator.calls()} == {digest, ""}
