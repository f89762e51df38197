from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from modelpick_shared.broker import BrokerConnector, Consumer, ConsumerGroup, Publisher, Service, event_queue
from modelpick_shared.contracts import PaymentSeen, ReportPaid
from modelpick_shared.db import Database, Outbox, OutboxRelay
from modelpick_shared.http import create_app
from modelpick_shared.http.app import background
from modelpick_shared.http.health import Readiness
from modelpick_webhook import endpoints
from modelpick_webhook.handlers import Handlers
from modelpick_webhook.mock_lookup import MockLookup
from modelpick_webhook.service import Payments
from modelpick_webhook.settings import WebhookSettings
from modelpick_webhook.stripe_lookup import StripeLookup

NAME = Service.WEBHOOK
PREFETCH = 8
DRAIN_TIMEOUT_S = 10.0


def build(settings: WebhookSettings) -> FastAPI:
    database = Database(settings.database_url.get_secret_value(), application=NAME)
    connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
    publisher = Publisher(connector, queues=[event_queue(Service.ORCHESTRATOR, ReportPaid)])
    outbox = Outbox(NAME)
    payments = Payments(outbox, ceiling_usd=settings.cost_ceiling_usd, live_mode=settings.live_mode)
    stripe = _stripe(settings)
    handlers = Handlers(
        database, payments, stripe=stripe, mock=MockLookup(database) if settings.debug_mock_stripe else None
    )
    consumers = ConsumerGroup(connector, [_payment_seen(handlers, publisher)])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        relay = OutboxRelay(database, publisher, outbox)
        async with database, publisher, background(relay=relay.run(), consumers=consumers.run()):
            yield
            await consumers.drain(DRAIN_TIMEOUT_S)
        if stripe is not None:
            await stripe.close()

    async def readiness() -> Readiness:
        reason = await database.ping()
        broker = "connected" if consumers.ready else "not connected"
        return Readiness(reasons=[reason] if reason else [], broker=broker)

    app = create_app(
        title="ModelPick webhook",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=readiness,
        routers=[endpoints.router],
    )
    app.state.parts = endpoints.Parts(database, payments, settings.webhook_secrets)
    return app


def _payment_seen(handlers: Handlers, publisher: Publisher) -> Consumer[PaymentSeen]:
    queue = event_queue(NAME, PaymentSeen)
    return Consumer(queue, PaymentSeen, handlers.payment_seen, prefetch=PREFETCH, publisher=publisher)


def _stripe(settings: WebhookSettings) -> StripeLookup | None:
    if settings.stripe_secret_key is None:
        return None
    return StripeLookup(settings.stripe_secret_key.get_secret_value(), api_base=settings.stripe_api_base)
