"""What the gateway does when services break, and what it says to whom, with the real program."""

import http.client
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

pytestmark = pytest.mark.connected


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
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        self.do_GET()

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline() or b"0", 16):
            chunks.append(self.rfile.read(size + 2)[:-2])
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_):
        pass


class Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Scripted)
        self.seen = []
        self.hang_ups = 0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
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
def gateway_before(tmp_path):
    """Return a function that starts a gateway before the service on that port."""
    with ExitStack() as stack:
        yield lambda port, **values: Gateway(tmp_path, stack, port, **values)


@pytest.fixture
def gateway(gateway_before, service):
    return gateway_before(service.server_port)


def test_its_metrics_are_for_prometheus_alone(gateway):
    gateway.client.get("/api/me")

    metrics = httpx.get(f"{gateway.internal}/metrics", trust_env=False)

    assert "caddy_http_requests_total" in metrics.text
    assert gateway.client.get("/metrics").status_code == 404
    assert httpx.get(f"{gateway.internal}/api/me", trust_env=False).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "//metrics",
        "/METRICS",
        "/%6detrics",
        "/api/../metrics",
        "/api/drafts/..%2f..%2fmetrics",
        "/api/reports/../../readyz",
        "/report/../healthz",
        "/readyz/",
        "/config/",
    ],
)
def test_no_spelling_of_an_internal_address_reaches_a_service(gateway, service, path):
    connection = http.client.HTTPConnection("localhost", gateway.port, timeout=20)
    connection.request("GET", path)  # as it stands: other clients put it right

    assert connection.getresponse().status == 404
    assert service.seen == []
    connection.close()


def test_a_request_has_one_id_in_the_answer_the_service_and_the_log(gateway, service, eventually):
    answer = gateway.client.get("/api/me")

    assert eventually(gateway.requests_logged)
    (line,) = gateway.requests_logged()
    (_, _, headers, _) = service.seen[0]
    assert answer.headers["X-Request-Id"] == headers["X-Request-Id"] == line["request_id"]


def test_its_log_holds_no_secret(gateway, service, eventually):
    service.hang_ups = 1
    headers = {"Authorization": "Bearer canary", "Cookie": "modelpick_session=canary"}
    for path in ("/report/canary", "/api/share/canary/runs/1?x=canary", "/auth/verify?token=canary"):
        gateway.client.get(path, headers=headers)
    service.hang_ups = 1
    gateway.client.post("/auth/verify?token=canary", headers=headers, json={"token": "canary"})

    assert eventually(lambda: len(gateway.requests_logged()) == 4)
    assert "canary" not in gateway.log.read_text()
    assert gateway.requests_logged()[1]["request"]["uri"] == "/api/share/-/runs/1?-"


def test_customers_do_not_decide_on_traces(gateway, service):
    gateway.client.get("/api/me", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "baggage": "a=b"})

    (_, _, headers, _) = service.seen[0]
    assert {"traceparent", "tracestate", "baggage"}.isdisjoint(name.lower() for name in headers)


def test_a_body_of_unknown_length_has_its_limit_too(gateway):
    chunks = (bytes(100_000) for _ in range(20))

    assert gateway.client.post("/api/drafts", content=chunks).status_code == 413


def test_who_asks_is_believed_of_the_load_balancer_alone(gateway_before, service):
    gateway = gateway_before(service.server_port, GATEWAY_TRUSTED_PROXIES="127.0.0.0/8 ::1/128")
    gateway.client.get("/api/me", headers={"X-Forwarded-For": "203.0.113.7"})

    (_, _, headers, _) = service.seen[0]
    assert headers["X-Forwarded-For"].startswith("203.0.113.7, ")


def test_what_nobody_has_seen_is_sent_when_the_service_is_back(gateway_before):
    port = free_port()
    gateway = gateway_before(port)
    late: list[Service] = []
    threading.Timer(1.0, lambda: late.append(Service(port))).start()

    answer = gateway.client.post("/api/auth/magic-link", json={"email": "ada@example.com"})

    assert answer.status_code == 200
    ((method, _, _, body),) = late[0].seen
    assert (method, json.loads(body)) == ("POST", {"email": "ada@example.com"})
    late[0].close()


def test_reading_again_is_safe_so_it_is_done(gateway, service):
    service.hang_ups = 1

    assert gateway.client.get("/api/me").status_code == 200
    assert len(service.seen) == 2


def test_what_a_service_may_have_done_is_not_asked_for_twice(gateway, service):
    service.hang_ups = 1

    answer = gateway.client.post("/api/auth/magic-link", json={"email": "ada@example.com"})

    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(service.seen) == 1


@pytest.mark.parametrize("path", ["/api/webhooks/stripe", "/api/webhooks/resend"])
def test_an_event_that_counts_once_is_sent_again_whole(gateway, service, path):
    service.hang_ups = 2
    event = os.urandom(100_000)

    assert gateway.client.post(path, content=event).status_code == 200
    assert [body for _, _, _, body in service.seen] == [event] * 3


def test_a_domain_brings_https_and_is_remembered_for_it(gateway_before, service, tmp_path):
    secure_port = free_port()
    gateway = gateway_before(
        service.server_port, SITE_ADDRESS="localhost", GATEWAY_HTTPS_PORT=str(secure_port)
    )

    redirect = gateway.client.get("/api/me")
    # A public name would get its certificate from Let's Encrypt; this one is signed by the gateway itself.
    with httpx.Client(verify=False, trust_env=False) as client:
        pages = [client.get(f"https://localhost:{secure_port}{path}") for path in ("/api/me", "/nothing")]

    assert redirect.status_code == 308
    assert redirect.headers["Location"] == "https://localhost/api/me"
    assert [page.headers["Strict-Transport-Security"] for page in pages] == ["max-age=31536000"] * 2


def test_without_https_browsers_are_not_told_to_insist_on_it(gateway):
    assert "Strict-Transport-Security" not in gateway.client.get("/").headers
