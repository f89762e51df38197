from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    Publisher,
    Service,
    event_queue,
    subscribers_of,
)
from modelpick_shared.contracts import MailRequested, PaymentSeen, ReportFailed, ReportPaid
from modelpick_shared.db import Database, Outbox, OutboxRelay
from modelpick_shared.http import create_app
from modelpick_shared.http.app import background
from modelpick_shared.http.health import Readiness
from modelpick_shared.telemetry.refreshing import refresh_forever
from modelpick_webhook import endpoints
from modelpick_webhook.gateway import Lookups
from modelpick_webhook.gauges import EVERY_S, PaymentGauges
from modelpick_webhook.handlers import Handlers
from modelpick_webhook.intake import Intake
from modelpick_webhook.mock_lookup import MockLookup
from modelpick_webhook.reconciliation import Reconciler
from modelpick_webhook.refunds import Refunds
from modelpick_webhook.service import Payments
from modelpick_webhook.settings import WebhookSettings
from modelpick_webhook.stripe_gateway import StripeGateway

NAME = Service.WEBHOOK
PREFETCH = 8
# Seen payments, the intake, the relay, refunds, and a reconciliation with its lock and its lookups.
CONNECTIONS = 16
DRAIN_TIMEOUT_S = 10.0


def build(settings: WebhookSettings) -> FastAPI:
    database = Database(settings.database_url.get_secret_value(), application=NAME, pool_size=CONNECTIONS)
    connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
    publisher = Publisher(connector, queues=subscribers_of(ReportPaid, MailRequested))
    outbox = Outbox(NAME)
    payments = Payments(outbox, ceiling_usd=settings.cost_ceiling_usd, live_mode=settings.live_mode)
    intake = Intake(database, payments)
    stripe = _stripe(settings)
    lookups = Lookups(stripe, MockLookup(database) if settings.debug_mock_stripe else None)
    refunds = Refunds(database, outbox, stripe) if stripe else None
    reconciler = Reconciler(
        database, payments, intake, lookups, stripe, refunds=refunds, interval_s=settings.reconcile_interval_s
    )
    consumers = ConsumerGroup(connector, _consumers(Handlers(database, payments, lookups), publisher))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loops = {
            "relay": OutboxRelay(database, publisher, outbox).run(),
            "consumers": consumers.run(),
            "reconciler": reconciler.run(),
            "gauges": refresh_forever(PaymentGauges(database).read, every_s=EVERY_S),
        }
        if refunds is not None:
            loops["refunds"] = refunds.run()
        async with AsyncExitStack() as ends:
            if stripe is not None:
                ends.push_async_callback(stripe.close)
            await ends.enter_async_context(database)
            await ends.enter_async_context(publisher)
            await ends.enter_async_context(background(**loops))
            yield
            await consumers.drain(DRAIN_TIMEOUT_S)

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
    app.state.parts = endpoints.Parts(intake, settings.webhook_secrets)
    return app


def _consumers(
    handlers: Handlers, publisher: Publisher
) -> list[Consumer[PaymentSeen] | Consumer[ReportFailed]]:
    seen, failed = event_queue(NAME, PaymentSeen), event_queue(NAME, ReportFailed)
    return [
        Consumer(seen, PaymentSeen, handlers.payment_seen, prefetch=PREFETCH, publisher=publisher),
        Consumer(failed, ReportFailed, handlers.report_failed, prefetch=1, publisher=publisher),
    ]


def _stripe(settings: WebhookSettings) -> StripeGateway | None:
    if settings.stripe_secret_key is None:
        return None
    return StripeGateway(settings.stripe_secret_key.get_secret_value(), api_base=settings.stripe_api_base)
