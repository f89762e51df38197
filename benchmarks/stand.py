"""What the benchmarks run on: real stores, real services, and the fast model API, each a process."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from benchmarks.machine import Meter, listener
from modelpick_local.ports import free_port
from modelpick_local.session_servers import BrokerServer, DatabaseServer, broker_server, database_server
from modelpick_shared.db.migrate import upgrade

_READY_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 20.0


class Process:
    """A process of ours, with a log of its own."""

    def __init__(
        self, arguments: Sequence[str], environment: dict[str, str], address: str, log: Path
    ) -> None:
        self.address = address
        self._log = log
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
                raise RuntimeError(f"{self._process.args!r} has ended: {self._log.read_text()[-2000:]}")
            try:
                if httpx.get(f"{self.address}{path}", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise TimeoutError(f"{self._process.args!r} is not ready: {self._log.read_text()[-2000:]}")

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ModelApi:
    """The fast model API as its users see it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.url = f"{process.address}/api/v1"

    def set_mode(self, **mode: float) -> None:
        """Forget all calls and behave like that from now on."""
        httpx.put(f"{self.process.address}/mode", json=mode, trust_env=False).raise_for_status()

    def journal(self) -> dict[str, Any]:
        """Return all calls since the last mode was set, what was refused, and what was in flight at most."""
        journal: dict[str, Any] = httpx.get(f"{self.process.address}/journal", trust_env=False).json()
        return journal


class Stand:
    """Everything that a benchmark needs; what was begun ends with `ends`."""

    def __init__(self, database_url: str, broker_url: str, folder: Path, ends: ExitStack) -> None:
        self.database_url = database_url
        self.broker_url = broker_url
        self._folder = folder
        self._ends = ends
        self._pids: dict[str, int | None] = {
            "broker": listener(urlsplit(broker_url).port or 5672),
            "database": listener(urlsplit(database_url).port or 5432),
        }
        port = free_port()
        arguments = ["benchmarks.model_api", str(port)]
        self.api = ModelApi(self._start("model API", arguments, {}, port, "/journal"))

    def put_images(self, count: int, size: int) -> None:
        """Put images of so many bytes into the image store."""
        for number in range(count):
            (self._folder / f"image-{number}").write_bytes(os.urandom(size))

    def start(self, service: str, **settings: str) -> Process:
        """Start the orchestrator, a worker or the reports service, and wait until it is ready."""
        port = free_port()
        environment = {
            "SERVICE_HOST": "127.0.0.1",
            "SERVICE_PORT": str(port),
            "DATABASE_URL": self.database_url,
            "RABBITMQ_URL": self.broker_url,
            "IMAGE_STORE_URL": f"file://{self._folder}",
            "IMAGE_DELIVERY": "inline",
            "OPENROUTER_BASE_URL": self.api.url,
            "OPENROUTER_API_KEY": "sk-or-bench",
            "LOG_LEVEL": "WARNING",
        }
        arguments = ["benchmarks.services", service]
        return self._start(service, arguments, environment | settings, port, "/readyz")

    def meter(self) -> Meter:
        """Measure from now on what the parts cost."""
        return Meter.of(self._pids)

    def _start(
        self, name: str, arguments: list[str], environment: dict[str, str], port: int, ready: str
    ) -> Process:
        log = self._folder / f"{name}.log"
        process = Process(arguments, environment, f"http://127.0.0.1:{port}", log)
        self._ends.callback(process.end)
        self._pids[name] = process.pid
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
        with ExitStack() as ends:
            folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="modelpick-bench-"))
            database_url = self._database.create()
            ends.callback(self._database.drop, database_url)
            upgrade(database_url)
            broker_url = self._broker.create_vhost()
            ends.callback(self._broker.delete_vhost, broker_url)
            yield Stand(database_url, broker_url, Path(folder), ends)


@contextmanager
def stores() -> Iterator[Stores]:
    with database_server() as database, broker_server() as broker:
        yield Stores(database, broker)
