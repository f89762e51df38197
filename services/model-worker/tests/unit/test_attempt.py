import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from modelpick_model_worker.attempt import Limits, Means
from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.bill import Bill
from modelpick_model_worker.clock import Clock
from modelpick_model_worker.errors import (
    CallRejectedError,
    CallTimedOutError,
    OperatorError,
    ProviderFailedError,
    RateLimitedError,
)
from modelpick_model_worker.key import KeyGuard
from modelpick_model_worker.service import ModelRunner
from modelpick_shared.contracts import AttemptOutcome, UnmeasuredReason
from modelpick_shared.images import ImageStoreError
from modelpick_shared.testing import eventually

from .conftest import ANSWER, MODEL, ScriptedApi, a_free_run, a_run

ANSWERED, UNMEASURED = AttemptOutcome.ANSWERED, AttemptOutcome.UNMEASURED
LATER, NOT_STARTED = AttemptOutcome.RETRY_LATER, AttemptOutcome.NOT_STARTED
LIMITED, PROVIDER = UnmeasuredReason.RATE_LIMITED, UnmeasuredReason.PROVIDER_ERROR
QUICK = Backoff(0.02, 0.05)


async def a_link(_image):
    return b"https://images/k"


class Worker:
    """A runner on a scripted model API."""

    def __init__(self, *script, prefetch=3, image=a_link, held=False, bills=(), **limits) -> None:
        self.api = ScriptedApi(*script, held=held, bills=bills)
        self.guard = KeyGuard(self.api)
        means = Means(self.api, self.guard, Clock(), Limits(**({"max_retries": 5} | limits)), QUICK)
        self.runner = ModelRunner(means, image, prefetches={MODEL: prefetch})

    async def run(self, run=None):
        return await self.runner.run(run or a_run())

    def start(self, number):
        return [asyncio.create_task(self.run()) for _ in range(number)]

    @property
    def gate(self):
        return self.runner._gates[MODEL]


def limited(retry_after_s=None):
    return RateLimitedError("429", retry_after_s=retry_after_s)


def overloaded(retry_after_s=None):
    return ProviderFailedError("503", retry_after_s=retry_after_s)


def in_s(result):
    return (result.retry_at - datetime.now(UTC)).total_seconds()


async def test_a_job_makes_at_most_its_retries_over_all_its_attempts():
    worker = Worker(*[overloaded()] * 9, max_retries=2)
    result = await worker.run(a_run(calls_made=1))
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (UNMEASURED, PROVIDER, 2)
    assert not result.may_be_billed
    result = await worker.run(a_run(calls_made=3))
    assert (result.outcome, result.attempts, worker.api.calls) == (UNMEASURED, 0, 2)


async def test_a_long_storm_is_shared_by_all_jobs_of_the_model():
    worker = Worker(*[limited()] * 7)
    results = await asyncio.gather(*worker.start(3))
    assert {result.outcome for result in results} == {ANSWERED}
    assert sorted(result.attempts for result in results) == [3, 3, 4]


async def test_a_storm_without_end_is_unmeasured_when_the_retries_are_used_up():
    worker = Worker(*[limited()] * 20, max_retries=2)
    results = await asyncio.gather(*worker.start(2))
    for result in results:
        assert (result.outcome, result.unmeasured_reason, result.attempts) == (UNMEASURED, LIMITED, 3)
        assert not result.may_be_billed


async def test_a_wait_longer_than_a_message_may_be_held_comes_back_with_the_gates_time():
    worker = Worker(limited(300))
    first, second = await worker.run(), await worker.run()
    assert (first.outcome, first.unmeasured_reason, first.attempts) == (LATER, LIMITED, 1)
    assert (second.outcome, second.unmeasured_reason, second.attempts) == (LATER, LIMITED, 0)
    for result in (first, second):
        assert 295 < in_s(result) <= 300
        assert not result.may_be_billed


async def test_a_message_is_not_held_longer_than_allowed_by_many_short_waits():
    worker = Worker(*[limited(0.1)] * 9, max_retries=8, hold_s=0.25)
    result = await worker.run()
    assert (result.outcome, result.unmeasured_reason) == (LATER, LIMITED)
    assert 2 <= result.attempts <= 4


async def test_a_retry_that_cannot_begin_in_time_is_left_to_later():
    worker = Worker(overloaded(300))
    result = await worker.run()
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (LATER, PROVIDER, 1)
    assert 295 < in_s(result) <= 300
    assert not result.may_be_billed


async def test_what_may_have_been_billed_is_never_repeated_in_place():
    bill = Bill(Decimal("0.02"), 7, 8, "gen-2")
    worker = Worker(ProviderFailedError("reset", bill=bill))
    result = await worker.run()
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (LATER, PROVIDER, 1)
    assert (result.cost_usd, result.prompt_tokens, result.generation_id) == (Decimal("0.02"), 7, "gen-2")
    assert result.may_be_billed
    assert 0 < in_s(result) < 1


async def test_an_unbilled_failure_followed_by_a_billed_one_may_be_billed():
    result = await Worker(overloaded(), ProviderFailedError("reset", bill=Bill())).run()
    assert (result.outcome, result.attempts, result.may_be_billed) == (LATER, 2, True)


async def test_the_last_call_that_may_have_been_billed_is_unmeasured():
    worker = Worker(ProviderFailedError("reset", bill=Bill()), max_retries=1)
    result = await worker.run(a_run(calls_made=1))
    assert (result.outcome, result.unmeasured_reason, result.may_be_billed) == (UNMEASURED, PROVIDER, True)


async def test_a_timeout_is_final_and_may_be_billed():
    result = await Worker(CallTimedOutError("no answer", bill=Bill())).run()
    assert (result.outcome, result.unmeasured_reason) == (UNMEASURED, UnmeasuredReason.TIMEOUT)
    assert (result.attempts, result.may_be_billed) == (1, True)


async def test_a_rejection_is_final_and_billed_only_where_it_came_with_a_200():
    result = await Worker(CallRejectedError("400")).run()
    assert (result.outcome, result.attempts, result.may_be_billed) == (UNMEASURED, 1, False)
    result = await Worker(CallRejectedError("400", bill=Bill(Decimal("0.01")))).run()
    assert (result.outcome, result.may_be_billed, result.cost_usd) == (UNMEASURED, True, Decimal("0.01"))


@pytest.mark.parametrize(("remaining_s", "timeout_s"), [(750, 120), (60, 90), (-20, 10)])
async def test_a_call_may_take_two_minutes_or_until_30_s_after_the_deadline(remaining_s, timeout_s):
    worker = Worker()
    await worker.run(a_run(deadline_at=datetime.now(UTC) + timedelta(seconds=remaining_s)))
    assert worker.api.timeouts_s == [pytest.approx(timeout_s, abs=0.5)]


async def test_the_deadline_and_the_lease_hold_while_one_waits_at_the_gate():
    worker = Worker(limited(0.3))
    soon = datetime.now(UTC) + timedelta(seconds=0.1)
    first = asyncio.create_task(worker.run(a_run(lease_ends_at=soon)))
    await eventually(lambda: worker.api.calls)
    second = asyncio.create_task(worker.run(a_run(deadline_at=soon - timedelta(seconds=30))))
    third = asyncio.create_task(worker.run(a_run(lease_ends_at=soon)))
    assert ((await first).outcome, (await first).attempts) == (LATER, 1)
    assert (await second).unmeasured_reason is UnmeasuredReason.DEADLINE
    assert (await third).outcome is NOT_STARTED
    assert worker.api.calls == 1


async def test_a_refused_key_stops_jobs_that_already_wait():
    worker = Worker(limited(0.1), OperatorError("402", unauthorized=False))
    results = await asyncio.gather(*worker.start(3))
    for result in results:
        assert (result.outcome, result.unmeasured_reason) == (LATER, UnmeasuredReason.PLATFORM)
        assert not result.may_be_billed
    assert worker.api.calls == 2
    assert not worker.guard.works


async def test_a_key_without_credit_leaves_free_models_alone():
    worker = Worker(OperatorError("402", unauthorized=False))
    await worker.run()
    assert (await worker.run()).attempts == 0
    assert (await worker.run(a_free_run())).outcome is ANSWERED


async def test_jobs_that_wait_at_the_gate_end_at_once_when_the_queue_is_handed_over():
    worker = Worker(limited(60))
    first = asyncio.create_task(worker.run())
    await eventually(lambda: worker.gate.closed_for_s > 0)
    others = worker.start(2)
    await eventually(lambda: len(worker.gate._waiting) == 3)
    worker.runner.stop_waiting(MODEL)
    began, *never = await asyncio.gather(first, *others)
    assert (began.outcome, began.unmeasured_reason, began.attempts) == (LATER, LIMITED, 1)
    assert 0 < in_s(began) <= 60
    assert [(result.outcome, result.attempts) for result in never] == [(NOT_STARTED, 0)] * 2
    assert not any(result.may_be_billed for result in (began, *never))


async def test_a_job_that_pauses_before_a_retry_ends_at_once_when_the_worker_drains():
    worker = Worker(overloaded(100))
    job = asyncio.create_task(worker.run())
    await eventually(lambda: worker.api.calls)
    worker.runner.stop_waiting()
    result = await asyncio.wait_for(job, 5)
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (LATER, PROVIDER, 1)
    assert (await worker.run()).outcome is NOT_STARTED


async def test_a_call_in_flight_goes_on_when_waiting_is_stopped_and_is_not_repeated_after():
    worker = Worker(ANSWER, limited(), held=True)
    jobs = worker.start(2)
    await eventually(lambda: worker.api.calls == 2)
    worker.runner.stop_waiting(MODEL)
    worker.api.release()
    answered, turned_away = await asyncio.gather(*jobs)
    assert answered.outcome is ANSWERED
    assert (turned_away.outcome, turned_away.attempts) == (LATER, 1)


async def test_a_store_that_does_not_answer_is_tried_later_without_blaming_the_key():
    async def broken(_image):
        raise ImageStoreError("down")

    result = await Worker(image=broken).run()
    assert (result.outcome, result.unmeasured_reason, result.attempts) == (LATER, None, 0)
    assert not result.may_be_billed


async def test_a_bill_that_nobody_told_is_looked_up_after_the_latency_was_taken():
    answer = ANSWER._replace(bill=Bill(generation_id="gen-7"))
    worker = Worker(answer, bills=[Bill(Decimal("0.5"), 1, 2, None)])
    result = await worker.run()
    assert (result.cost_usd, result.prompt_tokens, result.generation_id) == (Decimal("0.5"), 1, "gen-7")
    assert (worker.api.looked_up, result.latency_ms) == (["gen-7"], 12)


async def test_a_bill_that_cannot_be_found_out_stays_unknown():
    result = await Worker(ANSWER._replace(bill=Bill(generation_id="gen-7"))).run()
    assert (result.cost_usd, result.prompt_tokens, result.may_be_billed) == (None, None, True)


@pytest.mark.parametrize("bill", [Bill(Decimal(0), None, None, "gen-7"), Bill(None, 1, 2, "gen-7"), Bill()])
async def test_a_bill_that_is_known_or_has_no_id_is_not_looked_up(bill):
    worker = Worker(ANSWER._replace(bill=bill))
    await worker.run()
    assert not worker.api.looked_up


async def test_a_free_place_does_not_wait_for_a_look_up():
    worker = Worker(ANSWER._replace(bill=Bill(generation_id="gen-7")), prefetch=1)
    found = asyncio.Event()

    async def slow(_generation_id):
        await found.wait()

    worker.api.bill_of = slow
    job = asyncio.create_task(worker.run())
    await eventually(lambda: worker.api.calls)
    assert (await worker.run()).outcome is ANSWERED
    found.set()
    await job
