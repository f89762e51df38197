"""What Linux knows about processes: identities that a reused pid does not fool, families by their mark."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RUN_MARK = "MODELPICK_RUN"
_PROC = Path("/proc")
_POLL_S = 0.05
_START_TIME_FIELD = 19  # counted after the command's closing parenthesis, see proc(5)
_STATE_FIELD = 0


@dataclass(frozen=True)
class ProcessId:
    """A process id that does not mistake a successor for the process: `born` is boot id and start time."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        fields = _stat_fields(pid)
        if fields is None or fields[_STATE_FIELD] in "ZX":
            return None
        return cls(pid, f"{_boot_id()}:{fields[_START_TIME_FIELD]}")

    def is_alive(self) -> bool:
        return ProcessId.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Signal the process, and its group when it leads one."""
        if not self.is_alive():
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def signal_alone(self, number: int) -> bool:
        """Signal the process without its group; return whether it was still there."""
        if not self.is_alive():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def marked(mark: str) -> list[ProcessId]:
    """Return the live processes that carry a mark or one below it (`run/part/` is below `run`).

    Whoever their parent is. No mark means no process: what others have marked is not ours.
    """
    if not mark:
        return []
    found = (ProcessId.of(pid) for pid in _all_pids() if _carries(_environment(pid), mark))
    return [process for process in found if process is not None]


def wait_gone(processes: Iterable[ProcessId], timeout_s: float) -> list[ProcessId]:
    """Wait until none lives; return those that still do at the deadline."""
    deadline = time.monotonic() + timeout_s
    alive = [process for process in processes if process.is_alive()]
    while alive and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        alive = [process for process in alive if process.is_alive()]
    return alive


def sweep(mark: str, timeout_s: float = 2.0) -> None:
    """Kill what carries the mark until a look finds nothing twice: a fork may hide between fork and exec."""
    deadline = time.monotonic() + timeout_s
    empty_looks = 0
    while empty_looks < 2 and time.monotonic() < deadline:  # noqa: PLR2004 - "twice"
        found = marked(mark)
        empty_looks = 0 if found else empty_looks + 1
        for process in found:
            process.signal(signal.SIGKILL)
        time.sleep(_POLL_S)


def command_line(pid: int) -> str:
    try:
        raw = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()


def listener_on(port: int) -> int | None:
    """Return the pid that listens on a TCP port, where we may look."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    return next((pid for pid in _all_pids() if sockets & _open_files(pid)), None) if sockets else None


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in (_PROC / "net/tcp", _PROC / "net/tcp6"):
        lines = table.read_text().splitlines()[1:] if table.exists() else []
        for columns in map(str.split, lines):
            listening = columns[3] == "0A"
            if listening and int(columns[1].rsplit(":", 1)[1], 16) == port:
                inodes.append(columns[9])
    return inodes


def _open_files(pid: int) -> set[str]:
    links = set()
    with contextlib.suppress(OSError):
        for entry in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                links.add(str(entry.readlink()))
    return links


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _carries(environment: list[bytes], mark: str) -> bool:
    same = f"{RUN_MARK}={mark}".encode()
    below = same.rstrip(b"/") + b"/"
    return any(entry == same or entry.startswith(below) for entry in environment)


def _stat_fields(pid: int) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
