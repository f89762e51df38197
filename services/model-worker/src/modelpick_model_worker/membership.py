"""This worker's heartbeats, and what it learns from those of the others and from the answers."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from modelpick_model_worker.clock import Clock
from modelpick_model_worker.key import KeyGuard
from modelpick_shared.broker import Consumer, Publisher, Service, Verdict, broadcast_queue
from modelpick_shared.contracts import Message, WorkerAlive, WorkerClock
from modelpick_shared.ids import new_id

M = TypeVar("M", bound=Message)

LISTEN_PREFETCH = 20


class Membership:
    """One worker among others."""

    def __init__(self, publisher: Publisher, clock: Clock, guard: KeyGuard) -> None:
        self.worker_id = str(new_id())
        self._publisher = publisher
        self._clock = clock
        self._guard = guard

    async def say(self, queues: list[str], leaving: bool) -> None:  # noqa: FBT001 - a callback's shape
        """Tell the other workers and the orchestrator. Raises BrokerUnavailableError."""
        alive = WorkerAlive(
            worker_id=self.worker_id,
            queues=queues,
            sent_at=datetime.now(UTC),
            key_works=self._guard.works,
            leaving=leaving,
        )
        await self._publisher.send(alive, persistent=False)

    def listeners(self, heard: Callable[[WorkerAlive], None]) -> list[Consumer[Any]]:
        """Return the readers of this worker's own queues: all heartbeats, and the answers to them."""

        async def hear(alive: WorkerAlive) -> Verdict:
            heard(alive)
            return Verdict.ACK

        return [self._listener(WorkerAlive, hear), self._listener(WorkerClock, self._learn)]

    def _listener(self, message_type: type[M], handler: Callable[[M], Awaitable[Verdict]]) -> Consumer[M]:
        queue = broadcast_queue(Service.MODEL_WORKER, self.worker_id, message_type)
        return Consumer(queue, message_type, handler, prefetch=LISTEN_PREFETCH, publisher=self._publisher)

    async def _learn(self, answer: WorkerClock) -> Verdict:
        if answer.worker_id == self.worker_id:
            self._clock.learn(answer.database_time, answer.alive_sent_at, datetime.now(UTC))
        return Verdict.ACK
