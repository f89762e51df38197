import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from modelpick_local.gateway import UPSTREAMS, caddyfile, find_caddy, gateway_variables
from modelpick_local.health import wait_healthy
from modelpick_local.home import Home, find_checkout
from modelpick_local.ports import free_port
from modelpick_local.settings import LauncherSettings

pytestmark = pytest.mark.connected


class Echo(BaseHTTPRequestHandler):
    """Answers with who it is and the headers it got; two events on the event route, the second on demand."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.endswith("/events"):
            self.send_events()
            return
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(self.server.name)

    def do_POST(self):
        self.do_GET()

    def answer(self, text):
        self.send_response(200)
        self.send_header("X-Service", text)
        self.send_header("X-Seen-Request-Id", self.headers.get("X-Request-Id", ""))
        self.send_header("X-Seen-For", self.headers.get("X-Forwarded-For", ""))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_events(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"event: snapshot\n\n")
        self.server.first_event_was_seen.wait(20)

    def log_message(self, *_):
        pass


class Service(ThreadingHTTPServer):
    def __init__(self, name, port=0):
        super().__init__(("127.0.0.1", port), Echo)
        self.name = name
        self.first_event_was_seen = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.first_event_was_seen.set()
        self.shutdown()
        self.server_close()


@pytest.fixture(scope="module")
def services():
    running = {name: Service(name) for name in UPSTREAMS}
    yield running
    for service in running.values():
        service.close()


@pytest.fixture(scope="module")
def gateway(services, tmp_path_factory):
    settings = LauncherSettings(
        Home.at(tmp_path_factory.mktemp("home")), find_checkout(), {}, free_port(), stop_timeout_s=None
    )
    ports = {name: service.server_port for name, service in services.items()}
    with subprocess.Popen(
        [find_caddy(), "run", "--config", caddyfile(settings.checkout), "--adapter", "caddyfile"],
        env={**os.environ, **gateway_variables(settings, ports, free_port())},
        stderr=subprocess.DEVNULL,
    ) as process:
        assert wait_healthy(f"http://127.0.0.1:{settings.port}/", 20)
        with httpx.Client(base_url=f"http://localhost:{settings.port}", trust_env=False) as client:
            yield client
        process.terminate()


def test_the_configuration_is_valid_without_any_variable():
    finished = subprocess.run(
        [find_caddy(), "validate", "--config", caddyfile(find_checkout()), "--adapter", "caddyfile"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/webhooks/stripe", "webhook"),
        ("/api/webhooks/resend", "notifier"),
        ("/api/auth/magic-link", "checkout"),
        ("/api/me", "checkout"),
        ("/api/models", "checkout"),
        ("/api/drafts", "checkout"),
        ("/api/drafts/1/images/2", "checkout"),
        ("/api/checkout", "checkout"),
        ("/api/checkout/sessions/cs_1", "checkout"),
        ("/auth/verify?token=t", "checkout"),
        ("/checkout/success", "checkout"),
        ("/api/reports", "reports"),
        ("/api/reports/1/document", "reports"),
        ("/api/share/t/export.csv", "reports"),
        ("/report/t", "reports"),
    ],
)
def test_each_route_leads_to_its_service(gateway, path, service):
    assert gateway.get(path).headers["X-Service"] == service


@pytest.mark.parametrize("path", ["/", "/login", "/benchmark/new", "/benchmark/1/processing", "/reports"])
def test_the_pages_of_the_application_are_its_index(gateway, path):
    answer = gateway.get(path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/api/nothing", "/api", "/healthz", "/readyz", "/metrics"])
def test_what_is_not_for_customers_is_a_problem_document(gateway, path):
    answer = gateway.get(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_an_unknown_page_is_not_found(gateway):
    answer = gateway.get("/nothing")

    assert answer.status_code == 404
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "megabytes", "status"),
    [("/api/drafts/1/images", 11, 200), ("/api/drafts/1/images", 13, 413), ("/api/drafts", 2, 413)],
)
def test_a_body_has_its_limit(gateway, path, megabytes, status):
    answer = gateway.post(path, content=bytes(megabytes * 1_000_000))

    assert answer.status_code == status
    if status == 413:
        assert answer.json()["title"] == "Request Entity Too Large"


def test_the_rest_of_a_refused_body_is_not_taken_for_the_next_request(gateway):
    answers = [gateway.post("/api/drafts", content=bytes(2_000_000)) for _ in range(30)]

    assert {answer.status_code for answer in answers} == {413}


def test_only_the_gateway_says_who_asks(gateway):
    answer = gateway.get("/api/me", headers={"X-Forwarded-For": "6.6.6.6", "X-Request-Id": "mine"})

    assert answer.headers["X-Seen-For"] in {"127.0.0.1", "::1"}
    assert answer.headers["X-Seen-Request-Id"] == answer.headers["X-Request-Id"] != "mine"


def test_every_answer_carries_the_security_headers(gateway):
    for path in ("/", "/api/me", "/nothing"):
        headers = gateway.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Server" not in headers


def test_pages_run_and_load_nothing_of_other_sites(gateway):
    policy = gateway.get("/").headers["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))

    assert rules["default-src"] == rules["base-uri"] == rules["object-src"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == rules["form-action"] == "'self'"
    assert rules["img-src"] == "'self' data: blob:"
    assert rules["style-src"] == "'self' 'unsafe-inline'"
    assert "camera=()" in gateway.get("/").headers["Permissions-Policy"]


def test_pages_are_asked_for_again_and_come_only_when_they_changed(gateway):
    first = gateway.get("/")
    again = gateway.get("/", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["Content-Encoding"] in {"gzip", "zstd"}
    assert (again.status_code, again.content) == (304, b"")


def test_what_has_its_contents_in_its_name_is_kept_for_ever(gateway):
    script = re.search(r"/assets/[\w.-]+\.js", gateway.get("/").text)[0]

    assert gateway.get(script).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    missing = gateway.get("/assets/gone.js")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")


def test_an_address_that_is_a_secret_is_not_passed_on(gateway):
    assert gateway.get("/report/token").headers["Referrer-Policy"] == "no-referrer"


def test_events_arrive_while_the_answer_goes_on(gateway, services):
    with gateway.stream("GET", "/api/reports/1/events") as answer:
        assert next(answer.iter_lines()) == "event: snapshot"
        services["reports"].first_event_was_seen.set()


def test_a_service_that_restarts_is_waited_for(tmp_path):
    port = free_port()
    settings = LauncherSettings(Home.at(tmp_path), find_checkout(), {}, free_port(), stop_timeout_s=None)
    with subprocess.Popen(
        [find_caddy(), "run", "--config", caddyfile(settings.checkout), "--adapter", "caddyfile"],
        env={**os.environ, **gateway_variables(settings, dict.fromkeys(UPSTREAMS, port), free_port())},
        stderr=subprocess.DEVNULL,
    ) as process:
        assert wait_healthy(f"http://127.0.0.1:{settings.port}/", 20)
        restart = threading.Timer(1.0, lambda: restarted.append(Service("late", port)))
        restarted: list[Service] = []
        restart.start()

        answer = httpx.get(f"http://localhost:{settings.port}/api/me", timeout=20, trust_env=False)

        assert answer.headers["X-Service"] == "late"
        restarted[0].close()
        process.terminate()


def test_a_service_that_does_not_answer_has_a_page_and_a_problem(tmp_path):
    settings = LauncherSettings(Home.at(tmp_path), find_checkout(), {}, free_port(), stop_timeout_s=None)
    with subprocess.Popen(
        [find_caddy(), "run", "--config", caddyfile(settings.checkout), "--adapter", "caddyfile"],
        env={**os.environ, **gateway_variables(settings, dict.fromkeys(UPSTREAMS, free_port()), free_port())},
        stderr=subprocess.DEVNULL,
    ) as process:
        site = f"http://localhost:{settings.port}"
        assert wait_healthy(site, 20)

        page = httpx.get(f"{site}/checkout/success?session_id=cs_1", timeout=20, trust_env=False)
        problem = httpx.get(f"{site}/api/me", timeout=20, trust_env=False)

        assert (page.status_code, page.headers["Cache-Control"]) == (502, "no-store")
        assert "This page is not available right now" in page.text
        assert problem.headers["Content-Type"] == "application/problem+json"
        assert problem.json()["status"] == 502
        process.terminate()


def test_it_listens_on_loopback_only(gateway):
    port = f"{gateway.base_url.port:04X}"
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listeners = {row[1] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"}

    assert listeners == {f"0100007F:{port}"}
