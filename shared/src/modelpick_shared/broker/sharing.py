"""Sharing single-active-consumer queues out to the live members of a fleet."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection

from modelpick_shared.broker.connection import (
    CONNECTION_ERRORS,
    BrokerConnector,
    backoff_s,
    closing_named,
    reraise_own_cancellation,
)
from modelpick_shared.broker.consumer import Consumer
from modelpick_shared.broker.group import QueueReader
from modelpick_shared.contracts import WorkerAlive
from modelpick_shared.errors import BrokerUnavailableError

log = structlog.get_logger()

BEAT_S = 2.0
# A member is gone when three of its beats and a bit were not heard.
LIVE_S = 7.0
# The others answer a newcomer's first beat at once.
LISTEN_FIRST_S = 0.3
OWNERS_A_QUEUE = 2
SUBSCRIBE_TIMEOUT_S = 30.0
# The longest call is 120 s; handing over waits for it.
HAND_OVER_TIMEOUT_S = 130.0


def owners(queue: str, members: Iterable[str], count: int = OWNERS_A_QUEUE) -> list[str]:
    """Return the members that consume a queue, the active one first.

    Rendezvous hashing (Thaler and Ravishankar 1998): the members with the highest hash of member and queue,
    so that one who comes or goes moves only its own queues.
    """

    def weight(member: str) -> bytes:
        return hashlib.blake2b(f"{member}/{queue}".encode(), digest_size=8).digest()

    return sorted(set(members), key=weight, reverse=True)[:count]


@dataclass(frozen=True)
class _Member:
    queues: frozenset[str]
    heard_at_s: float


class Members:
    """Who is alive, by what was heard of the others' heartbeats."""

    def __init__(self, own_id: str) -> None:
        self.own_id = own_id
        self._others: dict[str, _Member] = {}

    def hear(self, alive: WorkerAlive) -> bool:
        """Take note of a heartbeat; return whether it changes anything."""
        if alive.worker_id == self.own_id:
            return False
        before = self._others.pop(alive.worker_id, None)
        if alive.leaving:
            return before is not None
        member = _Member(frozenset(alive.queues), time.monotonic())
        self._others[alive.worker_id] = member
        return before is None or before.queues != member.queues

    def live(self) -> dict[str, frozenset[str]]:
        """Return the live others with the queues that they consume; forget the dead."""
        oldest_s = time.monotonic() - LIVE_S
        self._others = {name: other for name, other in self._others.items() if other.heard_at_s > oldest_s}
        return {name: other.queues for name, other in self._others.items()}


@dataclass(frozen=True)
class Step:
    """What to do about one's queues now."""

    subscribe: frozenset[str] = frozenset()
    stand_by: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()


def next_step(
    own_id: str,
    others: Mapping[str, Collection[str]],
    queues: Iterable[str],
    subscribed: Mapping[str, str | None],
) -> Step:
    """Return which queues to take, which to hand over and take again as the stand-by, and which to leave.

    `others` are the live members' queues; `subscribed` are one's own, each with the first owner that was
    subscribed when one was last put behind it. A queue is handed over only when its first owner consumes it,
    so that it is never without a consumer.
    """
    take, stand_by, leave = set(), set(), set()
    for queue in queues:
        own = owners(queue, [own_id, *others])
        first = own[0]
        first_is_there = first != own_id and queue in others.get(first, ())
        if own_id in own and queue not in subscribed:
            take.add(queue)
        elif own_id not in own and queue in subscribed and first_is_there:
            leave.add(queue)
        elif own_id in own and queue in subscribed and first_is_there and subscribed[queue] != first:
            stand_by.add(queue)
    return Step(frozenset(take), frozenset(stand_by), frozenset(leave))


class SharedQueues:
    """Keeps a member consuming its share of the queues: reconnects, takes over and hands over by itself.

    `listeners` read the other members' heartbeats, which are to reach `hear`; `say` publishes one's own: the
    queues that are consumed, and whether one leaves. It may raise BrokerUnavailableError.
    """

    def __init__(
        self,
        connector: BrokerConnector,
        consumers: Sequence[Consumer[Any]],
        *,
        member_id: str,
        listeners: Sequence[QueueReader],
        say: Callable[[list[str], bool], Awaitable[None]],
    ) -> None:
        self._connector = connector
        self._consumers = {consumer.queue.name: consumer for consumer in consumers}
        self._members = Members(member_id)
        self._listeners = listeners
        self._say_to_all = say
        self._channels: dict[str, AbstractChannel] = {}
        self._listening: list[AbstractChannel] = []
        self._behind: dict[str, str | None] = {}
        self._moving: dict[str, asyncio.Task[None]] = {}
        self._subscribing = asyncio.Lock()
        self._woken = asyncio.Event()
        self._draining = False
        self.ready = False

    @property
    def held(self) -> list[str]:
        """The queues that are consumed now, actively or as the stand-by."""
        return sorted(self._channels)

    async def run(self) -> None:
        """Consume until cancelled; a lost connection or channel starts everything again on a new one."""
        failures = 0
        while True:
            try:
                async with await self._connector.connect() as connection:
                    lost = await self._listen(connection)
                    await self._take_part(connection, lost)
            except (BrokerUnavailableError, *CONNECTION_ERRORS, asyncio.CancelledError) as error:
                reraise_own_cancellation(error)
                log.warning("broker.lost", connection=self._connector.name, error=repr(error))
            failures = 0 if self.ready else failures + 1
            self._forget_connection()
            await asyncio.sleep(backoff_s(failures))

    def hear(self, alive: WorkerAlive) -> None:
        """Take note of a member's heartbeat.

        One that consumes a queue no longer will be the last in its line when it comes back.
        """
        for queue, ahead in self._behind.items():
            if ahead == alive.worker_id and queue not in alive.queues:
                self._behind[queue] = None
        if self._members.hear(alive):
            self._woken.set()

    def wake(self) -> None:
        """Send a heartbeat now, because what it says has changed."""
        self._woken.set()

    async def drain(self, timeout_s: float) -> None:
        """Leave: tell the others, finish what runs within `timeout_s`, hand everything over."""
        self._draining = True
        self.ready = False
        async with self._subscribing:  # what is being subscribed now is to be drained as well
            drains = [consumer.drain(timeout_s) for consumer in self._consumers.values()]
        await asyncio.gather(self._say(leaving=True), *drains)

    async def _listen(self, connection: AbstractConnection) -> asyncio.Event:
        lost = asyncio.Event()
        connection.close_callbacks.add(lambda *_: self._lose(lost))
        async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
            self._listening = [await connection.channel(publisher_confirms=False) for _ in self._listeners]
            for listener, channel in zip(self._listeners, self._listening, strict=True):
                channel.close_callbacks.add(lambda *_: self._lose(lost))
                with closing_named():
                    await listener.start(channel)
        return lost

    def _lose(self, lost: asyncio.Event) -> None:
        lost.set()
        self._woken.set()

    async def _take_part(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        """Introduce oneself, hear who is there, and from then on do what the membership asks for."""
        await self._say()
        await asyncio.sleep(LISTEN_FIRST_S)
        while not lost.is_set():
            self._woken.clear()
            await self._adjust(connection, lost)
            self.ready = not self._draining
            await self._say(leaving=self._draining)
            await self._pause(BEAT_S)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _say(self, *, leaving: bool = False) -> None:
        try:
            await self._say_to_all([] if leaving else self.held, leaving)
        except BrokerUnavailableError as error:
            log.info("heartbeat.dropped", reason=str(error))

    async def _adjust(self, connection: AbstractConnection, lost: asyncio.Event) -> None:
        if self._draining:
            return
        settled = [queue for queue in self._consumers if queue not in self._moving]
        subscribed = {queue: self._behind[queue] for queue in settled if queue in self._channels}
        step = next_step(self._members.own_id, self._members.live(), settled, subscribed)
        async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
            for queue in sorted(step.subscribe):
                await self._subscribe(queue, connection, lost)
        for queue in step.stand_by | step.leave:
            again = queue in step.stand_by
            self._moving[queue] = asyncio.create_task(self._move(queue, connection, lost, again=again))

    async def _subscribe(self, queue: str, connection: AbstractConnection, lost: asyncio.Event) -> None:
        async with self._subscribing:
            if self._draining:
                return
            with closing_named():
                channel = await connection.channel(publisher_confirms=False)
                self._channels[queue] = channel
                channel.close_callbacks.add(lambda *_: self._lose_channel(queue, channel, lost))
                self._behind[queue] = self._first_owner_there(queue)
                await self._consumers[queue].start(channel)

    def _lose_channel(self, queue: str, channel: AbstractChannel, lost: asyncio.Event) -> None:
        if self._channels.get(queue) is channel:
            self._lose(lost)

    def _first_owner_there(self, queue: str) -> str | None:
        others = self._members.live()
        first = owners(queue, [self._members.own_id, *others])[0]
        return first if queue in others.get(first, ()) else None

    async def _move(
        self, queue: str, connection: AbstractConnection, lost: asyncio.Event, *, again: bool
    ) -> None:
        """Hand a queue over to its first owner, and take it again as the stand-by if one is that."""
        try:
            await self._consumers[queue].drain(HAND_OVER_TIMEOUT_S)
            with closing_named():
                await self._channels.pop(queue).close()
            log.info("queue.handed_over", queue=queue, stand_by=again)
            if again:
                await self._subscribe(queue, connection, lost)
        except (BrokerUnavailableError, *CONNECTION_ERRORS, asyncio.CancelledError) as error:
            reraise_own_cancellation(error)
            log.info("queue.hand_over_lost", queue=queue, error=repr(error))
            self._lose(lost)
        finally:
            if self._moving.get(queue) is asyncio.current_task():
                del self._moving[queue]
            self._woken.set()

    def _forget_connection(self) -> None:
        self.ready = False
        for task in self._moving.values():
            task.cancel()
        self._moving.clear()
        self._channels.clear()
        self._behind.clear()
