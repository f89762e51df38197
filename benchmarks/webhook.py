"""Paid events a second, ours against the same endpoint built on Stripe's `construct_event`.

Both are processes of their own on one database, and take turns with 50 connections.
`python -m benchmarks.webhook ours` (or `baseline`) is one of them.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg

import modelpick_webhook.app
from benchmarks import webhook_baseline
from benchmarks.figures import Figure
from benchmarks.stand import Process, Stand, Stores
from modelpick_local.ports import free_port
from modelpick_shared.http import run_service
from modelpick_shared.ids import new_id
from modelpick_shared.testing import config_snapshot
from modelpick_simulators.stripe.delivery import signature_header
from modelpick_simulators.stripe.entities import CheckoutSession, Event
from modelpick_simulators.stripe.objects import event_object, session_object
from modelpick_simulators.stripe.parameters import session_parameters
from modelpick_webhook.settings import WebhookSettings

CONNECTIONS = 50
EVENTS = 1000
TURNS = 5
SECRET = "whsec_bench"  # noqa: S105 - nobody else's
VARIANTS = ("ours", "baseline")

# A report of 24 models and 10 images, each order with a draft of its own.
_INSERT_USER = "INSERT INTO users (id, email) VALUES (%s, 'bench@example.com') ON CONFLICT DO NOTHING"
_INSERT_DRAFTS = """
    INSERT INTO drafts (id, user_id, name, extraction_prompt, selected_models, data_policy, status)
    SELECT id, %s, '', 'Read.', '{}', 'any', 'ready' FROM unnest(%s::uuid[]) AS id
"""
_INSERT_ORDERS = """
    INSERT INTO orders (id, user_id, draft_id, status, amount_cents, currency, snapshot, expires_at)
    SELECT id, %s, id, 'open', 1499, 'usd', %s::json, now() + interval '1 hour' FROM unnest(%s::uuid[]) AS id
"""


def webhook(stores: Stores) -> list[Figure]:
    """Measure both variants in turns; a ratio compares two neighbouring turns."""
    with stores.stand() as stand, _servers(stand) as servers:
        shop = _Shop(stand.database_url)
        for name in VARIANTS:
            _turn(servers[name], shop.events(EVENTS // 4))
        turns = [{name: _turn(servers[name], shop.events(EVENTS)) for name in VARIANTS} for _ in range(TURNS)]
    ratios = [turn["ours"].rate / turn["baseline"].rate for turn in turns]
    rates = {f"events/s, {name}": round(statistics.median(t[name].rate for t in turns)) for name in VARIANTS}
    slow = {"p99 ms, baseline": round(statistics.median(turn["baseline"].p99_ms for turn in turns), 1)}
    return [
        Figure("webhook, against construct_event", ratios, "x", at_least=2, notes=rates),
        Figure(
            f"webhook, p99 at {CONNECTIONS} connections",
            [turn["ours"].p99_ms for turn in turns],
            "ms",
            at_most=100,
            notes=slow,
        ),
    ]


class _Turn:
    """How a server took some events."""

    def __init__(self, took_s: float, latencies_s: list[float]) -> None:
        self.rate = len(latencies_s) / took_s
        self.p99_ms = 1000 * statistics.quantiles(latencies_s, n=100)[98]


class _Shop:
    """Orders to be paid, and the signed requests that Stripe makes when they are."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._user_id = new_id()
        self._snapshot = config_snapshot(models=24, images=10).model_dump_json()

    def events(self, count: int) -> list[bytes]:
        ids = [new_id() for _ in range(count)]
        with psycopg.connect(self._database_url) as connection:
            connection.execute(_INSERT_USER, (self._user_id,))
            connection.execute(_INSERT_DRAFTS, (self._user_id, ids))
            connection.execute(_INSERT_ORDERS, (self._user_id, self._snapshot, ids))
        return [_request(order_id) for order_id in ids]


def _turn(server: Process, requests: Sequence[bytes]) -> _Turn:
    return asyncio.run(_drive(server.address, requests))


async def _drive(address: str, requests: Sequence[bytes]) -> _Turn:
    host, port = address.removeprefix("http://").split(":")
    waiting = iter(requests)
    latencies_s: list[float] = []
    began = time.perf_counter()
    await asyncio.gather(*(_connection(host, int(port), waiting, latencies_s) for _ in range(CONNECTIONS)))
    return _Turn(time.perf_counter() - began, latencies_s)


async def _connection(host: str, port: int, waiting: Iterator[bytes], latencies_s: list[float]) -> None:
    """Send requests one after the other; plain sockets, as a client library costs more than the server."""
    reader, writer = await asyncio.open_connection(host, port)
    for request in waiting:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        latencies_s.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 200") or b"content-length: 0\r\n" not in head:
            raise RuntimeError(f"the server answered {head!r}")
    writer.close()


def _request(order_id: UUID) -> bytes:
    body = json.dumps(_event(order_id), indent=2).encode()
    lines = (
        "POST /api/webhooks/stripe HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json; charset=utf-8",
        f"Content-Length: {len(body)}",
        f"Stripe-Signature: {signature_header(body, [SECRET], timestamp=int(time.time()))}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def _event(order_id: UUID) -> dict[str, object]:
    now = int(time.time())
    form = {
        "mode": "payment",
        "line_items": {"0": {"price_data": _PRICE, "quantity": "1"}},
        "success_url": "http://localhost/checkout/success?session_id={CHECKOUT_SESSION_ID}",
        "customer_email": "bench@example.com",
        "metadata": {"order_id": str(order_id), "draft_id": str(order_id), "user_id": str(order_id)},
    }
    session = CheckoutSession(
        id=f"cs_test_{order_id.hex}",
        created=now,
        expires_at=now + 1800,
        page_url="http://localhost",
        parameters=session_parameters(form, now=now),
        status="complete",
        payment_intent_id=f"pi_{order_id.hex}",
        paid=True,
    )
    event_type = "checkout.session.completed"
    return event_object(Event(f"evt_{order_id.hex}", now, event_type, session_object(session)))


_PRICE = {"currency": "usd", "unit_amount": "1499", "product_data": {"name": "ModelPick report"}}


@contextmanager
def _servers(stand: Stand) -> Iterator[dict[str, Process]]:
    with tempfile.TemporaryDirectory(prefix="modelpick-bench-") as folder:
        servers = {name: _server(name, stand, Path(folder)) for name in VARIANTS}
        try:
            for server in servers.values():
                server.wait_ready("/readyz")
            yield servers
        finally:
            for server in servers.values():
                server.end()


def _server(variant: str, stand: Stand, folder: Path) -> Process:
    port = free_port()
    environment = {
        "SERVICE_HOST": "127.0.0.1",
        "SERVICE_PORT": str(port),
        "DATABASE_URL": stand.database_url,
        # Nobody listens there: what is measured is the answer to Stripe, which needs no broker.
        "RABBITMQ_URL": "amqp://guest:guest@127.0.0.1:1/",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_SECRET_KEY": "",
        "LOG_LEVEL": "WARNING",
    }
    arguments = ["benchmarks.webhook", variant]
    return Process(arguments, environment, f"http://127.0.0.1:{port}", folder / f"{variant}.log")


def main() -> None:
    build = modelpick_webhook.app.build if sys.argv[1] == "ours" else webhook_baseline.build
    run_service("webhook", WebhookSettings, build)


if __name__ == "__main__":
    main()
