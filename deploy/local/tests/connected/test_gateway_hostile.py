"""What the gateway does with requests that nobody sends by accident."""

import socket

import pytest

pytestmark = pytest.mark.connected

TOKEN = "canary" + 37 * "A"


def exchange(port, request, *, is_over=lambda answer: b"\r\n\r\n" in answer):
    """Send bytes as they are; return what comes back until that is over, or the connection is."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        while not is_over(answer) and (part := connection.recv(65_536)):
            answer += part
    return answer


def asked(port, target, *headers, method="GET"):
    lines = [f"{method} {target} HTTP/1.1", "Host: evil.example", *headers, "", ""]
    return exchange(port, "\r\n".join(lines).encode())


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost/metrics",
        "http://localhost//metrics",
        "http://checkout:8000/readyz",
        "/%2e%2e/metrics",
        "/api/%2e%2e/metrics",
        "/api/drafts/%2E%2E/%2e./metrics",
        "/%2fmetrics",
        "/%252fmetrics",
        "/metrics.",
        "/metrics/.",
        "/metrics;a=b",
        "/metrics%00",
        "/metrics%20",
        "/metrics?a=/api/me",
        "/api/me/../../healthz",
        "\\api\\..\\metrics",
    ],
)
def test_no_form_of_request_reaches_what_is_internal(gateway, service, target):
    assert status_of(asked(gateway.port, target)) in {400, 404}
    assert [path for _, path, _, _ in service.seen if "/api/" not in path and "/report/" not in path] == []


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Content-Length: +5",),
        ("Content-Length : 5",),
        ("X: y\nContent-Length: 39",),
    ],
)
def test_where_a_request_ends_is_never_in_doubt(gateway, service, headers):
    smuggled = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    lines = ["POST /api/drafts HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]

    exchange(gateway.port, "\r\n".join(lines).encode() + smuggled, is_over=lambda _: False)

    assert "/metrics" not in {path for _, path, _, _ in service.seen}
    assert len(service.seen) <= 1


def test_a_customer_cannot_have_the_gateways_own_headers_removed(gateway, service):
    names = "X-Forwarded-For, X-Request-Id, X-Forwarded-Host, X-Forwarded-Proto"
    asked(gateway.port, "/api/me", f"Connection: close, {names}", "X-Forwarded-For: 6.6.6.6")

    ((_, _, headers, _),) = service.seen
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert len(headers["X-Request-Id"]) == 36


def test_headers_have_their_limit(gateway, service):
    answer = asked(gateway.port, "/api/me", f"X-Large: {'a' * 60_000}")

    assert status_of(answer) == 431
    assert service.seen == []


def test_no_service_waits_for_a_body_that_never_comes(gateway_before, service):
    gateway = gateway_before(service.server_port, GATEWAY_BODY_TIMEOUT="1s")
    service.answers_after_s = 3

    assert gateway.client.post("/api/drafts", content=b"all of it").status_code == 200
    assert gateway.client.get("/api/reports/1/events").status_code == 200
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(b"POST /api/drafts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome")
        assert service.broken_off.wait(30)  # while the customer holds on


def test_an_event_that_is_no_event_is_not_kept_in_memory(gateway, service):
    answer = gateway.client.post("/api/webhooks/stripe", content=bytes(300_000))

    assert answer.status_code == 413
    assert service.seen == []


def test_no_token_is_in_the_log_however_its_address_is_spelt(gateway, service, eventually):
    paths = (f"/%72eport/{TOKEN}", f"//report//{TOKEN}", f"/api/%73hare/{TOKEN}/runs/1", f"/REPORT/{TOKEN}")
    for path in paths:
        asked(gateway.port, path)

    assert eventually(lambda: len(gateway.requests_logged()) == len(paths))
    assert "canary" not in gateway.log.read_text()


def test_pages_of_other_sites_read_nothing(gateway):
    asked_for = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = gateway.client.request(method, "/api/me", headers=asked_for)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_answers_are_not_kept_unless_a_service_says_so(gateway, service):
    assert gateway.client.get("/api/me").headers["Cache-Control"] == "no-store"
    service.headers = {"Cache-Control": "private, max-age=60"}
    assert gateway.client.get("/api/share/t/images/0").headers["Cache-Control"] == "private, max-age=60"
    assert gateway.client.get("/api/nothing").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/report/t", "/api/share/t", "/api/share/t/export.pdf", "/%72eport/t"])
def test_an_address_with_a_token_is_told_to_nobody(gateway, path):
    assert gateway.client.get(path).headers["Referrer-Policy"] == "no-referrer"


def test_https_is_remembered_behind_a_load_balancer_too(gateway):
    answer = gateway.client.get("/", headers={"X-Forwarded-Proto": "https"})

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_no_protocol_is_announced_that_nobody_can_reach(gateway_before, service, get_securely):
    gateway = gateway_before(service.server_port, SITE_ADDRESS="localhost")
    secure = f"https://localhost:{gateway.variables['GATEWAY_HTTPS_PORT']}"

    answer = await get_securely(f"{secure}/api/me")

    assert answer.status_code == 200
    assert "Alt-Svc" not in answer.headers
