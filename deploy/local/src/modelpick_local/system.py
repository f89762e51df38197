"""A whole system for tests, as its users start it: `modelpick-local up` in a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from modelpick_local.access import OWNERS, without_owners
from modelpick_local.errors import PartFailedError
from modelpick_local.home import Home
from modelpick_local.ports import free_port
from modelpick_local.postgres_place import elsewhere
from modelpick_local.state import PartKind, PartState, read_state

_LAUNCHER = (sys.executable, "-m", "modelpick_local.main", "up")
_POLL_S = 0.05
_TAIL_LINES = 40
_NOT_INHERITED = ("MODELPICK_HOME", "MODELPICK_RUN", "PORT", "SITE_URL")


class System:
    """A running system: `with System(env={...}) as system: system.site_url`.

    Without a home it gets a temporary one that goes with it. `env` is added to the environment; `command`
    replaces the launcher's, for stand-ins.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        port: int | None = None,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = _LAUNCHER,
        ready_timeout_s: float = 180.0,
        stop_timeout_s: float = 60.0,
    ) -> None:
        self._is_temporary = home is None
        self.home = Home.at(home or _temporary_home())
        self.port = port or free_port()
        self._env = dict(env or {})
        self._command = tuple(command)
        self._ready_timeout_s = ready_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def site_url(self) -> str:
        return self._env.get("SITE_URL", f"http://localhost:{self.port}")

    @property
    def log(self) -> Path:
        """What the launcher printed; each part's own log lies beside it."""
        return self.home.logs / "launcher.log"

    @property
    def launcher_pid(self) -> int:
        return self._running().pid

    def start(self) -> Self:
        """Start and wait for the ready line; raise PartFailedError with the end of the log otherwise."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        self._wait_ready()
        return self

    def stop(self) -> int:
        """Stop in order and return the launcher's exit code; kill it when it takes too long."""
        process = self._running()
        process.terminate()
        try:
            return process.wait(self._stop_timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def parts(self) -> dict[str, PartState]:
        """Return every part by its name, as the state file has it now."""
        state = read_state(self.home)
        return {part.name: part for part in state.parts} if state else {}

    def variables(self) -> dict[str, str]:
        """Return DATABASE_URL, RABBITMQ_URL and what else the launcher found or made for its parts."""
        state = read_state(self.home)
        return dict(state.variables) if state else {}

    def variables_of(self, service: str) -> dict[str, str]:
        """Return what the launcher gave a service, with its own addresses in the owner's place."""
        variables = self.variables()
        ending = f"_{service.upper().replace('-', '_')}"
        own = {name: variables[name + ending] for name in OWNERS if name + ending in variables}
        return {**without_owners(variables), **own}

    def pid(self, part: str) -> int:
        pid = self.parts()[part].pid
        if pid is None:
            raise PartFailedError(part, "is not running")
        return pid

    def simulators(self) -> dict[str, str]:
        """Return the addresses of the simulators, by vendor: stripe, openrouter, mail."""
        parts = self.parts().values()
        return {
            part.name.removesuffix("-simulator"): part.address or ""
            for part in parts
            if part.kind == PartKind.SIMULATOR
        }

    def kill(self, part: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a part; the launcher starts it again when it ends.

        Raise PartFailedError when it does not run: its process id may be somebody else's by now.
        """
        process = self.parts()[part].process
        if process is None or not process.process.signal_alone(number):
            raise PartFailedError(part, "is not running")

    def kill_launcher(self) -> None:
        """Kill the launcher without a chance to stop anything."""
        self._running().kill()
        self._running().wait()

    def tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    def close(self) -> None:
        """Stop if running, and remove a temporary home."""
        if self._process is not None and self._process.poll() is None:
            self.stop()
        if self._is_temporary:
            shutil.rmtree(elsewhere(self.home), ignore_errors=True)
            shutil.rmtree(self.home.root, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise PartFailedError("launcher", "was not started")
        return self._process

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        own = {"MODELPICK_HOME": str(self.home.root), "PORT": str(self.port)}
        return {**inherited, **own, **self._env}

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + self._ready_timeout_s
        process = self._running()
        ready = f"ready {self.site_url}"
        while time.monotonic() < deadline and process.poll() is None:
            if ready in self.log.read_text(errors="replace").splitlines():
                return
            time.sleep(_POLL_S)
        raise PartFailedError("launcher", f"did not become ready\n{self.tail()}", self.log)


def _temporary_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="modelpick-"))
    home.chmod(0o755)
    return home
