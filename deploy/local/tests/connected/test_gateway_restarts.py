import asyncio
import contextlib
import http.client
import os
import subprocess
import threading
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, Request

from modelpick_local.gateway import UPSTREAMS, caddyfile, find_caddy, gateway_variables
from modelpick_local.health import wait_healthy
from modelpick_local.home import Home, find_checkout
from modelpick_local.ports import free_port, is_free
from modelpick_local.settings import LauncherSettings
from modelpick_shared.http import create_app, serve
from modelpick_shared.http.health import Readiness
from modelpick_shared.http.serve import service_server

pytestmark = pytest.mark.connected

PER_SECOND = 50
RESTARTS = 5

router = APIRouter()


@router.get("/api/me")
async def me() -> str:
    return "Ada"


@router.post("/api/drafts")
async def new_draft(request: Request) -> int:
    await asyncio.sleep(0.02)  # some are at work when the service is told to stop
    return len(await request.body())


async def ready() -> Readiness:
    return Readiness()


@asynccontextmanager
async def lifespan(_):
    yield


class Service:
    """The server of the real services, stopped as SIGTERM stops it."""

    def __init__(self, port):
        app = create_app(
            title="stand-in",
            site_url="http://localhost",
            lifespan=lifespan,
            readiness=ready,
            routers=[router],
        )
        self.server = service_server(app, host="127.0.0.1", port=port)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        assert wait_healthy(f"http://127.0.0.1:{port}/readyz", 30)

    def stop(self):
        self.server.should_exit = True
        self.thread.join(20)


@pytest.fixture
def gateway(tmp_path):
    """Return the address of a gateway and the port that it passes everything on to."""
    settings = LauncherSettings(Home.at(tmp_path), find_checkout(), {}, free_port(), stop_timeout_s=None)
    port, internal_port = free_port(), free_port()
    variables = gateway_variables(settings, dict.fromkeys(UPSTREAMS, port), internal_port)
    command = [find_caddy(), "run", "--config", caddyfile(settings.checkout), "--adapter", "caddyfile"]
    with subprocess.Popen(command, env={**os.environ, **variables}, stderr=subprocess.DEVNULL) as process:
        assert wait_healthy(f"http://127.0.0.1:{internal_port}/healthz", 20)
        yield f"http://localhost:{settings.port}", port
        process.terminate()


async def test_no_request_fails_while_a_service_is_restarted(gateway):
    address, port = gateway
    over = asyncio.Event()
    service = await asyncio.to_thread(Service, port)
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=20) as client:
        load = asyncio.create_task(visitors(client, over))
        await answered(client)
        for _ in range(RESTARTS):
            await asyncio.to_thread(service.stop)
            service = await asyncio.to_thread(Service, port)
            await answered(client)
        over.set()
        answers = await load
    await asyncio.to_thread(service.stop)
    failed = [answer for answer in answers if answer.status_code != httpx.codes.OK]
    assert len(answers) > PER_SECOND
    assert [(answer.request.method, answer.status_code) for answer in failed] == []


def test_a_connection_that_was_kept_has_one_more_request_and_is_not_waited_for_after(eventually, monkeypatch):
    monkeypatch.setattr(serve, "LEAVE_S", 300.0)
    port = free_port()
    service = Service(port)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as kept:
        kept.request("GET", "/api/me")
        kept.getresponse().read()
        service.server.should_exit = True
        assert eventually(lambda: is_free(port))  # whoever comes anew is sent to the next instance

        kept.request("POST", "/api/drafts", body=b"{}")
        answer = kept.getresponse()

        assert (answer.status, answer.read(), answer.getheader("Connection")) == (200, b"2", "close")
    service.stop()
    assert not service.thread.is_alive()


async def answered(client):
    """Wait for answers that were asked for now."""
    for _ in range(20):
        await client.get("/api/me")


async def visitors(client, over):
    """Send PER_SECOND requests a second, every other a POST, whether or not the earlier ones are answered."""
    tasks = []
    began = asyncio.get_running_loop().time()
    while not over.is_set():
        request = client.post("/api/drafts", content=b"{}") if len(tasks) % 2 else client.get("/api/me")
        tasks.append(asyncio.create_task(request))
        due = began + len(tasks) / PER_SECOND
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
    return await asyncio.gather(*tasks)
