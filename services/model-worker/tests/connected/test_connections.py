"""What a connection tells of whether a call may have been billed, and what calls cost each other."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager

import pytest

from modelpick_model_worker.errors import CallTimedOutError, ProviderFailedError
from modelpick_model_worker.openrouter import OpenRouterClient
from modelpick_model_worker.openrouter.body import request_body

from .conftest import a_run

BODY = request_body(a_run(), b"https://images/k")


@asynccontextmanager
async def calling(port, **options):
    address = f"http://127.0.0.1:{port}"
    async with OpenRouterClient(address, "sk-or-test", site_url="http://localhost", **options) as client:
        yield client


@asynccontextmanager
async def answering(reply):
    """Serve one raw reply to every connection that has sent something, and close it."""

    async def serve(reader, writer):
        await reader.read(100)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, calling(server.sockets[0].getsockname()[1]) as client:
        yield client


@pytest.fixture
def listener():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener


async def test_a_refused_connection_cannot_have_been_billed(listener):
    async with calling(listener.getsockname()[1]) as client:
        with pytest.raises(ProviderFailedError, match="no connection") as caught:
            await client.complete(BODY, timeout_s=5)
    assert caught.value.bill is None


async def test_a_connection_that_is_not_made_in_time_is_given_up_and_not_billed(listener):
    listener.listen(0)
    address = listener.getsockname()
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:
        filler.setblocking(False)
        filler.connect_ex(address)
    started = time.monotonic()
    async with calling(address[1], connect_timeout_s=0.3) as client:
        with pytest.raises(ProviderFailedError, match="no connection") as caught:
            await client.complete(BODY, timeout_s=10)
    assert 0.2 < time.monotonic() - started < 3
    assert caught.value.bill is None
    for filler in fillers:
        filler.close()


async def test_the_time_for_a_whole_call_covers_its_connection(listener):
    listener.listen(10)
    async with calling(listener.getsockname()[1]) as client:
        with pytest.raises(CallTimedOutError, match="no answer within 0 s") as caught:
            await client.complete(BODY, timeout_s=0.2)
    assert caught.value.bill is not None


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
async def test_a_connection_lost_after_the_request_was_sent_may_have_been_billed(reply):
    async with answering(reply) as client:
        with pytest.raises(ProviderFailedError, match="connection lost") as caught:
            await client.complete(BODY, timeout_s=5)
    assert caught.value.bill is not None


async def test_a_look_up_that_fails_finds_nothing(listener):
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]") as client:
        assert not await client.key_works()
    async with calling(listener.getsockname()[1]) as client:
        assert not await client.key_works()


async def test_the_key_is_asked_for_its_credit(client, simulator):
    assert await client.key_works()
    await simulator.script("status:402", count=1)
    assert not await client.key_works()
    await simulator.script("status:401", count=1)
    assert not await client.key_works()
    assert await client.key_works()


async def test_calls_do_not_wait_for_one_anothers_connections(client, simulator):
    await simulator.script("status:503", latency_ms=1500)
    calls = [client.complete(BODY, timeout_s=30) for _ in range(130)]
    await asyncio.gather(*calls, return_exceptions=True)
    assert max((await simulator.journal())["max_in_flight"].values()) == 130


async def test_each_answer_is_attributed_and_authorised(simulator):
    async with OpenRouterClient(simulator.url, "sk-or-other", site_url="http://localhost") as stranger:
        assert not await stranger.key_works()
    assert stranger._headers["HTTP-Referer"] == "http://localhost"
    assert stranger._headers["X-Title"] == "ModelPick"
