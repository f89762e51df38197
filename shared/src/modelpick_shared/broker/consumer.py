import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue

from modelpick_shared.broker.connection import declare
from modelpick_shared.broker.delivery import Delivery, Verdict
from modelpick_shared.broker.handling import Ending, attempt, in_context, lay_down, settle
from modelpick_shared.broker.publisher import Publisher
from modelpick_shared.broker.receipts import acknowledge, cancel_consumer, release, still_ours
from modelpick_shared.broker.topology import QueueSpec
from modelpick_shared.contracts import Message

log = structlog.get_logger()
M = TypeVar("M", bound=Message)


class Consumer(Generic[M]):
    """Handles up to `prefetch` messages of a queue at once, each in its own task.

    In its own task, because aio-pika cancels delivery callbacks when the connection dies, and a paid model
    call must not be thrown away for that.

    `redelivered` handles what the broker marks as redelivered, `not_started` what is in hand but not begun
    when the consumer drains; `parked` is called when that begins. A drained consumer can be started again.
    """

    def __init__(
        self,
        queue: QueueSpec,
        message_type: type[M],
        handler: Callable[[M], Awaitable[Verdict]],
        *,
        prefetch: int,
        publisher: Publisher,
        redelivered: Callable[[M], Awaitable[Verdict]] | None = None,
        not_started: Callable[[M], Awaitable[Verdict]] | None = None,
        parked: Callable[[], None] | None = None,
    ) -> None:
        self.queue = queue
        self._message_type = message_type
        self._handler = handler
        self._redelivered = redelivered or handler
        self._not_started = not_started
        self._on_parked = parked
        self._prefetch = prefetch
        self._publisher = publisher
        self._tasks: set[asyncio.Task[None]] = set()
        self._parked = False
        self._held: list[AbstractIncomingMessage] = []
        self._not_done: list[AbstractIncomingMessage] = []
        self._consuming: tuple[AbstractQueue, str] | None = None

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    async def start(self, channel: AbstractChannel) -> None:
        """Declare the queue and consume it on `channel`."""
        self._parked, self._held, self._not_done = False, [], []
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
        if self._on_parked is not None:
            self._on_parked()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in self._tasks:
            task.cancel()
        if self._consuming is not None:
            await cancel_consumer(*self._consuming)
            self._consuming = None
        for incoming in self._held:
            await acknowledge(incoming)
        for incoming in self._not_done:
            await self._give_back(incoming)

    async def _give_back(self, incoming: AbstractIncomingMessage) -> None:
        """Answer what was not started, so that nobody takes it for a call that was lost; else requeue it."""
        if self._not_started is None or incoming.redelivered:
            await release(incoming)
            return
        handler = self._not_started
        delivery = Delivery.of(incoming)
        ending = await attempt(self._message_type.TYPE, lambda: handler(delivery.open(self._message_type)))
        await (acknowledge if ending.verdict is Verdict.ACK else release)(incoming)

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
        handler = self._redelivered if delivery.redelivered else self._handler

        async def work() -> Verdict:
            return await handler(delivery.open(self._message_type))

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
