"""What processes cost on Linux: CPU time and memory, from /proc."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"
# Of /proc/PID/stat, counted after the command's closing parenthesis, see proc(5).
_PARENT = 1
_CPU_TIMES = slice(11, 15)  # own, in user and kernel mode, and that of the children that have ended


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process, its threads and its children so far, in seconds."""
    own = sum(map(int, _stat(pid)[_CPU_TIMES])) / _TICKS_PER_S
    return own + sum(cpu_s(child) for child in _children(pid))


def machine_cpu_s() -> float:
    """Return the CPU time that all processors of this machine have spent at work so far, in seconds."""
    user, nice, system, _idle, _iowait, irq, softirq = Path("/proc/stat").read_text().split()[1:8]
    return sum(map(int, (user, nice, system, irq, softirq))) / _TICKS_PER_S


def memory_mb(pid: int) -> tuple[float, float]:
    """Return a process's resident memory now and at its peak, in MB (10^6 bytes)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    now, peak = (int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
    return now, peak


def listener(port: int) -> int | None:
    """Return the process that listens on a TCP port; None where it runs elsewhere, or is another user's."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return min((pid for pid in pids if sockets & _open_files(pid)), default=None)


class Meter:
    """The CPU time of named processes, and of all else on the machine, from when it was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._began_s = time.perf_counter()
        self._before = self._now()

    @classmethod
    def of(cls, pids: Mapping[str, int | None]) -> Self:
        """Measure those of the processes that are to be seen from here."""
        return cls({name: pid for name, pid in pids.items() if pid is not None})

    def spent_s(self) -> dict[str, float]:
        now = self._now()
        return {name: now[name] - self._before[name] for name in now}

    def processors(self) -> dict[str, float]:
        """Return how many processors each part kept busy."""
        took_s = time.perf_counter() - self._began_s
        return {f"processors, {name}": round(spent / took_s, 2) for name, spent in self.spent_s().items()}

    def each_ms(self, count: int) -> dict[str, float]:
        """Return the CPU time of each part for one of `count` things, in milliseconds."""
        spent = self.spent_s().items()
        return {f"CPU ms each, {name}": round(1000 * seconds / count, 2) for name, seconds in spent}

    def _now(self) -> dict[str, float]:
        parts = {name: cpu_s(pid) for name, pid in self._pids.items()}
        return parts | {"all else": machine_cpu_s() - sum(parts.values())}


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def _listening_inodes(port: int) -> list[str]:
    inodes = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
            inodes += [row[9] for row in rows if row[3] == _LISTENING and row[1].endswith(f":{port:04X}")]
    return inodes


def _open_files(pid: int) -> set[str]:
    try:
        return {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()
