import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue

from modelpick_shared.broker.connection import (
    CONNECTION_ERRORS,
    BrokerConnector,
    backoff_s,
    declare,
    reraise_own_cancellation,
)
from modelpick_shared.broker.delivery import Delivery, Verdict
from modelpick_shared.broker.handling import Ending, in_context, lay_down, settle
from modelpick_shared.broker.publisher import Publisher
from modelpick_shared.broker.topology import QueueSpec
from modelpick_shared.contracts import Message
from modelpick_shared.errors import BrokerUnavailableError

log = structlog.get_logger()
M = TypeVar("M", bound=Message)

# A broker that dies while it is being asked may never answer.
START_TIMEOUT_S = 60.0


class QueueReader(Protocol):
    """What a consumer group runs: a reader of one queue."""

    queue: QueueSpec

    async def start(self, channel: AbstractChannel) -> None: ...

    async def drain(self, timeout_s: float) -> None: ...


async def acknowledge(incoming: AbstractIncomingMessage, *, multiple: bool = False) -> None:
    """Acknowledge; if the channel died meanwhile the message will come again, which handlers bear."""
    try:
        await incoming.ack(multiple=multiple)
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.ack_lost", error=repr(error))


async def release(incoming: AbstractIncomingMessage) -> None:
    """Give a message back at once; a dead channel has done so already."""
    try:
        await incoming.nack(requeue=True)
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.release_lost", error=repr(error))


def still_ours(incoming: AbstractIncomingMessage) -> bool:
    """Say whether the delivery's channel lives; once it is dead the broker delivers the message again."""
    try:
        return not incoming.channel.is_closed
    except aio_pika.exceptions.ChannelInvalidStateError:  # a dead channel's message does not name it
        return False


class Consumer(Generic[M]):
    """Handles up to `prefetch` messages of a queue at once, each in its own task.

    In its own task, because aio-pika cancels delivery callbacks when the connection dies, and a paid model
    call must not be thrown away for that.
    """

    def __init__(
        self,
        queue: QueueSpec,
        message_type: type[M],
        handler: Callable[[M], Awaitable[Verdict]],
        *,
        prefetch: int,
        publisher: Publisher,
    ) -> None:
        self.queue = queue
        self._message_type = message_type
        self._handler = handler
        self._prefetch = prefetch
        self._publisher = publisher
        self._tasks: set[asyncio.Task[None]] = set()
        self._parked = False
        self._held: list[AbstractIncomingMessage] = []
        self._not_done: list[AbstractIncomingMessage] = []
        self._consuming: tuple[AbstractQueue, str] | None = None

    async def start(self, channel: AbstractChannel) -> None:
        """Declare the queue and consume it on `channel`."""
        await channel.set_qos(prefetch_count=self._prefetch)
        await declare(channel, [self.queue])
        queue = await channel.get_queue(self.queue.name, ensure=False)
        self._consuming = (queue, await queue.consume(self._on_message))

    async def drain(self, timeout_s: float) -> None:
        """Park: finish what runs while holding its acknowledgements, then cancel, then acknowledge.

        Cancelling first would start the next single active consumer beside calls that still run. What was
        not started, or not finished in time, is given back.
        """
        self._parked = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in self._tasks:
            task.cancel()
        if self._consuming is not None:
            await _cancel_consumer(*self._consuming)
        for incoming in self._held:
            await acknowledge(incoming)
        for incoming in self._not_done:
            await release(incoming)

    async def _on_message(self, incoming: AbstractIncomingMessage) -> None:
        if self._parked:
            self._not_done.append(incoming)
            return
        task = asyncio.create_task(self._process(incoming))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _process(self, incoming: AbstractIncomingMessage) -> None:
        delivery = Delivery.of(incoming)
        await in_context(delivery, lambda: self._settle(incoming, delivery))

    async def _settle(self, incoming: AbstractIncomingMessage, delivery: Delivery) -> None:
        async def work() -> Verdict:
            return await self._handler(delivery.open(self._message_type))

        ending, attempts = await settle(
            self._message_type.TYPE, work, still_ours=lambda: still_ours(incoming) and not self._parked
        )
        if ending.verdict is Verdict.RETRY:
            if self._parked:
                self._not_done.append(incoming)
            return
        if ending.verdict is Verdict.DEAD_LETTER:
            await self._lay_down(delivery, ending, attempts)
        if self._parked:
            self._held.append(incoming)
        else:
            await acknowledge(incoming)

    async def _lay_down(self, delivery: Delivery, ending: Ending, attempts: int) -> None:
        if self.queue.transient:  # has no dead-letter queue, so publishing to it would be tried for ever
            log.error("message.dropped", queue=self.queue.name, reason=ending.reason)
        else:
            await lay_down(self._publisher, self.queue.name, delivery, ending, attempts)


class BatchConsumer(Generic[M]):
    """Handles what lies in a queue in batches, one batch at a time, in one handler call.

    A batch that fails for another reason than a transient one is replayed one by one, and only the culprit
    is dead-lettered.
    """

    def __init__(
        self,
        queue: QueueSpec,
        message_type: type[M],
        handler: Callable[[Sequence[M]], Awaitable[Verdict]],
        *,
        batch_size: int,
        publisher: Publisher,
    ) -> None:
        self.queue = queue
        self._message_type = message_type
        self._handler = handler
        self._batch_size = batch_size
        self._publisher = publisher
        self._waiting: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        self._loop: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._parked = False
        self._consuming: tuple[AbstractQueue, str] | None = None

    async def start(self, channel: AbstractChannel) -> None:
        """Declare the queue and consume it on `channel`, one batch ahead of the one being handled."""
        await channel.set_qos(prefetch_count=2 * self._batch_size)
        await declare(channel, [self.queue])
        queue = await channel.get_queue(self.queue.name, ensure=False)
        if self._loop is None:
            self._loop = asyncio.create_task(self._run())
        self._consuming = (queue, await queue.consume(self._on_message))

    async def drain(self, timeout_s: float) -> None:
        """Finish the batch in hand; what waits behind it stays with the broker."""
        self._parked = True
        if self._consuming is not None:
            await _cancel_consumer(*self._consuming)
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("consumer.drain_timed_out", queue=self.queue.name)
        if self._loop is not None:
            self._loop.cancel()
        while not self._waiting.empty():
            await release(self._waiting.get_nowait())

    async def _on_message(self, incoming: AbstractIncomingMessage) -> None:
        self._waiting.put_nowait(incoming)

    async def _run(self) -> None:
        while not self._parked:
            batch = await self._next_batch()
            self._idle.clear()
            try:
                await self._process([incoming for incoming in batch if still_ours(incoming)])
            finally:
                self._idle.set()

    async def _next_batch(self) -> list[AbstractIncomingMessage]:
        batch = [await self._waiting.get()]
        while len(batch) < self._batch_size and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        return batch

    async def _process(self, batch: list[AbstractIncomingMessage]) -> None:
        if not batch:
            return
        ending = Verdict.DEAD_LETTER
        if len(batch) > 1:
            ending = await self._try_together(batch)
        if ending is Verdict.DEAD_LETTER:
            for incoming in batch:
                await self._settle_one(incoming)
        elif ending is Verdict.ACK:
            # The batch is handled in the order of delivery, so its last tag stands for all.
            await acknowledge(batch[-1], multiple=True)

    async def _try_together(self, batch: list[AbstractIncomingMessage]) -> Verdict:
        async def work() -> Verdict:
            return await self._handler([Delivery.of(one).open(self._message_type) for one in batch])

        ending, _ = await settle(
            self._message_type.TYPE,
            work,
            still_ours=lambda: still_ours(batch[-1]) and not self._parked,
            unforeseen_limit=1,
        )
        return ending.verdict

    async def _settle_one(self, incoming: AbstractIncomingMessage) -> None:
        delivery = Delivery.of(incoming)

        async def work() -> Verdict:
            return await self._handler([delivery.open(self._message_type)])

        async def settle_it() -> None:
            ending, attempts = await settle(
                self._message_type.TYPE, work, still_ours=lambda: still_ours(incoming) and not self._parked
            )
            if ending.verdict is Verdict.DEAD_LETTER:
                await lay_down(self._publisher, self.queue.name, delivery, ending, attempts)
            if ending.verdict is not Verdict.RETRY:
                await acknowledge(incoming)

        await in_context(delivery, settle_it)


async def _cancel_consumer(queue: AbstractQueue, tag: str) -> None:
    try:
        await queue.cancel(tag)
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        log.info("broker.cancel_lost", error=repr(error))


class ConsumerGroup:
    """Keeps the consumers of a service consuming: one connection, a channel each, reconnected for ever."""

    def __init__(self, connector: BrokerConnector, readers: Sequence[QueueReader]) -> None:
        self._connector = connector
        self._readers = readers
        self.ready = False

    async def run(self) -> None:
        """Consume until cancelled; a lost connection or channel starts everything again on a new one."""
        attempt = 0
        while True:
            try:
                connection = await self._connector.connect()
                async with connection:
                    async with asyncio.timeout(START_TIMEOUT_S):
                        lost = await self._start(connection)
                    attempt = 0
                    await lost.wait()
            except (BrokerUnavailableError, *CONNECTION_ERRORS, asyncio.CancelledError) as error:
                reraise_own_cancellation(error)
                log.warning("broker.lost", connection=self._connector.name, error=repr(error))
            self.ready = False
            await asyncio.sleep(backoff_s(attempt))
            attempt += 1

    async def drain(self, timeout_s: float) -> None:
        """Stop taking messages, and finish those in hand within `timeout_s`."""
        self.ready = False
        await asyncio.gather(*(reader.drain(timeout_s) for reader in self._readers))

    async def _start(self, connection: AbstractConnection) -> asyncio.Event:
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: lost.set())
        self._channels = [await connection.channel(publisher_confirms=False) for _ in self._readers]
        for reader, channel in zip(self._readers, self._channels, strict=True):
            channel.close_callbacks.add(lambda *_: lost.set())
            await reader.start(channel)
        self.ready = True
        log.info("broker.consuming", queues=[reader.queue.name for reader in self._readers])
        return lost
