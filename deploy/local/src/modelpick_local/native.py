"""Run a native server for as long as a `with` block, for tests and one-off commands."""

import contextlib
import signal
import subprocess
import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from modelpick_local.command import Command
from modelpick_local.errors import PartFailedError
from modelpick_local.health import wait_healthy
from modelpick_local.home import Home
from modelpick_local.processes import sweep
from modelpick_local.watchdog import Watchdog

_READY_TIMEOUT_S = 90.0
_STOP_TIMEOUT_S = 20.0


class NativeServer(ABC):
    """A server of this machine in a home of its own. `start` and `stop` may be called again and again."""

    name: str
    port: int
    stop_signal: signal.Signals = signal.SIGTERM

    def __init__(self, home: Path) -> None:
        self.home = Home.at(home)
        self.mark = uuid.uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: Watchdog | None = None

    @property
    @abstractmethod
    def health_url(self) -> str: ...

    @abstractmethod
    def prepare(self) -> Command:
        """Make everything the server needs, clear what a dead one left, and return how to start it."""

    @property
    def pid(self) -> int:
        if self._process is None:
            raise PartFailedError(self.name, "is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        return self.home.logs / f"{self.name}.log"

    def start(self) -> Self:
        self._clear_dead_process()
        command = self.prepare().with_mark(self.mark)
        self._watchdog = self._watchdog or Watchdog(self.mark)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                command.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **command.popen_arguments()
            )
        self._watchdog.note(self._process.pid, command.stop_signal)
        self._wait_ready()
        return self

    def stop(self) -> None:
        """Stop the server in order; kill it when it does not go, and whatever it leaves."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
        sweep(self.mark)
        self._forget_process()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_ready(self) -> None:
        process = self._process
        if process is None or wait_healthy(
            self.health_url, _READY_TIMEOUT_S, is_over=lambda: process.poll() is not None
        ):
            return
        self.stop()
        raise PartFailedError(self.name, "did not become ready", self.log)

    def _clear_dead_process(self) -> None:
        """Make way for a restart: what a killed server leaves (a port mapper, helpers) must not meet it."""
        if self._process is not None:
            self._process.wait(_STOP_TIMEOUT_S)
            sweep(self.mark)

    def _forget_process(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._watchdog is not None:
            self._watchdog.close()
        self._process = self._watchdog = None
