import asyncio
import contextlib
import json
import socket
import time
from decimal import Decimal

import httpx
import pytest
import uvicorn
from sqlalchemy import select
from stripe import WebhookSignature

from modelpick_shared.broker import Service
from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.customers import Draft, User
from modelpick_shared.db.grants import Role
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.payments import Order, StripeEvent
from modelpick_shared.db.reports import Report
from modelpick_shared.ids import new_id
from modelpick_shared.testing import an_order_for, config_snapshot, eventually
from modelpick_simulators.stripe.app import create_app
from modelpick_simulators.stripe.settings import StripeSettings
from modelpick_webhook.app import build
from modelpick_webhook.service import Payments
from modelpick_webhook.settings import WebhookSettings
from modelpick_webhook.stripe_gateway import StripeGateway

SECRET = "whsec_test"
STRIPE_KEY = "sk_test_simulated"
# Nobody listens there: the endpoint has to work without a broker.
NO_BROKER = "amqp://guest:guest@127.0.0.1:1/"
NO_STRIPE = "http://127.0.0.1:1"


@pytest.fixture
def settings_with(database_url_as):
    def make(**changes):
        values = {
            "database_url": database_url_as(Role.WEBHOOK),
            "rabbitmq_url": NO_BROKER,
            "site_url": "http://shop.test",
            "stripe_secret_key": STRIPE_KEY,
            "stripe_api_base": NO_STRIPE,
            "stripe_webhook_secret": SECRET,
        }
        return WebhookSettings(_env_file=None, **(values | changes))

    return make


@pytest.fixture
async def database(fresh_database_url):
    """Return the database as its owner sees it, to prepare and to look."""
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
async def service_database(database_url_as):
    """Return the database as the service itself sees it, under its own role."""
    async with Database(database_url_as(Role.WEBHOOK), application="test") as database:
        yield database


@pytest.fixture
def served_with():
    """Give what runs the service and speaks to it without a network."""

    @contextlib.asynccontextmanager
    async def serve(settings):
        app = build(settings)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://webhook") as client,
        ):
            yield client

    return serve


@pytest.fixture
async def client(settings_with, served_with):
    async with served_with(settings_with()) as client:
        yield client


@pytest.fixture
async def order(database):
    """Store an open order of a ready draft, with a session of its own."""
    config = config_snapshot(models=2, images=2)
    async with database.transaction() as session:
        user = User(id=new_id(), email="ada@example.com")
        session.add(user)
        await session.flush()
        draft = Draft(id=new_id(), user_id=user.id, extraction_prompt="Read.", status="ready")
        order = an_order_for(user.id, draft.id, config)
        session.add_all([draft, order])
    return order


@pytest.fixture
def rows(database):
    """Give what reads all rows of a table."""

    async def read(table):
        async with database.transaction() as session:
            return list(await session.scalars(select(table)))

    return read


@pytest.fixture
def state(rows):
    """Give what reads the statuses of orders and drafts, and how many reports and messages there are."""

    async def read():
        return (
            [order.status for order in await rows(Order)],
            [draft.status for draft in await rows(Draft)],
            len(await rows(Report)),
            [message.type for message in await rows(OutboxMessage)],
        )

    return read


@pytest.fixture
def problems(rows):
    async def read():
        return [event.problem for event in await rows(StripeEvent)]

    return read


@pytest.fixture
def event_of():
    """Give what writes the event that Stripe would send of an order's session."""

    def write(order, event_type="checkout.session.completed", event_id=None, **session):
        about = {
            "id": order.stripe_session_id,
            "object": "checkout.session",
            "status": "complete",
            "payment_status": "paid",
            "amount_total": order.amount_cents,
            "currency": "usd",
            "livemode": False,
            "metadata": {"order_id": str(order.id)},
            "payment_intent": "pi_1",
        }
        return {
            "id": event_id or f"evt_{new_id().hex}",
            "object": "event",
            "type": event_type,
            "livemode": session.get("livemode", False),
            "data": {"object": about | session},
        }

    return write


@pytest.fixture
def deliver():
    """Give what posts an event, signed."""

    async def post(client, event, *, secret=SECRET, seconds_ago=0):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        signature = WebhookSignature.generate_signature_header(
            body.decode(), secret, timestamp=int(time.time()) - seconds_ago
        )
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return await client.post("/api/webhooks/stripe", content=body, headers=headers)

    return post


@pytest.fixture
async def stripe(stripe_address):
    """Speak to the simulator as the shop and as its control interface."""
    headers = {"Authorization": f"Bearer {STRIPE_KEY}"}
    async with httpx.AsyncClient(base_url=stripe_address, headers=headers) as client:
        yield client


@pytest.fixture
async def gateway(stripe_address):
    gateway = StripeGateway(STRIPE_KEY, api_base=stripe_address)
    yield gateway
    await gateway.close()


@pytest.fixture
def new_session(stripe):
    """Give what opens a session of an order at the simulator."""

    async def create(order, **changes):
        form = {
            "mode": "payment",
            "line_items[0][price_data][currency]": "usd",
            "line_items[0][price_data][unit_amount]": "1499",
            "line_items[0][price_data][product_data][name]": "Report",
            "line_items[0][quantity]": "1",
            "success_url": "http://shop.test/checkout/success",
            "metadata[order_id]": str(order.id),
            "payment_intent_data[metadata][order_id]": str(order.id),
        }
        return (await stripe.post("/v1/checkout/sessions", data=form | changes)).raise_for_status().json()

    return create


@pytest.fixture
async def session_at_stripe(new_session, order, database):
    """Open the order's session at the simulator."""
    session = await new_session(order)
    async with database.transaction() as transaction:
        stored = await transaction.get(type(order), order.id)
        stored.stripe_session_id = session["id"]
    order.stripe_session_id = session["id"]
    return session


@pytest.fixture
def pay(stripe):
    """Give what pays a session, and returns it as it stands then."""

    async def enter_card(session):
        card = {
            "email": "ada@example.com",
            "card_number": "4242424242424242",
            "card_expiry": "12/34",
            "card_cvc": "123",
        }
        async with httpx.AsyncClient() as browser:
            assert (await browser.post(session["url"], data=card)).status_code == 303
        return (await stripe.get(f"/v1/checkout/sessions/{session['id']}")).json()

    return enter_card


@pytest.fixture
def payments():
    return Payments(Outbox(Service.WEBHOOK), ceiling_usd=Decimal(7), live_mode=False)


@pytest.fixture
async def stripe_address():
    """Serve the Stripe simulator; nobody takes its events."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    settings = StripeSettings(simulator_port=port, stripe_secret_key=STRIPE_KEY, stripe_webhook_secret=SECRET)
    config = uvicorn.Config(
        create_app(settings), host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await task
