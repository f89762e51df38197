import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from modelpick_model_worker.results import abandoned, not_started
from modelpick_shared import faults
from modelpick_shared.broker import Publisher, Verdict
from modelpick_shared.contracts import RunFinished, RunRequested
from modelpick_shared.faults import FaultPoint

KEPT_RESULTS = 500
# The rest of a burst waits in line: the first ones' calls begin meanwhile, see docs/adr/0014.
PUBLISHED_AT_ONCE = 8
BEGUN_IN_A_TURN = 8


class RunHandler:
    """Runs jobs, and publishes each result before its job is acknowledged.

    A job that is delivered again while its call is in flight, or shortly after, gets that same answer: a
    model's answer is paid for once.
    """

    def __init__(
        self, run: Callable[[RunRequested], Coroutine[Any, Any, RunFinished]], publisher: Publisher
    ) -> None:
        self._run = run
        self._publisher = publisher
        self._line = asyncio.Semaphore(PUBLISHED_AT_ONCE)
        self._turn = asyncio.Semaphore(BEGUN_IN_A_TURN)
        self._calls: OrderedDict[UUID, asyncio.Task[RunFinished]] = OrderedDict()

    async def run_requested(self, message: RunRequested) -> Verdict:
        """Handle a first delivery: make the call."""
        return await self._answer(self._known(message) or self._start(message))

    async def run_redelivered(self, message: RunRequested) -> Verdict:
        """Handle a delivery that the broker marks as redelivered: another worker may have made the call."""
        return await self._answer(self._known(message) or abandoned(message))

    async def run_not_started(self, message: RunRequested) -> Verdict:
        """Give a job back without a call, because the worker stops or hands its queue over."""
        return await self._answer(self._known(message) or not_started(message))

    async def _answer(self, result: asyncio.Task[RunFinished] | RunFinished) -> Verdict:
        if isinstance(result, asyncio.Task):
            # Shielded: losing the delivery must not abort a call that is being paid for.
            result = await asyncio.shield(result)
            faults.reach(FaultPoint.CALL_ANSWERED)
        async with self._line:
            await self._publisher.send(result)
        faults.reach(FaultPoint.RESULT_PUBLISHED)
        return Verdict.ACK

    def _known(self, message: RunRequested) -> asyncio.Task[RunFinished] | None:
        call = self._calls.get(message.attempt_token)
        if call is None or (call.done() and (call.cancelled() or call.exception() is not None)):
            return None
        return call

    def _start(self, message: RunRequested) -> asyncio.Task[RunFinished]:
        faults.reach(FaultPoint.CALL_STARTING)
        call = asyncio.create_task(self._begin(message))
        self._calls[message.attempt_token] = call
        self._forget_oldest()
        return call

    async def _begin(self, message: RunRequested) -> RunFinished:
        await self._turn.acquire()
        asyncio.get_running_loop().call_soon(self._turn.release)
        return await self._run(message)

    def _forget_oldest(self) -> None:
        if len(self._calls) > KEPT_RESULTS:
            oldest = next((token for token, call in self._calls.items() if call.done()), None)
            if oldest is not None:
                del self._calls[oldest]
