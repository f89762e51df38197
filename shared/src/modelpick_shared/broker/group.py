import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection

from modelpick_shared.broker.connection import (
    CONNECTION_ERRORS,
    BrokerConnector,
    backoff_s,
    closing_named,
    reraise_own_cancellation,
)
from modelpick_shared.broker.topology import QueueSpec
from modelpick_shared.errors import BrokerUnavailableError

log = structlog.get_logger()

# A broker that dies while it is being asked may never answer.
START_TIMEOUT_S = 60.0


class QueueReader(Protocol):
    """What a consumer group runs: a reader of one queue."""

    queue: QueueSpec

    async def start(self, channel: AbstractChannel) -> None: ...

    async def drain(self, timeout_s: float) -> None: ...


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
                        with closing_named():
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
