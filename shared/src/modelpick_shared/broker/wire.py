"""Connections of aio-pika that write everything which waits at once, instead of frame by frame."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aio_pika
import aiormq
from aio_pika.abc import TimeoutType, UnderlayConnection
from aiormq.abc import AbstractConnection, ChannelFrame
from yarl import URL

# With aiormq's own ten, publishes beyond stand in line, and each is then written by itself.
FRAMES_WAITING = 500
WRITE_BYTES = 64 * 1024


@dataclass(frozen=True)
class JoinedFrames(ChannelFrame):
    """Several frames, written as one."""

    frames: tuple[ChannelFrame, ...] = ()

    @property
    def should_drain(self) -> bool:
        return any(frame.should_drain for frame in self.frames)

    def drain(self) -> None:
        for frame in self.frames:
            frame.drain()


class WriteQueue(asyncio.Queue[ChannelFrame]):
    """What a connection has to write; whoever takes from it gets all that waits, up to some 64 KiB.

    uvloop makes a system call of every write, and each wakes the broker: that was a quarter of a worker's
    time, and of the broker's.
    """

    async def get(self) -> ChannelFrame:
        """Return the frames that wait, as one; wait for one if there is none."""
        frames = [await super().get()]
        size = len(frames[0].payload)
        while size < WRITE_BYTES and not self.empty() and not frames[-1].should_close:
            frames.append(self.get_nowait())
            self.task_done()
            size += len(frames[-1].payload)
        if len(frames) == 1:
            return frames[0]
        payload = b"".join(frame.payload for frame in frames)
        return JoinedFrames(payload, frames[-1].should_close, frames=tuple(frames))


class _WireConnection(aiormq.Connection):
    def __init__(self, url: URL, **options: Any) -> None:
        super().__init__(url, **options)
        self.write_queue = WriteQueue(FRAMES_WAITING)


class _Underlay(UnderlayConnection):
    @classmethod
    async def make_connection(
        cls,
        url: URL,
        timeout: TimeoutType = None,  # noqa: ASYNC109 - aio-pika's signature
        **options: Any,
    ) -> AbstractConnection:
        connection = _WireConnection(url, **options)
        async with asyncio.timeout(timeout):
            await connection.connect()
        await connection.ready()
        return connection


class Connection(aio_pika.Connection):
    """A connection to one host, for `aio_pika.connect(connection_class=...)`."""

    async def connect(self, timeout: TimeoutType = None) -> None:  # noqa: ASYNC109 - aio-pika's signature
        """Connect; called by `aio_pika.connect`. Raises what aio-pika's own raises."""
        self.transport = await _Underlay.connect(
            self.url, self._on_connection_close, timeout=timeout, **self.kwargs
        )
        await self._on_connected()
