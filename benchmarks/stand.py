"""What the benchmarks run on: real stores, real services, and the fast model API, each a process."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from modelpick_local.ports import free_port
from modelpick_local.session_servers import BrokerServer, DatabaseServer, broker_server, database_server
from modelpick_shared.db.migrate import upgrade

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_READY_TIMEOUT_S = 60.0


class Process:
    """A process of ours, with what it costs."""

    def __init__(
        self, arguments: Sequence[str], environment: dict[str, str], address: str, log: Path
    ) -> None:
        self.address = address
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", *arguments], env=os.environ | environment, stdout=output, stderr=output
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, path: str) -> None:
        ends_at = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < ends_at:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._process.args!r} has ended")
            try:
                if httpx.get(f"{self.address}{path}", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise TimeoutError(f"{self.address} is not ready")

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process and its threads so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def machine_cpu_s() -> float:
    """Return the CPU time that all processors of this machine have spent at work so far, in seconds."""
    user, nice, system, _idle, _iowait, irq, softirq = Path("/proc/stat").read_text().split()[1:8]
    return sum(map(int, (user, nice, system, irq, softirq))) / _TICKS_PER_S


def memory_mb(pid: int) -> tuple[float, float]:
    """Return a process's resident memory now and at its peak, in MB (10^6 bytes)."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(lines[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


class ModelApi:
    """The fast model API as its users see it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.url = f"{process.address}/api/v1"

    def set_mode(self, **mode: float) -> None:
        """Forget all calls and behave like that from now on."""
        httpx.put(f"{self.process.address}/mode", json=mode, trust_env=False).raise_for_status()

    def journal(self) -> dict[str, Any]:
        journal: dict[str, Any] = httpx.get(f"{self.process.address}/journal", trust_env=False).json()
        return journal


class Stand:
    """Everything that a benchmark needs, in a folder that goes with it."""

    def __init__(self, database: DatabaseServer, broker: BrokerServer, folder: Path) -> None:
        self.database_url = database.create()
        upgrade(self.database_url)
        self.broker_url = broker.create_vhost()
        self._folder = folder
        self._processes: list[Process] = []
        port = free_port()
        self.api = ModelApi(self._start(["benchmarks.model_api", str(port)], {}, port, "/journal"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.end()

    def put_images(self, count: int, size: int) -> None:
        """Put images of so many bytes into the image store."""
        for number in range(count):
            (self._folder / f"image-{number}").write_bytes(os.urandom(size))

    def start(self, service: str) -> Process:
        """Start the orchestrator or a worker, and wait until it is ready."""
        port = free_port()
        environment = {
            "SERVICE_PORT": str(port),
            "DATABASE_URL": self.database_url,
            "RABBITMQ_URL": self.broker_url,
            "IMAGE_STORE_URL": f"file://{self._folder}",
            "OPENROUTER_BASE_URL": self.api.url,
            "OPENROUTER_API_KEY": "sk-or-bench",
            "LOG_LEVEL": "WARNING",
        }
        return self._start(["benchmarks.services", service], environment, port, "/readyz")

    def _start(self, arguments: list[str], environment: dict[str, str], port: int, ready: str) -> Process:
        log = self._folder / "log.txt"
        process = Process(arguments, environment, f"http://127.0.0.1:{port}", log)
        self._processes.append(process)
        process.wait_ready(ready)
        return process


class Stores:
    """A PostgreSQL and a RabbitMQ for all benchmarks of a session."""

    def __init__(self, database: DatabaseServer, broker: BrokerServer) -> None:
        self._database = database
        self._broker = broker

    @contextmanager
    def stand(self) -> Iterator[Stand]:
        """Make a stand with an empty database and an empty broker."""
        with (
            tempfile.TemporaryDirectory(prefix="modelpick-bench-") as folder,
            Stand(self._database, self._broker, Path(folder)) as stand,
        ):
            yield stand


@contextmanager
def stores() -> Iterator[Stores]:
    with database_server() as database, broker_server() as broker:
        yield Stores(database, broker)
