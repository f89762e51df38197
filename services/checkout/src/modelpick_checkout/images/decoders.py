"""Processes that inspect images, so that no file of a stranger is decoded where the service lives."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, Self

import structlog

from modelpick_checkout.errors import DecoderUnavailableError, UnsupportedImageError, UnusableImageError
from modelpick_checkout.images.facts import READY, ImageFacts, InspectedImage, kind_of

log = structlog.get_logger()

_MODULE = "modelpick_checkout.images.decode"
# An image at the limit takes up to 0.8 GB while it is decoded.
_AT_ONCE = 2
_START_TIMEOUT_S = 20.0
# The process ends itself in time, unless it is stopped.
_GRACE_S = 5.0
# What is kept of a file is not longer than the file, but for the orientation.
_MOST_ADDED_BYTES = 256
_TOO_SLOW = frozenset({-signal.SIGXCPU, -signal.SIGALRM})


class DecodeLimits(NamedTuple):
    """What one image may take. Images at the limit of 40 megapixels take 0.8 GB and 1 s of CPU."""

    memory_bytes: int = 1024**3
    cpu_s: int = 5
    wall_s: int = 15


class Decoders:
    """Inspects each image in a process of its own, two at once.

    One process is always started ahead: starting takes 50 ms. As none is used twice, no image can do
    anything to the next one, and limits count from zero.
    """

    def __init__(self, limits: DecodeLimits | None = None) -> None:
        self._limits = limits or DecodeLimits()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._spare: asyncio.Task[_Decoder] | None = None
        self._open = False

    async def __aenter__(self) -> Self:
        self._open = True
        self._prepare()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        if self._spare is not None:
            self._spare.cancel()
            with suppress(asyncio.CancelledError, DecoderUnavailableError):
                await (await self._spare).end()

    async def inspect(self, content: bytes) -> InspectedImage:
        """Return what to keep of an image.

        Raises UnsupportedImageError, UnusableImageError, and DecoderUnavailableError when it is the
        machine's fault.
        """
        kind_of(content)
        async with self._slots:
            try:
                return await self._inspected(content)
            except DecoderUnavailableError as error:
                log.warning("image.decoder_lost", reason=str(error))
                return await self._inspected(content)

    async def _inspected(self, content: bytes) -> InspectedImage:
        async with self._decoder() as decoder:
            return await decoder.inspect(content)

    @asynccontextmanager
    async def _decoder(self) -> "AsyncIterator[_Decoder]":
        spare, self._spare = self._spare, None
        decoder = await (spare or asyncio.create_task(_Decoder.start(self._limits)))
        try:
            yield decoder
        finally:
            await decoder.end()
            self._prepare()

    def _prepare(self) -> None:
        if self._open and self._spare is None:
            self._spare = asyncio.create_task(_Decoder.start(self._limits))
            # It is asked for its result when it is needed; until then nobody is interested in a failure.
            self._spare.add_done_callback(lambda task: task.cancelled() or task.exception())


class _Decoder:
    def __init__(self, process: Process, limits: DecodeLimits) -> None:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        self._process, self._input, self._output = process, process.stdin, process.stdout
        self._timeout_s = limits.wall_s + _GRACE_S

    @classmethod
    async def start(cls, limits: DecodeLimits) -> Self:
        """Start a process and wait until it is ready. Raises DecoderUnavailableError."""
        try:
            # Without environment: it holds the service's secrets. In a session of its own: signals that a
            # terminal sends are for the service.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", _MODULE, *map(str, limits)),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise DecoderUnavailableError(f"no process for decoding: {error.strerror}") from error
        decoder = cls(process, limits)
        try:
            await decoder._wait_ready()
        except BaseException:
            await decoder.end()
            raise
        return decoder

    async def inspect(self, content: bytes) -> InspectedImage:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._send(content)
                about, kept = await self._answer(len(content))
        except TimeoutError:
            raise _too_slow() from None
        if "facts" in about:
            return InspectedImage(ImageFacts(*about["facts"]), kept)
        if "unsupported" in about:
            raise UnsupportedImageError(about["unsupported"])
        raise UnusableImageError(about["unusable"])

    async def end(self) -> None:
        """Kill what still runs, and leave no trace of it."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._input.close()
        await self._output.read()
        await self._process.wait()

    async def _wait_ready(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_TIMEOUT_S):
                if await self._output.readline() == READY:
                    return
        raise DecoderUnavailableError("a process for decoding does not start")

    async def _send(self, content: bytes) -> None:
        # One that has ended says so by not answering.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._input.write(content)
            await self._input.drain()
            self._input.close()
            await self._input.wait_closed()

    async def _answer(self, sent_bytes: int) -> tuple[dict[str, Any], bytes]:
        line = await self._output.readline()
        if not line.endswith(b"\n"):
            raise await self._failure()
        about: dict[str, Any] = json.loads(line)
        if about["bytes"] > sent_bytes + _MOST_ADDED_BYTES:
            raise UnusableImageError("The image is damaged and cannot be read.")
        try:
            return about, await self._output.readexactly(about["bytes"])
        except asyncio.IncompleteReadError:
            raise await self._failure() from None

    async def _failure(self) -> Exception:
        status = await self._process.wait()
        log.warning("image.decoder_failed", status=status)
        if status == -signal.SIGKILL:
            return DecoderUnavailableError("a process for decoding was killed")
        return _too_slow() if status in _TOO_SLOW else UnusableImageError("The image cannot be read.")


def _too_slow() -> UnusableImageError:
    return UnusableImageError("The image takes too long to read.")
