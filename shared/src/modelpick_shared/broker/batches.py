import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import structlog
from aio_pika.abc import AbstractChannel
from aiormq.abc import DeliveredMessage

from modelpick_shared.broker.connection import declare
from modelpick_shared.broker.delivery import Delivery, Verdict
from modelpick_shared.broker.handling import count, in_context, lay_down, settle
from modelpick_shared.broker.publisher import Publisher
from modelpick_shared.broker.receipts import (
    Consuming,
    acknowledge,
    cancel_consumer,
    close_channel,
    consume,
    release,
    still_ours,
)
from modelpick_shared.broker.topology import QueueSpec
from modelpick_shared.contracts import Message
from modelpick_shared.telemetry.tracing import join_traces

log = structlog.get_logger()
M = TypeVar("M", bound=Message)


class BatchConsumer(Generic[M]):
    """Handles what lies in a queue in batches, one batch at a time, in one handler call.

    A batch that fails for another reason than a transient one is replayed one by one, and only the culprit
    is dead-lettered. `linger_s` is how long a batch waits at most while more messages come in, so that a
    transaction stands for many of them.
    """

    def __init__(
        self,
        queue: QueueSpec,
        message_type: type[M],
        handler: Callable[[Sequence[M]], Awaitable[Verdict]],
        *,
        batch_size: int,
        publisher: Publisher,
        linger_s: float = 0.0,
        expected: Callable[[], int] | None = None,
    ) -> None:
        self.queue = queue
        self._message_type = message_type
        self._handler = handler
        self._batch_size = batch_size
        self._linger_s = linger_s
        self._expected = expected
        self._publisher = publisher
        self._waiting: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
        self._full = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._parked = False
        self._consuming: Consuming | None = None

    async def start(self, channel: AbstractChannel) -> None:
        """Declare the queue and consume it on `channel`, one batch ahead of the one being handled."""
        await channel.set_qos(prefetch_count=2 * self._batch_size)
        await declare(channel, [self.queue])
        self._channel = channel
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._run())
        self._consuming = await consume(channel, self.queue.name, self._on_message)

    async def drain(self, timeout_s: float) -> None:
        """Finish the batch in hand; what waits behind it stays with the broker."""
        self._parked = True
        if self._consuming is not None:
            await cancel_consumer(self._consuming)
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("consumer.drain_timed_out", queue=self.queue.name)
        if self._loop is not None:
            self._loop.cancel()
        while not self._waiting.empty():
            await release(self._waiting.get_nowait())

    async def _on_message(self, incoming: DeliveredMessage) -> None:
        self._waiting.put_nowait(incoming)
        if self._is_full():
            self._full.set()

    async def _run(self) -> None:
        """Handle batches; after a failure that nobody foresaw, lose the channel, so that all begins anew.

        The group is not ready until it consumes again, and the broker delivers the batch once more.
        """
        try:
            await self._handle_batches()
        except Exception:
            log.exception("consumer.failed", queue=self.queue.name)
            await close_channel(self._channel)

    async def _handle_batches(self) -> None:
        while not self._parked:
            batch = await self._next_batch()
            self._idle.clear()
            try:
                await self._process([incoming for incoming in batch if still_ours(incoming)])
            finally:
                self._idle.set()

    async def _next_batch(self) -> list[DeliveredMessage]:
        batch = [await self._waiting.get()]
        if self._linger_s:
            await self._linger()
        while len(batch) < self._batch_size and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        return batch

    async def _linger(self) -> None:
        """Wait while more comes in: until a fifth of the time passes without, or all of it has passed."""
        ends_at_s = time.monotonic() + self._linger_s
        seen = -1
        while seen < self._waiting.qsize() and not self._is_full() and time.monotonic() < ends_at_s:
            seen = self._waiting.qsize()
            self._full.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._linger_s / 5):
                    await self._full.wait()

    def _is_full(self) -> bool:
        """Whether waiting on is of no use to a batch whose first message has been taken."""
        most = self._batch_size if self._expected is None else min(self._batch_size, self._expected())
        return self._waiting.qsize() >= most - 1

    async def _process(self, batch: list[DeliveredMessage]) -> None:
        if not batch:
            return
        ending = Verdict.DEAD_LETTER
        if len(batch) > 1:
            ending = await self._try_together(batch)
        if ending is Verdict.DEAD_LETTER:
            for incoming in batch:
                await self._settle_one(incoming)
        elif ending is Verdict.ACK:
            count(self.queue, ending, len(batch))
            # The batch is handled in the order of delivery, so its last tag stands for all.
            await acknowledge(batch[-1], multiple=True)

    async def _try_together(self, batch: list[DeliveredMessage]) -> Verdict:
        deliveries = [Delivery.of(one) for one in batch]

        async def work() -> Verdict:
            return await self._handler([delivery.open(self._message_type) for delivery in deliveries])

        name = self._message_type.TYPE
        with join_traces(f"consume {name} together", [delivery.headers for delivery in deliveries]):
            ending, _ = await settle(
                name,
                work,
                queue=self.queue,
                still_ours=lambda: still_ours(batch[-1]) and not self._parked,
                unforeseen_limit=1,
            )
        return ending.verdict

    async def _settle_one(self, incoming: DeliveredMessage) -> None:
        delivery = Delivery.of(incoming)

        async def work() -> Verdict:
            return await self._handler([delivery.open(self._message_type)])

        async def settle_it() -> None:
            ending, attempts = await settle(
                self._message_type.TYPE,
                work,
                queue=self.queue,
                still_ours=lambda: still_ours(incoming) and not self._parked,
            )
            count(self.queue, ending.verdict)
            if ending.verdict is Verdict.DEAD_LETTER:
                await lay_down(self._publisher, self.queue.name, delivery, ending, attempts)
            if ending.verdict is not Verdict.RETRY:
                await acknowledge(incoming)

        await in_context(self.queue, delivery, settle_it)
