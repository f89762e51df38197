"""Outlives whoever started it by the moment it takes to end what that process left behind.

The parent holds the write end of a pipe, and writes a line for each process it starts. The kernel closes
the pipe when the parent is gone, for whatever reason; then everything noted or marked is asked to stop, and
killed if it does not.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

from modelpick_local import containers
from modelpick_local.processes import RUN_MARK, ProcessId, marked, sweep, wait_gone

_GRACE_S = 4.0


class Watchdog:
    """A guard for the processes of one run, which all carry `MODELPICK_RUN=mark` in their environment."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        command = [sys.executable, "-m", "modelpick_local.watchdog", mark]
        environment = {name: value for name, value in os.environ.items() if name != RUN_MARK}
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )

    def note(self, pid: int, stop_signal: signal.Signals) -> None:
        process = ProcessId.of(pid)
        pipe = self._process.stdin
        if process is None or pipe is None:
            return
        with contextlib.suppress(BrokenPipeError):
            pipe.write(f"{process.pid} {process.born} {stop_signal.value}\n".encode())
            pipe.flush()

    def close(self) -> None:
        """Let the watchdog look for leftovers and end."""
        self._process.communicate()


def end_all(mark: str, noted: dict[ProcessId, int]) -> None:
    """Stop the noted and marked processes in order, then by force; end with this run's containers."""
    family = noted | {process: signal.SIGTERM.value for process in marked(mark) if process not in noted}
    for process, stop_signal in family.items():
        process.signal(stop_signal)
    for process in wait_gone(family, _GRACE_S):
        process.signal(signal.SIGKILL)
    sweep(mark)
    containers.remove_run(mark)


def _read_notes(lines: Iterator[str]) -> dict[ProcessId, int]:
    noted = {}
    for line in lines:
        pid, born, stop_signal = line.split()
        noted[ProcessId(int(pid), born)] = int(stop_signal)
    return noted


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    noted = _read_notes(iter(sys.stdin))
    end_all(sys.argv[1], noted)


if __name__ == "__main__":
    main()
