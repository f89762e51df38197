import asyncio

from modelpick_model_worker.handlers import KEPT_RESULTS, RunHandler
from modelpick_model_worker.results import answered
from modelpick_shared.broker import Verdict
from modelpick_shared.contracts import AttemptOutcome

from .conftest import ANSWER, a_run


class Outbox:
    """What was published."""

    def __init__(self) -> None:
        self.sent = []

    async def send(self, message) -> None:
        self.sent.append(message)


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
