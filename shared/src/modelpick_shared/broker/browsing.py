"""Looking into queues and moving dead letters, on the broker's own protocol, without plugins."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage

from modelpick_shared.broker.connection import CONNECTION_ERRORS, BrokerConnector, reraise_own_cancellation
from modelpick_shared.broker.delivery import Delivery
from modelpick_shared.broker.receipts import consume
from modelpick_shared.broker.topology import Exchange, dead_letter_queue_name
from modelpick_shared.errors import BrokerUnavailableError

# RabbitMQ 4 drops what was taken out and given back 20 times from a queue that sets no limit of its own,
# as dead-letter queues do; 3.10 never does. What comes near is put into its queue anew.
LOOKS_BEFORE_RENEWAL = 10
# The largest prefetch there is: nobody looks at more letters at once.
MOST_HELD = 65_535
# What was given back once goes behind all others that were, so a look at some of few letters takes them all.
HELD_FOR_ORDER = 1_000
QUIET_S = 0.2
ON_ITS_WAY_S = 1.0
QUIET_LIMIT = 25
POLL_S = 0.01
BACK_WITHIN_POLLS = 300
# Headers of the broker's own dead-lettering; they are of no use to whoever gets the message next.
_BROKERS_OWN = ("x-death", "x-delivery-count", "x-first-death-", "x-last-death-")


class QueueCounts(NamedTuple):
    """Messages ready for delivery, and consumers."""

    ready: int
    consumers: int


class HeldLetter:
    """A message taken out of a queue that goes back unless it is `settled`."""

    def __init__(self, incoming: DeliveredMessage) -> None:
        self._incoming = incoming
        self.is_settled = False
        self.delivery = _delivery_of(incoming)

    async def settle(self) -> None:
        """Acknowledge: the message is gone from its queue for good. Raises BrokerUnavailableError."""
        with _failing_named():
            await self._incoming.channel.basic_ack(self._incoming.delivery_tag or 0)
        self.is_settled = True

    @property
    def wears_out(self) -> bool:
        """Whether it was given back so often that the broker may soon drop it."""
        looks = _headers_of(self._incoming).get("x-delivery-count", 0)
        return not self.is_settled and isinstance(looks, int) and looks >= LOOKS_BEFORE_RENEWAL

    async def renew(self, channel: AbstractChannel, name: str) -> None:
        """Put it into its queue anew, as it is, and only then take the old one away."""
        message = aio_pika.Message(self._incoming.body, **_properties_of(self._incoming))
        # By the exchange of dead letters: the default one would let whoever may use it into every queue.
        dead = await channel.get_exchange(Exchange.DEAD.value, ensure=False)
        await dead.publish(message, name.removesuffix(dead_letter_queue_name("")), mandatory=True)
        await self.settle()


class QueueBrowser:
    """One connection for looking and moving. Everything raises BrokerUnavailableError without a broker."""

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
        with _failing_named():
            channel = await self._open().channel()
            try:
                declared = await channel.declare_queue(name, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return None
            await channel.close()
        result = declared.declaration_result
        return QueueCounts(result.message_count or 0, result.consumer_count or 0)

    @asynccontextmanager
    async def letters(
        self, name: str, *, limit: int | None = None
    ) -> AsyncIterator[AsyncIterator[HeldLetter]]:
        """Take messages out of a queue, one by one: those there are now, at most `limit`.

        What is not settled when the block is left goes back to where it was, with its headers. This is for
        dead letters: work that comes back would look redelivered to its worker, as if a call had been lost.
        """
        counts = await self._counts(name)
        ready = min(counts.ready if counts else 0, MOST_HELD)
        with _failing_named():
            channel = await self._open().channel(publisher_confirms=True, on_return_raises=True)
        held: list[HeldLetter] = []
        try:
            wanted = ready if limit is None else min(limit, ready)
            arrived = await _consume(channel, name, wanted if ready > HELD_FOR_ORDER else ready, held)
            yield self._take(arrived, channel, name, wanted)
        finally:
            # Those put anew among them: on the old channel they may be delivered once more before it closes.
            unsettled = sum(not letter.is_settled for letter in held)
            await _give_back(channel, name, held)
            await self._wait_until_back(name, unsettled)

    async def _take(
        self, arrived: asyncio.Queue[HeldLetter], channel: AbstractChannel, name: str, count: int
    ) -> AsyncIterator[HeldLetter]:
        for _ in range(count):
            letter = await self._next(arrived, channel, name)
            if letter is None:
                return
            yield letter

    async def _next(
        self, arrived: asyncio.Queue[HeldLetter], channel: AbstractChannel, name: str
    ) -> HeldLetter | None:
        """Return what arrives; None once the queue is empty, which somebody else may have done."""
        for _ in range(QUIET_LIMIT):
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIET_S):
                    return await arrived.get()
            counts = await self._counts(name)
            if channel.is_closed:
                break
            if counts is None:
                return None
            if not counts.ready:
                return await _last_on_its_way(channel, name, arrived)
        raise BrokerUnavailableError(f"the broker holds back what is in {name}")

    async def _wait_until_back(self, name: str, letters: int) -> None:
        # The broker closes a channel before the queue has its messages again. Somebody else may take them.
        for _ in range(BACK_WITHIN_POLLS if letters else 0):
            counts = await self._counts(name)
            if counts is None or counts.ready >= letters:
                return
            await asyncio.sleep(POLL_S)

    async def purge(self, name: str) -> int:
        """Drop all ready messages of a queue; return how many. A queue that does not exist has none."""
        if await self._counts(name) is None:
            return 0
        with _failing_named():
            channel = await self._open().channel()
            purged = await (await channel.get_queue(name, ensure=False)).purge()
            await channel.close()
        return purged.message_count or 0

    def _open(self) -> AbstractConnection:
        if self._connection is None:
            raise BrokerUnavailableError("not connected")
        return self._connection


@contextmanager
def _failing_named() -> Iterator[None]:
    try:
        yield
    except (*CONNECTION_ERRORS, asyncio.CancelledError) as error:
        reraise_own_cancellation(error)
        raise BrokerUnavailableError(f"the broker was lost or refused: {error!r}") from error


async def _consume(
    channel: AbstractChannel, name: str, count: int, held: list[HeldLetter]
) -> asyncio.Queue[HeldLetter]:
    # Not by `basic.get`: each is a consumer of its own, and what ten or more of them hold comes back shuffled
    # (RabbitMQ 3.10). Neither by rejecting, which puts a letter last.
    arrived: asyncio.Queue[HeldLetter] = asyncio.Queue()

    async def receive(incoming: DeliveredMessage) -> None:
        held.append(HeldLetter(incoming))
        arrived.put_nowait(held[-1])

    if not count:
        return arrived
    with _failing_named():
        await channel.set_qos(prefetch_count=count)
        await consume(channel, name, receive)
    return arrived


async def _last_on_its_way(
    channel: AbstractChannel, name: str, arrived: asyncio.Queue[HeldLetter]
) -> HeldLetter | None:
    """Return what the broker had sent before it said that nothing is left: it answers a channel in order."""
    with _failing_named():
        await channel.declare_queue(name, passive=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(ON_ITS_WAY_S):
            return await arrived.get()
    return None


async def _give_back(channel: AbstractChannel, name: str, held: list[HeldLetter]) -> None:
    if channel.is_closed:  # the broker has taken everything back
        return
    with _failing_named():
        for letter in list(held):
            if letter.wears_out:
                await letter.renew(channel, name)
        await channel.close()


def _delivery_of(incoming: DeliveredMessage) -> Delivery:
    """Return a delivery whose headers tell of its failure, also where the broker itself laid it down."""
    delivery = Delivery.of(incoming)
    told = {name: text for name, text in delivery.headers.items() if not name.startswith(_BROKERS_OWN)}
    return replace(delivery, headers=_brokers_account(_headers_of(incoming)) | told)


def _brokers_account(headers: dict[str, Any]) -> dict[str, str]:
    deaths = headers.get("x-death")
    if not isinstance(deaths, list) or not deaths:
        return {}
    first, last = deaths[-1], deaths[0]
    times = {"x-first-failed-at": first.get("time"), "x-last-failed-at": last.get("time")}
    account = {"x-reason": f"the broker: {last.get('reason')}", "x-queue": str(last.get("queue"))}
    return account | {name: time.isoformat() for name, time in times.items() if isinstance(time, datetime)}


def _properties_of(incoming: DeliveredMessage) -> dict[str, Any]:
    kept = ("content_type", "delivery_mode", "message_id", "correlation_id", "timestamp")
    properties = incoming.header.properties
    headers = {name: value for name, value in _headers_of(incoming).items() if name != "x-delivery-count"}
    own = {name: getattr(properties, name) for name in kept}
    return own | {"type": properties.message_type, "headers": headers}


def _headers_of(incoming: DeliveredMessage) -> dict[str, Any]:
    return incoming.header.properties.headers or {}
