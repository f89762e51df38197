"""A gateway with the real program, before a service that remembers what it was asked."""

import json
import os
import socket
import subprocess
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from modelpick_local.gateway import UPSTREAMS, caddyfile, find_caddy, gateway_variables
from modelpick_local.health import wait_healthy
from modelpick_local.home import Home, find_checkout
from modelpick_local.ports import free_port
from modelpick_local.settings import LauncherSettings
from modelpick_shared.testing import eventually


class Scripted(BaseHTTPRequestHandler):
    """Remembers each request; hangs up on the first ones when it is told to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.body()
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        if self.server.hang_ups > 0:
            self.server.hang_ups -= 1
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.server.over.wait(self.server.answers_after_s)
        self.send_response(200)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        self.do_GET()

    def do_OPTIONS(self):
        self.do_GET()

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.whole(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline() or b"0", 16):
            chunks.append(self.rfile.read(size + 2)[:-2])
        self.rfile.readline()
        return b"".join(chunks)

    def whole(self, length):
        body = self.rfile.read(length)
        if len(body) < length:
            self.server.broken_off.set()
            raise ConnectionError("the rest of the body did not come")
        return body

    def log_message(self, *_):
        pass


class Service(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing: requests are broken off on purpose."""

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Scripted)
        self.seen = []
        self.hang_ups = 0
        self.headers = {}
        self.answers_after_s = 0
        self.broken_off = threading.Event()
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.over.set()
        self.shutdown()
        self.server_close()


class Gateway:
    """A running gateway before one service, which serves every route."""

    def __init__(self, folder, stack, upstream_port, **values):
        values = {"GATEWAY_LOG_LEVEL": "INFO", **values}
        settings = LauncherSettings(
            Home.at(folder), find_checkout(), values, free_port(), stop_timeout_s=None
        )
        ports = dict.fromkeys(UPSTREAMS, upstream_port)
        self.port = settings.port
        self.internal = f"http://127.0.0.1:{(internal := free_port())}"
        self.variables = gateway_variables(settings, ports, internal)
        self.log = folder / "gateway.log"
        output = stack.enter_context(self.log.open("wb"))
        process = subprocess.Popen(
            [find_caddy(), "run", "--config", caddyfile(settings.checkout), "--adapter", "caddyfile"],
            env={**os.environ, **values, **self.variables},
            stderr=output,
        )
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        assert wait_healthy(f"{self.internal}/healthz", 20)
        self.client = stack.enter_context(
            httpx.Client(base_url=f"http://localhost:{self.port}", trust_env=False, timeout=20)
        )

    def requests_logged(self):
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line.get("logger", "").startswith("http.log.access")]


@pytest.fixture
def service():
    running = Service()
    yield running
    running.close()


@pytest.fixture
def service_on():
    """Return a function that starts a service on a port."""
    with ExitStack() as stack:

        def start(port):
            running = Service(port)
            stack.callback(running.close)
            return running

        yield start


@pytest.fixture
def gateway_before(tmp_path):
    """Return a function that starts a gateway before the service on that port."""
    with ExitStack() as stack:
        yield lambda port, **values: Gateway(tmp_path, stack, port, **values)


@pytest.fixture
def gateway(gateway_before, service):
    return gateway_before(service.server_port)


@pytest.fixture
def get_securely():
    """Return a function that gets an https address once the gateway has its certificate."""

    async def get(address):
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:

            async def answer():
                try:
                    return await client.get(address)
                except httpx.ConnectError:
                    return None

            return await eventually(answer, within_s=30)

    return get
