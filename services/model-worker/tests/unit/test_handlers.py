import asyncio

import pytest

from modelpick_model_worker.handlers import BEGUN_IN_A_TURN, KEPT_RESULTS, PUBLISHED_AT_ONCE, RunHandler
from modelpick_model_worker.results import answered
from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import AttemptOutcome
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.testing import eventually

from .conftest import ANSWER, a_run


class Outbox:
    """What was published."""

    def __init__(self) -> None:
        self.sent = []

    async def send(self, message) -> None:
        self.sent.append(message)


class SlowOutbox(Outbox):
    """One that confirms what it was given when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_confirm = asyncio.Semaphore(0)

    async def send(self, message) -> None:
        await super().send(message)
        await self.may_confirm.acquire()


class BrokenOutbox:
    async def send(self, message) -> None:
        raise BrokerUnavailableError("no confirm")


class Runs:
    """Runs of jobs that end when they are let."""

    def __init__(self) -> None:
        self.started = []
        self.may_end = asyncio.Event()

    async def run(self, run):
        self.started.append(run.attempt_token)
        await self.may_end.wait()
        return answered(run, ANSWER, 12, attempts=1)


def a_handler():
    runs, outbox = Runs(), Outbox()
    return RunHandler(runs.run, outbox), runs, outbox


async def test_a_job_delivered_again_in_flight_or_just_finished_gets_the_same_answer():
    handler, runs, outbox = a_handler()
    job = a_run()
    first = asyncio.create_task(handler.run_requested(job))
    again = asyncio.create_task(handler.run_redelivered(job))
    await asyncio.sleep(0)
    runs.may_end.set()
    assert await asyncio.gather(first, again) == [Verdict.ACK, Verdict.ACK]
    await handler.run_redelivered(job)
    await handler.run_requested(job)
    await handler.run_not_started(job)
    assert runs.started == [job.attempt_token]
    assert len(outbox.sent) == 5
    assert all(result == outbox.sent[0] for result in outbox.sent)


async def test_a_job_redelivered_from_elsewhere_is_abandoned_because_it_may_have_been_called():
    handler, runs, outbox = a_handler()
    assert await handler.run_redelivered(a_run()) is Verdict.ACK
    (result,) = outbox.sent
    assert (result.outcome, result.attempts, result.may_be_billed) == (AttemptOutcome.ABANDONED, 0, True)
    assert not runs.started


async def test_a_job_that_was_not_begun_is_given_back():
    handler, runs, outbox = a_handler()
    assert await handler.run_not_started(a_run()) is Verdict.ACK
    (result,) = outbox.sent
    assert (result.outcome, result.attempts, result.may_be_billed) == (AttemptOutcome.NOT_STARTED, 0, False)
    assert not runs.started


async def test_losing_the_delivery_does_not_abort_the_call():
    handler, runs, outbox = a_handler()
    job = a_run()
    lost = asyncio.create_task(handler.run_requested(job))
    await asyncio.sleep(0)
    lost.cancel()
    await asyncio.gather(lost, return_exceptions=True)
    runs.may_end.set()
    await handler.run_redelivered(job)
    assert [result.outcome for result in outbox.sent] == [AttemptOutcome.ANSWERED]
    assert runs.started == [job.attempt_token]


async def test_only_the_latest_results_are_kept_and_none_in_flight_is_forgotten():
    handler, runs, _ = a_handler()
    early = a_run()
    in_flight = asyncio.create_task(handler.run_requested(early))
    await asyncio.sleep(0)
    runs.may_end.set()
    held = runs.may_end
    runs.may_end = asyncio.Event()
    runs.may_end.set()
    for _ in range(KEPT_RESULTS + 20):
        await handler.run_requested(a_run())
    assert held.is_set()
    assert len(handler._calls) <= KEPT_RESULTS + 1
    await in_flight


async def test_of_a_burst_of_answers_the_first_are_done_before_the_last_are_published():
    runs, outbox = Runs(), SlowOutbox()
    handler = RunHandler(runs.run, outbox)
    jobs = [asyncio.create_task(handler.run_requested(a_run())) for _ in range(PUBLISHED_AT_ONCE + 3)]
    await eventually(lambda: len(runs.started) == len(jobs))
    runs.may_end.set()
    for confirmed in range(len(jobs)):
        published = min(PUBLISHED_AT_ONCE + confirmed, len(jobs))
        await eventually(lambda published=published: len(outbox.sent) == published)
        assert sum(job.done() for job in jobs) == confirmed
        outbox.may_confirm.release()
        await eventually(lambda done=confirmed + 1: sum(job.done() for job in jobs) == done)


async def test_of_a_burst_of_jobs_the_first_calls_are_sent_before_the_last_are_prepared():
    steps = []

    async def run(job):
        steps.append(("prepared", job.attempt_token))
        await asyncio.sleep(0)  # as long as a socket takes to be ready
        steps.append(("sent", job.attempt_token))
        return answered(job, ANSWER, 12, attempts=1)

    handler = RunHandler(run, Outbox())
    jobs = [a_run() for _ in range(3 * BEGUN_IN_A_TURN)]
    await asyncio.gather(*(handler.run_requested(job) for job in jobs))
    assert [token for step, token in steps if step == "prepared"] == [job.attempt_token for job in jobs]
    assert steps.index(("sent", jobs[0].attempt_token)) < steps.index(("prepared", jobs[-1].attempt_token))


async def test_a_result_that_cannot_be_published_does_not_stop_the_line():
    runs = Runs()
    runs.may_end.set()
    handler = RunHandler(runs.run, BrokenOutbox())
    async with asyncio.timeout(10):
        for _ in range(PUBLISHED_AT_ONCE + 1):
            with pytest.raises(BrokerUnavailableError):
                await handler.run_requested(a_run())
