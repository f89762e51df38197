import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection

from modelpick_shared.broker.topology import Exchange, QueueSpec, dead_letter_queue
from modelpick_shared.broker.wire import Connection
from modelpick_shared.errors import BrokerUnavailableError

log = structlog.get_logger()

CONNECT_TIMEOUT_S = 5.0
HEARTBEAT_S = 10


class BrokerConnector:
    """Opens connections to the first host of a cluster that answers.

    aio-pika's robust connection knows one host and reconnects without jitter, so the hosts are rotated here.
    """

    def __init__(self, urls: str, *, name: str) -> None:
        self._urls = [url.strip() for url in urls.split(",") if url.strip()]
        self._rotation = cycle(self._urls)
        self.name = name

    async def connect(self) -> AbstractConnection:
        """Open a connection, trying each host once. Raises BrokerUnavailableError."""
        failure: BaseException | None = None
        for _ in self._urls:
            try:
                return await self._connect_to(next(self._rotation))
            except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
                reraise_own_cancellation(error)
                failure = error
        raise BrokerUnavailableError(f"no broker host answers: {failure!r}") from failure

    async def _connect_to(self, url: str) -> AbstractConnection:
        separator = "&" if "?" in url else "?"
        return await aio_pika.connect(
            f"{url}{separator}heartbeat={HEARTBEAT_S}",
            timeout=CONNECT_TIMEOUT_S,
            client_properties={"connection_name": self.name},
            connection_class=Connection,
        )


# aio-pika raises a bare RuntimeError for a channel opened on a connection that has died; its
# ChannelInvalidStateError is one, too.
CONNECTION_ERRORS = (
    aio_pika.exceptions.AMQPError,
    RuntimeError,
    OSError,
    TimeoutError,
)


def reraise_own_cancellation(error: BaseException) -> None:
    """Raise a CancelledError on if this task is being cancelled.

    aio-pika also raises it where a connection died under a publish or an acknowledgement.
    """
    task = asyncio.current_task()
    if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
        raise error


@contextmanager
def closing_named() -> Iterator[None]:
    """Raise BrokerUnavailableError for the bare Exception of aiormq.

    It raises that where this side closed a connection or channel while it was being asked.
    """
    try:
        yield
    except Exception as error:
        if type(error) is Exception:
            raise BrokerUnavailableError("closed while it was being asked") from error
        raise


def backoff_s(attempt: int, *, base_s: float = 0.2, limit_s: float = 5.0) -> float:
    """Return a jittered exponential delay for the attempt of that number, counted from 0."""
    return float(min(limit_s, base_s * 2 ** min(attempt, 16)) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter


async def declare(channel: AbstractChannel, queues: list[QueueSpec]) -> None:
    """See to it that the exchanges and the queues, with their dead-letter queues, are there. Safe to repeat.

    What is there is left as it is, which needs no permission: a service's own user may not declare what lasts
    (see `provision`). A transient queue is always declared, and bound.
    """
    lasting = [queue for queue in queues if not queue.transient]
    if not await _are_there(channel, lasting):
        await declare_lasting(channel, lasting)
    for queue in queues:
        if queue.transient:
            await _declare_queue(channel, queue)


async def declare_lasting(channel: AbstractChannel, queues: list[QueueSpec]) -> None:
    """Declare the exchanges, and durable queues with their dead-letter queues and bindings."""
    for exchange in Exchange:
        await channel.declare_exchange(exchange.value, aio_pika.ExchangeType.TOPIC, durable=True)
    for queue in queues:
        await _declare_queue(channel, queue)
        await _declare_dead_letter_queue(channel, queue)


async def _are_there(channel: AbstractChannel, queues: list[QueueSpec]) -> bool:
    """Ask on a channel of its own, which the broker closes when the answer is no."""
    connection = (await channel.get_underlay_channel()).connection
    asking = await connection.channel(publisher_confirms=False)
    names = [name for queue in queues for name in (queue.name, dead_letter_queue(queue).name)]
    try:
        for exchange in Exchange:
            await asking.exchange_declare(exchange.value, passive=True)
        for name in names:
            await asking.queue_declare(name, passive=True)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return False
    await asking.close()
    return True


async def _declare_queue(channel: AbstractChannel, queue: QueueSpec) -> None:
    declared = await channel.declare_queue(
        queue.name,
        durable=not queue.transient,
        exclusive=queue.transient,
        auto_delete=queue.transient,
        arguments=dict(queue.arguments),
    )
    await declared.bind(queue.exchange.value, queue.routing_key)


async def _declare_dead_letter_queue(channel: AbstractChannel, queue: QueueSpec) -> None:
    dead = dead_letter_queue(queue)
    declared = await channel.declare_queue(dead.name, durable=True, arguments={"x-queue-type": "quorum"})
    await declared.bind(dead.exchange.value, dead.routing_key)
