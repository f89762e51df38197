"""What the gateway does when services break, and what it says to whom, with the real program."""

import http.client
import json
import os
import threading

import httpx
import pytest

from modelpick_local.ports import free_port

pytestmark = pytest.mark.connected


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


def test_what_nobody_has_seen_is_sent_when_the_service_is_back(gateway_before, service_on):
    port = free_port()
    gateway = gateway_before(port)
    late = []
    threading.Timer(1.0, lambda: late.append(service_on(port))).start()

    answer = gateway.client.post("/api/auth/magic-link", json={"email": "ada@example.com"})

    assert answer.status_code == 200
    ((method, _, _, body),) = late[0].seen
    assert (method, json.loads(body)) == ("POST", {"email": "ada@example.com"})


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


async def test_a_domain_brings_https_and_is_remembered_for_it(gateway_before, service, get_securely):
    secure_port = free_port()
    gateway = gateway_before(
        service.server_port, SITE_ADDRESS="localhost", GATEWAY_HTTPS_PORT=str(secure_port)
    )

    redirect = gateway.client.get("/api/me")
    # A public name would get its certificate from Let's Encrypt; this one is signed by the gateway itself.
    pages = [await get_securely(f"https://localhost:{secure_port}{path}") for path in ("/api/me", "/nothing")]

    assert redirect.status_code == 308
    assert redirect.headers["Location"] == "https://localhost/api/me"
    assert [page.headers["Strict-Transport-Security"] for page in pages] == ["max-age=31536000"] * 2


def test_without_https_browsers_are_not_told_to_insist_on_it(gateway):
    assert "Strict-Transport-Security" not in gateway.client.get("/").headers
