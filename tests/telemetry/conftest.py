"""A system whose vendors are one hostile server: it repeats whatever secret it was sent in its errors."""

import asyncio
import json
import threading
from collections import defaultdict
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import aio_pika
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from modelpick_local.demo.customer import READY_SUBJECT, Customer
from modelpick_local.demo.samples import PROMPT, sample_uploads
from modelpick_shared.broker import Exchange
from modelpick_shared.testing import eventually

SIGNATURE = "5ca1ab1e0ddba11"
CANARIES = {
    "STRIPE_SECRET_KEY": "sk_test_canarystripekey0001",
    "STRIPE_WEBHOOK_SECRET": "whsec_Y2FuYXJ5c3RyaXBld2ViaG9vazAwMDAx",
    "OPENROUTER_API_KEY": "canary-openrouter-key-0001",
    "RESEND_API_KEY": "canary-resend-key-0001",
    "RESEND_WEBHOOK_SECRET": "whsec_Y2FuYXJ5cmVzZW5kd2ViaG9vazAwMDAx",
    "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=canary-otlp-key-0001",
}
ANSWER = {"choices": [{"message": {"content": '{"total": 1}'}, "finish_reason": "stop"}]}
USAGE = {"prompt_tokens": 1200, "completion_tokens": 40, "cost": 0.0012}
# Which models do what; all others answer.
REFUSING, PICKY = 1, 2


class Vendors(ThreadingHTTPServer):
    """OpenRouter, Stripe, Resend, a mailbox and an OTLP collector at one address."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Desk)
        self.mails: list[dict] = []
        self.spans: list[tuple[str, object]] = []
        self.otlp_keys: set[str | None] = set()
        self.behaviour: dict[str, int] = defaultdict(int)
        self.calls: dict[str, int] = defaultdict(int)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Desk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vendors

    def log_message(self, *_) -> None: ...

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path.endswith("/api/mails"):
            asked = {name: values[0] for name, values in parse_qs(path.query).items()}
            found = [mail for mail in self.server.mails if asked.get("subject", "") in mail["subject"]]
            self._answer(200, {"items": found[::-1]})
        elif path.path.endswith("/key"):
            self._answer(200, {"data": {"limit_remaining": 5, "usage": 1}})
        else:
            self._echo(401)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.endswith("/v1/traces"):
            self._collect(body)
        elif self.path.endswith("/emails"):
            self._send_mail(json.loads(body))
        elif self.path.endswith("/chat/completions"):
            self._complete(json.loads(body)["model"])
        else:
            self._echo(401)

    def _collect(self, body: bytes) -> None:
        self.server.otlp_keys.add(self.headers.get("x-api-key"))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.server.spans += [(names["service.name"], span) for span in scope.spans]
        self._answer(200, {})

    def _send_mail(self, mail: dict) -> None:
        if "order" in mail["subject"]:
            self._echo(422)
            return
        self.server.mails.append(mail | {"id": len(self.server.mails) + 1})
        self._answer(200, {"id": f"mail-{len(self.server.mails)}"})

    def _complete(self, model: str) -> None:
        self.server.calls[model] += 1
        behaviour = self.server.behaviour[model]
        if behaviour == PICKY:
            self._echo(400)
        elif behaviour == REFUSING and self.server.calls[model] == 1:
            self._echo(401)
        else:
            self._answer(200, ANSWER | {"id": f"gen-{model}", "provider": "Somebody", "usage": USAGE})

    def _echo(self, status: int) -> None:
        link = f"https://images.example/a.png?X-Amz-Credential=x%2Fy&X-Amz-Signature={SIGNATURE}"
        quoted = f"{self.headers.get('authorization')} cannot read {link}"
        error = {"code": status, "message": quoted, "type": "invalid_request_error"}
        self._answer(status, {"error": error, "name": "validation_error", "message": quoted})

    def _answer(self, status: int, body: dict) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="session")
def secret_settings():
    return CANARIES


@pytest.fixture(scope="session")
def image_signature():
    return SIGNATURE


@pytest.fixture(scope="session")
def vendors():
    server = Vendors()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def observed(system_with, vendors):
    """Run a system that records every trace, with a canary in every secret setting."""
    addresses = {
        "STRIPE_API_BASE": vendors.url,
        "OPENROUTER_BASE_URL": f"{vendors.url}/api/v1",
        "RESEND_API_BASE": vendors.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": vendors.url,
    }
    # Spans are sent soon, so that the tests need not wait.
    sampling = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_BSP_MAX_QUEUE_SIZE": "20000", "LOG_LEVEL": "INFO"}
    settings = {**CANARIES, **addresses, **sampling, "DEBUG_MOCK_STRIPE": "true"}
    with system_with(**settings) as system:
        yield system


class Life:
    """A report's life, and what a stranger could hold against it."""

    def __init__(self) -> None:
        self.report_id = self.share_token = self.session_cookie = ""
        self.models: list[str] = []
        self.bodies: list[tuple[str, str]] = []
        self.sign_in_token = ""


@pytest.fixture(scope="session")
def lived(observed, vendors):
    """Let a customer buy a report: one model is refused once, one is told off, one answers."""
    return asyncio.run(_live(observed, vendors))


async def _live(system, vendors) -> Life:
    life = Life()
    async with (
        _tapped(system, life.bodies),
        Customer.visiting(system.site_url, vendors.url, "canary@example.com") as customer,
    ):
        mail = await customer.sign_in()
        life.sign_in_token = mail.text.partition("token=")[2].split()[0]
        life.session_cookie = customer.client.cookies["modelpick_session"]
        paid = [model.id for model in await customer.models() if model.tier != "free"]
        life.models = paid[:3]
        vendors.behaviour |= {paid[0]: PICKY, paid[1]: REFUSING}
        draft = await customer.prepare_draft(sample_uploads(1), life.models, PROMPT)
        payable = await customer.check_out(draft.id)
        life.report_id = await customer.report_of(payable.session_id)
        report = await customer.await_progress(life.report_id)
        life.share_token = report.share_token
        await customer.inbox.next_mail(READY_SUBJECT)
        await _misbehave(system, customer, life)
    return life


async def _misbehave(system, customer, life) -> None:
    """Provoke errors that could quote what a request held."""
    await customer.client.get(f"/api/share/{life.share_token}/runs/999999999999999999999")
    await customer.client.get(f"/api/share/{life.share_token}x")
    await customer.client.post("/api/auth/verify", json={"token": life.sign_in_token})
    await customer.client.post("/api/auth/verify", content=life.sign_in_token.encode())
    await customer.client.post("/api/webhooks/stripe", content=life.session_cookie.encode())
    await customer.client.post("/api/webhooks/resend", content=life.session_cookie.encode())
    connection = await aio_pika.connect(system.variables()["RABBITMQ_URL"])
    async with connection:
        channel = await connection.channel()
        events = await channel.get_exchange(Exchange.EVENTS.value, ensure=False)
        body = {"type": "mail.requested", "schema_version": 1, "data": {"fields": life.sign_in_token}}
        await events.publish(aio_pika.Message(json.dumps(body).encode()), "mail.requested")


@asynccontextmanager
async def _tapped(system, bodies):
    """Write down the body of every message that is published meanwhile, with its type."""
    connection = await aio_pika.connect(system.variables()["RABBITMQ_URL"])
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for exchange in Exchange:
            await queue.bind(exchange.value, "#")

        async def note(message) -> None:
            bodies.append(
                (message.type or "", message.body.decode() + json.dumps(message.headers, default=str))
            )

        await queue.consume(note, no_ack=True)
        yield


@pytest.fixture(scope="session")
def scraped(observed, lived):
    """Return what each service tells at `/metrics`, once the gauges have been read after the report's end."""
    ports = {name: part.port for name, part in observed.parts().items() if part.kind == "service"}

    def read() -> dict[str, str]:
        return {
            name: httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
            for name, port in ports.items()
        }

    async def settled() -> dict[str, str] | None:
        texts = read()
        seen = 'modelpick_reports{status="partial"} 1.0' in texts["orchestrator"]
        mailed = 'state="failed",template="payment_received"} 1.0' in texts["notifier"]
        dead = 'modelpick_dead_letter_messages{queue="notifier.mail.requested"} 1.0' in texts["orchestrator"]
        return texts if seen and mailed and dead else None

    return asyncio.run(eventually(settled, within_s=40))
