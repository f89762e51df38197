import asyncio
import contextlib
import socket
import time

import httpx
import pytest
import uvicorn


@contextlib.asynccontextmanager
async def _in_process(app, **options):
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://simulator", **options) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def _served(app, port):
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve())
    await _eventually(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task


async def _eventually(condition, deadline_s=5):
    give_up_at = time.monotonic() + deadline_s
    while not (result := condition()):
        assert time.monotonic() < give_up_at, "the condition did not come true in time"
        await asyncio.sleep(0.005)
    return result


@pytest.fixture
def in_process():
    # async with in_process(app) as client: ...; no network, and the lifespan of the app runs
    return _in_process


@pytest.fixture
def served():
    # async with served(app, port) as address: it listens on a port of this machine
    return _served


@pytest.fixture
def eventually():
    # await eventually(lambda: ...) polls until the condition holds, and returns what it was
    return _eventually


@pytest.fixture
def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
