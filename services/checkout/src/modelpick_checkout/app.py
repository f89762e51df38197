from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates

from modelpick_checkout.dependencies import Parts
from modelpick_checkout.drafts import endpoints as drafts
from modelpick_checkout.drafts.copying import DraftCopies
from modelpick_checkout.drafts.service import Drafts
from modelpick_checkout.images import endpoints as images
from modelpick_checkout.images.files import ImageFiles
from modelpick_checkout.images.service import Images
from modelpick_checkout.metrics import measure_store
from modelpick_checkout.orders import endpoints as orders
from modelpick_checkout.orders import pages as payment_pages
from modelpick_checkout.orders.gateway import PaymentGateway
from modelpick_checkout.orders.mock_gateway import MockGateway
from modelpick_checkout.orders.service import Orders
from modelpick_checkout.orders.stripe_gateway import StripeGateway
from modelpick_checkout.settings import CheckoutSettings
from modelpick_checkout.sign_in import endpoints as sign_in
from modelpick_checkout.sign_in import pages as sign_in_pages
from modelpick_checkout.sign_in.service import SignIn
from modelpick_shared.broker import BrokerConnector, Publisher, Service, event_queue
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import MailRequested, PaymentSeen
from modelpick_shared.db import Database, Outbox, OutboxRelay
from modelpick_shared.http import create_app
from modelpick_shared.http.app import background
from modelpick_shared.http.bearer import bearer_tokens
from modelpick_shared.http.health import Readiness
from modelpick_shared.http.rate_limits import RateLimits
from modelpick_shared.http.sessions import SessionReader

NAME = Service.CHECKOUT
ROUTERS = [
    sign_in.router,
    sign_in_pages.router,
    drafts.router,
    images.router,
    orders.router,
    payment_pages.router,
]


def build(settings: CheckoutSettings) -> FastAPI:
    database = Database(settings.database_url.get_secret_value(), application=NAME)
    publisher = _publisher(settings)
    outbox = Outbox(NAME)
    gateway = _gateway(settings)
    files = ImageFiles.of(database, store_url=settings.image_store_url)
    measure_store(settings.image_store_url)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        relay = OutboxRelay(database, publisher, outbox)
        async with (
            database,
            publisher,
            files.decoders,
            background(
                relay=relay.run(),
                connection=publisher.stay_connected(),
                deletions=files.deletions.run(),
            ),
        ):
            yield
        if gateway is not None:
            await gateway.close()

    async def readiness() -> Readiness:
        reason = await database.ping()
        broker = "connected" if publisher.connected else "not connected"
        return Readiness(reasons=[reason] if reason else [], broker=broker)

    app = create_app(
        title="ModelPick checkout",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=readiness,
        routers=ROUTERS,
    )
    app.state.sessions = SessionReader(database, bearer_tokens(settings))
    app.state.parts = _parts(settings, database, outbox, gateway, files)
    return app


def _publisher(settings: CheckoutSettings) -> Publisher:
    connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
    queues = [event_queue(Service.NOTIFIER, MailRequested), event_queue(Service.WEBHOOK, PaymentSeen)]
    return Publisher(connector, queues=queues)


def _gateway(settings: CheckoutSettings) -> PaymentGateway | None:
    if settings.debug_mock_stripe:
        return MockGateway()
    if settings.stripe_secret_key is None:
        return None
    return StripeGateway(settings.stripe_secret_key.get_secret_value(), api_base=settings.stripe_api_base)


def _parts(
    settings: CheckoutSettings,
    database: Database,
    outbox: Outbox,
    gateway: PaymentGateway | None,
    files: ImageFiles,
) -> Parts:
    catalog = load_catalog()
    drafts = Drafts(catalog, settings, runs_per_image=settings.runs_per_image)
    images = Images(database, drafts, files)
    return Parts(
        database=database,
        catalog=catalog,
        templates=Jinja2Templates(Path(__file__).parent / "templates"),
        limits=RateLimits(settings),
        trusted_proxies=settings.trusted_proxies,
        secure_cookies=settings.site_url.startswith("https://"),
        sign_in=SignIn(outbox, site_url=settings.site_url),
        drafts=drafts,
        copies=DraftCopies(database, drafts, images),
        images=images,
        orders=_orders(settings, database, outbox, drafts, gateway) if gateway else None,
    )


def _orders(
    settings: CheckoutSettings, database: Database, outbox: Outbox, drafts: Drafts, gateway: PaymentGateway
) -> Orders:
    return Orders(
        database,
        outbox,
        drafts,
        gateway,
        site_url=settings.site_url,
        price_cents=settings.price_cents,
    )
