import asyncio
import contextlib
import io
import re
import socket

import httpx
import pytest
import uvicorn
from PIL import Image
from sqlalchemy import select

from modelpick_checkout.app import build
from modelpick_checkout.settings import CheckoutSettings
from modelpick_shared.catalog import load_catalog
from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.testing import eventually
from modelpick_simulators.stripe.app import create_app
from modelpick_simulators.stripe.settings import StripeSettings

SITE = "http://shop.test"
STRIPE_KEY = "sk_test_simulated"
# Nobody listens there: the service has to work without a broker.
NO_BROKER = "amqp://guest:guest@127.0.0.1:1/"


@pytest.fixture
def settings(database_url_as, tmp_path):
    return CheckoutSettings(
        _env_file=None,
        database_url=database_url_as(Role.CHECKOUT),
        rabbitmq_url=NO_BROKER,
        image_store_url=f"file://{tmp_path}/images",
        site_url=SITE,
        stripe_secret_key=None,
    )


@pytest.fixture
async def database(fresh_database_url):
    """Return the database as its owner sees it, to prepare and to look."""
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
async def service_database(database_url_as):
    """Return the database as the service itself sees it, under its own role."""
    async with Database(database_url_as(Role.CHECKOUT), application="test") as database:
        yield database


@pytest.fixture
def served_at():
    """Give what runs an application and speaks to it without a network."""

    @contextlib.asynccontextmanager
    async def serve(settings):
        app = build(settings)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=settings.site_url) as client,
        ):
            yield client

    return serve


@pytest.fixture
async def client(settings, served_at):
    async with served_at(settings) as client:
        yield client


@pytest.fixture
def sent(database):
    """Give what reads the bodies of the outbox's messages of a type."""

    async def bodies(message_type):
        statement = select(OutboxMessage.body).where(OutboxMessage.type == message_type)
        async with database.transaction() as session:
            return list(await session.scalars(statement.order_by(OutboxMessage.id)))

    return bodies


@pytest.fixture
def sign_in(sent):
    """Give what signs a client in by the link in the mail, and returns the link's token."""

    async def enter(client, email="ada@example.com"):
        asked = await client.post("/api/auth/magic-link", json={"email": email})
        assert asked.status_code == 202
        token = re.search(r"token=([\w-]+)", (await sent("mail.requested"))[-1])[1]
        verified = await client.post("/api/auth/verify", json={"token": token})
        assert verified.json() == {"email": email}
        return token

    return enter


@pytest.fixture
async def customer(client, sign_in):
    """Return the client, signed in."""
    await sign_in(client)
    return client


@pytest.fixture
def png():
    """Draw an image of its own for every seed."""

    def draw(seed=0, kind="PNG"):
        file = io.BytesIO()
        Image.new("RGB", (60, 40), (seed % 256, 100, 50)).save(file, kind)
        return file.getvalue()

    return draw


@pytest.fixture
def ready_draft(png):
    """Give what makes a draft that can be paid for."""

    async def prepare(client):
        draft = (await client.post("/api/drafts", json={"name": "Receipts"})).json()
        models = [model.id for model in load_catalog()][:2]
        await client.patch(f"/api/drafts/{draft['id']}", json={"selected_models": models})
        uploaded = await client.post(
            f"/api/drafts/{draft['id']}/images",
            files={"file": ("receipt.png", png())},
            data={"expected_json": '{"total": 12.5}'},
        )
        assert uploaded.status_code == 201, uploaded.text
        return (await client.get(f"/api/drafts/{draft['id']}")).json()

    return prepare


@pytest.fixture
async def stripe_address():
    """Serve the Stripe simulator; nobody takes its events."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    settings = StripeSettings(
        simulator_port=port, stripe_secret_key=STRIPE_KEY, stripe_webhook_secret="whsec_test"
    )
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


@pytest.fixture
def with_stripe(settings, stripe_address):
    """Return the settings of a service that speaks to the simulator, however often customers pay."""
    return CheckoutSettings(
        _env_file=None,
        **settings.model_dump(exclude={"stripe_secret_key", "stripe_api_base", "rate_limit_checkouts"}),
        rate_limit_checkouts="0",
        stripe_secret_key=STRIPE_KEY,
        stripe_api_base=stripe_address,
    )


@pytest.fixture
def pay():
    """Give what enters a good card on a session's pay page."""

    async def enter_card(url):
        card = {
            "email": "ada@example.com",
            "card_number": "4242424242424242",
            "card_expiry": "12/34",
            "card_cvc": "123",
        }
        async with httpx.AsyncClient() as browser:
            return await browser.post(url, data=card)

    return enter_card
