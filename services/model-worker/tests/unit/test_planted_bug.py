"""The check that a job is not acknowledged before its result is published catches a handler that does so."""

import asyncio
from contextlib import nullcontext

import pytest

from modelpick_model_worker.handlers import RunHandler
from modelpick_model_worker.results import answered
from modelpick_shared.broker import Verdict
from modelpick_shared.errors import BrokerUnavailableError

from .conftest import ANSWER, a_run


class BrokenPublisher:
    async def send(self, _) -> None:
        raise BrokerUnavailableError("away")


class AcknowledgesFirst(RunHandler):
    """The bug: the answer is published when there is time for it."""

    async def _answer(self, result):
        self.later = asyncio.create_task(super()._answer(result))
        return Verdict.ACK


async def a_result_that_is_not_published_leaves_its_job_with_the_broker(handler_class):
    async def run(job):
        return answered(job, ANSWER, 12, attempts=1)

    handler = handler_class(run, BrokenPublisher())
    verdict = (await asyncio.gather(handler.run_requested(a_run()), return_exceptions=True))[0]
    later = getattr(handler, "later", None)
    if later is not None:
        await asyncio.gather(later, return_exceptions=True)
    assert isinstance(verdict, BrokerUnavailableError)


@pytest.mark.parametrize("handler_class", [RunHandler, AcknowledgesFirst])
async def test_the_check_passes_as_things_are_and_fails_with_the_bug(handler_class):
    planted = handler_class is AcknowledgesFirst
    with pytest.raises(AssertionError) if planted else nullcontext():
        await a_result_that_is_not_published_leaves_its_job_with_the_broker(handler_class)
