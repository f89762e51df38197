"""What the gateway adds to a request: the same service asked directly and through it, in turns.

`python -m benchmarks.gateway PORT` is that service.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI

from benchmarks.figures import Figure
from benchmarks.stand import Process, Stores
from modelpick_local.gateway import UPSTREAMS, caddyfile, find_caddy, gateway_variables
from modelpick_local.health import wait_healthy
from modelpick_local.home import Home, find_checkout
from modelpick_local.ports import free_port
from modelpick_local.settings import LauncherSettings
from modelpick_shared.http import create_app
from modelpick_shared.http.health import Readiness
from modelpick_shared.http.serve import service_server

REQUESTS = 300
TURNS = 9
PATH = "/api/me"

router = APIRouter()


@router.get(PATH)
async def me() -> dict[str, str]:
    return {"id": "0192", "email": "bench@example.com"}


def gateway(_: Stores) -> list[Figure]:
    """Measure one connection, one request after the other; a figure compares two neighbouring turns."""
    with _running() as ports:
        for port in ports:
            _turn(port)
        turns = [tuple(_turn(port) for port in ports) for _ in range(TURNS)]
    added = [through - direct for direct, through in turns]
    notes = {
        "ms directly": round(statistics.median(direct for direct, _ in turns), 2),
        "ms through it": round(statistics.median(through for _, through in turns), 2),
        "ratio": round(statistics.median(through / direct for direct, through in turns), 2),
    }
    return [Figure("gateway, added to the p50 of a request", added, "ms", at_most=2, notes=notes)]


def _turn(port: int) -> float:
    """Return the median of some requests, in ms."""
    return asyncio.run(_drive(port))


async def _drive(port: int) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    latencies_ms = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        latencies_ms.append(1000 * (time.perf_counter() - began))
    writer.close()
    return statistics.median(latencies_ms)


def _length(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the answer was {head!r}")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    return int(lines[b"content-length"])


@contextmanager
def _running() -> Iterator[tuple[int, int]]:
    """Run service and gateway, and yield their ports."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="modelpick-bench-")))
        port, internal_port = free_port(), free_port()
        arguments = ["benchmarks.gateway", str(port)]
        service = Process(arguments, {}, f"http://127.0.0.1:{port}", folder / "service.log")
        ends.callback(service.end)
        service.wait_ready("/readyz")
        settings = LauncherSettings(
            Home.at(folder / "home"), find_checkout(), {}, free_port(), stop_timeout_s=None
        )
        variables = gateway_variables(settings, dict.fromkeys(UPSTREAMS, port), internal_port)
        _start_gateway(settings, variables, ends)
        if not wait_healthy(f"http://127.0.0.1:{internal_port}/healthz", 20):
            raise RuntimeError("the gateway does not start")
        yield port, settings.port


def _start_gateway(settings: LauncherSettings, variables: dict[str, str], ends: ExitStack) -> None:
    process = subprocess.Popen(  # noqa: S603 - our own gateway
        [find_caddy(), "run", "--config", str(caddyfile(settings.checkout)), "--adapter", "caddyfile"],
        env={**os.environ, **variables},
        stderr=subprocess.DEVNULL,
    )
    ends.callback(process.wait, 20)
    ends.callback(process.terminate)


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield


async def _ready() -> Readiness:
    return Readiness()


def main() -> None:
    app = create_app(
        title="bench", site_url="http://localhost", lifespan=_lifespan, readiness=_ready, routers=[router]
    )
    service_server(app, host="127.0.0.1", port=int(sys.argv[1])).run()


if __name__ == "__main__":
    main()
