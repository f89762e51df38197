"""How many messages lie in the queues, told as metrics: asked on the broker's own protocol, without plugins.

What that protocol does not tell is how many messages a queue has that are neither ready nor delivered, the
sign of stranded ones: RabbitMQ's own metrics do, where its plugin `rabbitmq_prometheus` is enabled.
"""

import asyncio
from collections.abc import Sequence

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection

from modelpick_shared.broker.browsing import QueueCounts
from modelpick_shared.broker.connection import (
    CONNECTION_ERRORS,
    BrokerConnector,
    closing_named,
    reraise_own_cancellation,
)
from modelpick_shared.broker.topology import QueueSpec, dead_letter_queue
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.telemetry.metrics import DEAD_LETTERS, QUEUE_CONSUMERS, QUEUE_READY, QUEUES_READ

log = structlog.get_logger()

EVERY_S = 15.0
ANSWER_TIMEOUT_S = 30.0


class QueueWatch:
    """Asks for the counts of queues, and of their dead-letter queues, every 15 s."""

    def __init__(
        self, connector: BrokerConnector, queues: Sequence[QueueSpec], *, every_s: float = EVERY_S
    ) -> None:
        self._connector = connector
        self._queues = queues
        self._every_s = every_s

    async def run(self) -> None:
        """Watch until cancelled; a lost connection is opened again when it is time to ask."""
        while True:
            try:
                async with await self._connector.connect() as connection:
                    await self._ask_forever(connection)
            except (BrokerUnavailableError, *CONNECTION_ERRORS, asyncio.CancelledError) as error:
                reraise_own_cancellation(error)
                log.warning("queues.unread", reason=repr(error))
            await asyncio.sleep(self._every_s)

    async def _ask_forever(self, connection: AbstractConnection) -> None:
        while True:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                with closing_named():
                    await self._ask(connection)
            await asyncio.sleep(self._every_s)

    async def _ask(self, connection: AbstractConnection) -> None:
        asker = _Asker(connection)
        for queue in self._queues:
            counts = await asker.counts(queue.name)
            QUEUE_READY.labels(queue=queue.name).set(counts.ready)
            QUEUE_CONSUMERS.labels(queue=queue.name).set(counts.consumers)
            dead = await asker.counts(dead_letter_queue(queue).name)
            DEAD_LETTERS.labels(queue=queue.name).set(dead.ready)
        await asker.close()
        QUEUES_READ.set_to_current_time()


class _Asker:
    """Asks on one channel for as long as the answers are counts: one for a missing queue closes it."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None

    async def counts(self, name: str) -> QueueCounts:
        """Return a queue's counts; one that does not exist holds nothing."""
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._connection.channel(publisher_confirms=False)
        try:
            declared = (await self._channel.declare_queue(name, passive=True)).declaration_result
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return QueueCounts(0, 0)
        return QueueCounts(declared.message_count or 0, declared.consumer_count or 0)

    async def close(self) -> None:
        if self._channel is not None and not self._channel.is_closed:
            await self._channel.close()
