"""Live progress: what moved is read once and given to every browser that watches it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

import structlog

from modelpick_reports.metrics import STATES_READ, WATCHERS
from modelpick_shared.errors import TransientError

log = structlog.get_logger()

# The messages are transient: what they lose is found by looking this often.
POLL_S = 3.0
# Reports that run move many times a second; this long a burst is gathered into one read.
GATHER_S = 0.1
RETRY_S = 1.0


class State(NamedTuple):
    """A report at one moment; `body` is its serialised view, the same string for every watcher."""

    revision: int
    body: str
    ended: bool


class _Channel:
    """The newest state of one report, and how many watch it."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.changed = asyncio.Event()
        self.watchers = 0

    def put(self, state: State) -> None:
        self.state = state
        self.wake()

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Watch:
    """One browser's view of a channel. A slow browser skips states; it is never behind, only coarser."""

    def __init__(self, hub: "Hub", channel: _Channel) -> None:
        self._hub = hub
        self._channel = channel
        self._seen: State | None = None

    async def next(self) -> State | None:
        """Wait for a state other than the last one; None when the service stops."""
        while not self._hub.closed:
            changed = self._channel.changed
            if self._channel.state not in {None, self._seen}:
                self._seen = self._channel.state
                return self._seen
            await changed.wait()
        return None


class Hub:
    """Holds the watched reports of this process.

    `read` returns the states of the reports that exist; every `poll_s` seconds all watched ones are read.
    """

    def __init__(
        self,
        read: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, State]]],
        *,
        poll_s: float = POLL_S,
    ) -> None:
        self._read = read
        self._poll_s = poll_s
        self._channels: dict[UUID, _Channel] = {}
        self._moved: set[UUID] = set()
        self._woken = asyncio.Event()
        self.closed = False

    @contextmanager
    def watch(self, report_id: UUID) -> Iterator[Watch]:
        """Watch a report; its present state comes first."""
        channel = self._channels.setdefault(report_id, _Channel())
        channel.watchers += 1
        self.moved(report_id)
        with WATCHERS.track_inprogress():
            try:
                yield Watch(self, channel)
            finally:
                self._leave(report_id, channel)

    def moved(self, report_id: UUID) -> None:
        """Have a report read again, if anybody watches it."""
        if report_id in self._channels:
            self._moved.add(report_id)
            self._woken.set()

    def close(self) -> None:
        """End every watch."""
        self.closed = True
        for channel in self._channels.values():
            channel.wake()

    async def run(self) -> None:
        """Read what moved and pass it on, until cancelled."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(GATHER_S)
            self._woken.clear()
            moved, self._moved = self._moved, set()
            try:
                await self._pass_on(moved)
            except TransientError as error:
                log.warning("progress.retry", reason=str(error))
                await asyncio.sleep(RETRY_S)
                for report_id in moved:
                    self.moved(report_id)

    async def poll(self) -> None:
        """Look at every watched report now and then, until cancelled."""
        while True:
            await asyncio.sleep(self._poll_s)
            for report_id in self._channels:
                self.moved(report_id)

    async def _pass_on(self, report_ids: set[UUID]) -> None:
        watched = [report_id for report_id in report_ids if report_id in self._channels]
        if not watched:
            return
        states = await self._read(watched)
        STATES_READ.inc(len(states))
        for report_id, state in states.items():
            channel = self._channels.get(report_id)
            if channel is not None and state != channel.state:
                channel.put(state)

    def _leave(self, report_id: UUID, channel: _Channel) -> None:
        channel.watchers -= 1
        if channel.watchers == 0:
            del self._channels[report_id]
