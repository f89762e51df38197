import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from modelpick_shared.broker import Publisher, Verdict
from modelpick_shared.contracts import RunFinished, RunRequested

KEPT_RESULTS = 500


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
        self._calls: OrderedDict[UUID, asyncio.Task[RunFinished]] = OrderedDict()

    async def run_requested(self, message: RunRequested) -> Verdict:
        call = self._calls.get(message.attempt_token)
        if call is None or (call.done() and call.exception() is not None):
            call = self._start(message)
        # Shielded: losing the delivery must not abort a call that is being paid for.
        await self._publisher.send(await asyncio.shield(call))
        return Verdict.ACK

    def _start(self, message: RunRequested) -> asyncio.Task[RunFinished]:
        call = asyncio.create_task(self._run(message))
        self._calls[message.attempt_token] = call
        self._forget_oldest()
        return call

    def _forget_oldest(self) -> None:
        for token, call in list(self._calls.items()):
            if len(self._calls) <= KEPT_RESULTS:
                return
            if call.done():
                del self._calls[token]
