"""Single jobs against the simulator that get no answer: what is reported, and what is called again."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from modelpick_shared.contracts import AttemptOutcome, UnmeasuredReason
from modelpick_shared.testing import eventually

from .conftest import FREE_MODEL, a_run

ANSWERED, UNMEASURED, LATER = AttemptOutcome.ANSWERED, AttemptOutcome.UNMEASURED, AttemptOutcome.RETRY_LATER
PROVIDER, LIMITED = UnmeasuredReason.PROVIDER_ERROR, UnmeasuredReason.RATE_LIMITED
PRICE, PLATFORM = UnmeasuredReason.PRICE, UnmeasuredReason.PLATFORM


@pytest.mark.parametrize("status", [408, 500, 502, 503, 524, 529])
async def test_a_failure_before_generation_is_repeated_in_place(runner, simulator, status):
    await simulator.script(f"status:{status}", count=1)
    result = await runner.run(a_run())
    assert (result.outcome, result.attempts) == (ANSWERED, 2)
    await simulator.script(f"status:{status}")
    result = await runner.run(a_run())
    assert (result.outcome, result.unmeasured_reason) == (UNMEASURED, PROVIDER)
    assert (result.attempts, result.may_be_billed) == (3, False)
    assert str(status) in result.error


def in_two_seconds():
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize(
    ("retry_after", "least_s", "most_s"),
    [
        (None, 0.02, 1),
        ("1", 1, 2),
        ("0.5", 0.5, 1.5),
        (in_two_seconds, 0.9, 3),
        ("0", 0.02, 1),
        ("-5", 0.02, 1),
        ("soon", 0.02, 1),
        ("nan", 0.02, 1),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.02, 1),
    ],
)
async def test_a_rate_limit_is_waited_out_and_not_counted_as_latency(
    runner, simulator, retry_after, least_s, most_s
):
    value = retry_after() if callable(retry_after) else retry_after
    await simulator.script("status:429", count=1, retry_after=value)
    started = time.monotonic()
    result = await runner.run(a_run())
    assert (result.outcome, result.attempts) == (ANSWERED, 2)
    assert least_s <= time.monotonic() - started < most_s
    assert result.latency_ms < 500


@pytest.mark.parametrize("retry_after", ["99999999", "inf", "Wed, 21 Oct 2099 07:28:00 GMT"])
async def test_a_rate_limit_for_ages_is_bounded_or_ignored_and_left_to_later(working, simulator, retry_after):
    await simulator.script("status:429", retry_after=retry_after)
    result = await working.runner.run(a_run())
    assert (result.unmeasured_reason, result.may_be_billed) == (LIMITED, False)
    if retry_after == "inf":
        assert (result.outcome, result.attempts) == (UNMEASURED, 3)
    else:
        assert (result.outcome, result.attempts) == (LATER, 1)
        assert 595 < (result.retry_at - datetime.now(UTC)).total_seconds() <= 600


async def test_the_gate_holds_back_the_other_jobs_of_a_limited_model(working, simulator):
    await simulator.script("status:429", count=1, retry_after="0.5")
    first = asyncio.create_task(working.runner.run(a_run()))
    await eventually(lambda: working.gate().closed_for_s > 0)
    others = [working.runner.run(a_run(run_index=number)) for number in (1, 2)]
    results = await asyncio.gather(first, *others)
    assert {result.outcome for result in results} == {ANSWERED}
    assert [call["status"] for call in await simulator.calls()].count(429) == 1


@pytest.mark.parametrize(
    "mode",
    [
        "html",
        "empty_body",
        "truncated_json",
        "not_utf8",
        "reset",
        "no_choices",
        "error_in_200",
        "error_top_level",
        "billed_error_in_200",
    ],
)
async def test_a_failure_that_may_have_been_billed_ends_the_attempt_and_is_tried_later(
    runner, simulator, mode
):
    await simulator.script(mode)
    result = await runner.run(a_run(calls_made=1))
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (LATER, PROVIDER, 1)
    assert result.may_be_billed
    assert result.retry_at > datetime.now(UTC)
    assert result.error
    assert len(await simulator.calls()) == 1
    result = await runner.run(a_run(calls_made=2))
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (UNMEASURED, PROVIDER, 1)
    assert result.may_be_billed


async def test_an_error_that_was_billed_brings_its_bill(runner, simulator):
    await simulator.script("billed_error_in_200")
    result = await runner.run(a_run())
    (call,) = await simulator.calls()
    assert float(result.cost_usd) == pytest.approx(call["cost_usd"])
    assert result.prompt_tokens > 0


async def test_an_answer_cut_off_is_billed_as_its_generation_was(runner, simulator):
    await simulator.script("truncated_json")
    result = await runner.run(a_run())
    (call,) = await simulator.calls()
    assert result.generation_id == call["generation_id"]
    assert float(result.cost_usd) == pytest.approx(call["cost_usd"])


async def test_a_rate_limit_inside_a_200_closes_the_gate_but_is_not_repeated_in_place(working, simulator):
    await simulator.script("rate_limited_in_200")
    result = await working.runner.run(a_run())
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (LATER, LIMITED, 1)
    assert result.may_be_billed
    assert working.gate().limit == 1


async def test_an_error_inside_a_200_that_cannot_be_retried_is_unmeasured_at_once(runner, simulator):
    await simulator.script("rejected_in_200")
    result = await runner.run(a_run())
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (UNMEASURED, PROVIDER, 1)
    assert result.may_be_billed


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
async def test_a_refused_request_is_not_repeated(runner, simulator, status):
    await simulator.script(f"status:{status}")
    result = await runner.run(a_run())
    assert (result.outcome, result.unmeasured_reason) == (UNMEASURED, PROVIDER)
    assert (result.attempts, result.may_be_billed) == (1, False)
    assert len(await simulator.calls()) == 1


@pytest.mark.parametrize(
    ("unavailable", "constraint", "reason"),
    [
        ("constraint_filtered", "provider.max_price.completion", PRICE),
        ("constraint_filtered", "provider.data_collection", PRICE),
        ("privacy_restricted", None, PRICE),
        ("constraint_filtered", "provider.require_parameters", PROVIDER),
        ("no_endpoints", None, PROVIDER),
        ("model_deprecated", None, PROVIDER),
        ("model_unavailable_upstream", None, PROVIDER),
    ],
)
async def test_a_model_without_an_endpoint_is_unmeasured_for_its_reason(
    runner, simulator, unavailable, constraint, reason
):
    await simulator.script("status:404", unavailable=unavailable, constraint=constraint)
    result = await runner.run(a_run())
    assert (result.outcome, result.unmeasured_reason) == (UNMEASURED, reason)
    assert (result.attempts, result.may_be_billed) == (1, False)


async def test_no_endpoint_under_the_price_cap_is_unmeasured_because_of_the_price(runner, simulator):
    run = a_run()
    cap = run.price_cap.model_copy(update={"completion_usd_per_1m": Decimal("0.0001")})
    result = await runner.run(run.model_copy(update={"price_cap": cap}))
    assert (result.unmeasured_reason, result.may_be_billed) == (PRICE, False)


@pytest.mark.parametrize("status", [401, 402])
async def test_a_key_that_is_refused_gives_the_job_back_and_stops_paid_ones(working, simulator, status):
    await simulator.script(f"status:{status}")
    for calls in (1, 0):
        result = await working.runner.run(a_run())
        assert (result.outcome, result.unmeasured_reason) == (LATER, PLATFORM)
        assert (result.attempts, result.may_be_billed) == (calls, False)
        assert timedelta(seconds=25) < result.retry_at - datetime.now(UTC) < timedelta(seconds=35)
    assert not working.guard.works
    free = await working.runner.run(a_run(model_id=FREE_MODEL))
    assert free.attempts == (0 if status == 401 else 1)


async def test_calls_of_earlier_attempts_count(runner, simulator):
    await simulator.script("status:503")
    result = await runner.run(a_run(calls_made=2))
    assert (result.outcome, result.attempts) == (UNMEASURED, 1)
    result = await runner.run(a_run(calls_made=3))
    assert (result.outcome, result.attempts, result.may_be_billed) == (UNMEASURED, 0, False)
