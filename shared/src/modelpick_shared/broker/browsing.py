"""Looking into queues and moving dead letters, on the broker's own protocol, without plugins."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple, Self

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from modelpick_shared.broker.connection import BrokerConnector
from modelpick_shared.broker.delivery import Delivery
from modelpick_shared.errors import BrokerUnavailableError


class QueueCounts(NamedTuple):
    """Messages ready for delivery, and consumers."""

    ready: int
    consumers: int


class HeldLetter:
    """A message taken out of a queue that goes back unless it is `settled`."""

    def __init__(self, incoming: AbstractIncomingMessage) -> None:
        self._incoming = incoming
        self.delivery = Delivery.of(incoming)

    async def settle(self) -> None:
        """Acknowledge: the message is gone from its queue for good."""
        await self._incoming.ack()


class QueueBrowser:
    """One connection for looking and moving. Raises BrokerUnavailableError when there is no broker."""

    def __init__(self, connector: BrokerConnector) -> None:
        self._connector = connector
        self._connection: AbstractConnection | None = None

    async def __aenter__(self) -> Self:
        self._connection = await self._connector.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def counts(self, names: Iterable[str]) -> dict[str, QueueCounts | None]:
        """Return each queue's counts; None for one that does not exist."""
        return {name: await self._counts(name) for name in names}

    async def _counts(self, name: str) -> QueueCounts | None:
        # A passive declaration of what does not exist closes its channel, so each has one of its own.
        channel = await self._open().channel()
        try:
            declared = await channel.declare_queue(name, passive=True)
        except aio_pika.exceptions.ChannelNotFoundEntity:
            return None
        result = declared.declaration_result
        await channel.close()
        return QueueCounts(result.message_count or 0, result.consumer_count or 0)

    @asynccontextmanager
    async def letters(
        self, name: str, *, limit: int | None = None
    ) -> AsyncIterator[AsyncIterator[HeldLetter]]:
        """Take messages out of a queue, one by one: those there are now, at most `limit`.

        What is not settled when the block is left goes back with its headers. The broker refuses this for
        queues with a single active consumer: only dead letters can be looked at.
        """
        counts = await self._counts(name)
        channel = await self._open().channel()
        try:
            ready = counts.ready if counts else 0
            queue = await channel.get_queue(name, ensure=False)
            yield self._take(queue, ready if limit is None else min(limit, ready))
        finally:
            await channel.close()

    async def _take(self, queue: aio_pika.abc.AbstractQueue, count: int) -> AsyncIterator[HeldLetter]:
        for _ in range(count):
            incoming = await queue.get(no_ack=False, fail=False)
            if incoming is None:
                return
            yield HeldLetter(incoming)

    async def purge(self, name: str) -> int:
        """Drop all ready messages of a queue; return how many. A queue that does not exist has none."""
        if await self._counts(name) is None:
            return 0
        channel = await self._open().channel()
        purged = await (await channel.get_queue(name, ensure=False)).purge()
        await channel.close()
        return purged.message_count or 0

    def _open(self) -> AbstractConnection:
        if self._connection is None:
            raise BrokerUnavailableError("not connected")
        return self._connection
