from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from modelpick_notifier import endpoints
from modelpick_notifier.gauges import EVERY_S, MailGauges
from modelpick_notifier.handlers import Handlers
from modelpick_notifier.mails import MailRoom
from modelpick_notifier.service import Sender
from modelpick_notifier.settings import NotifierSettings
from modelpick_notifier.transport import MailTransport, ResendTransport, SmtpTransport
from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    Publisher,
    Service,
    Verdict,
    event_queue,
)
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import MailRequested, ReportCompleted, ReportFailed, ReportPaid
from modelpick_shared.contracts.envelope import M
from modelpick_shared.db import Database
from modelpick_shared.errors import SettingsError
from modelpick_shared.http import create_app
from modelpick_shared.http.app import background
from modelpick_shared.http.health import Readiness
from modelpick_shared.telemetry.refreshing import refresh_forever

NAME = Service.NOTIFIER
PREFETCH = 20
# A mail in hand may take a server's whole time limit.
DRAIN_TIMEOUT_S = 15.0


class Parts:
    """The notifier's parts, wired: which queue leads to which handler, and what sends."""

    def __init__(self, settings: NotifierSettings) -> None:
        self.database = Database(settings.database_url.get_secret_value(), application=NAME)
        connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
        self.publisher = Publisher(connector)
        self.transport = mail_transport(settings)
        self.sender = Sender(self.database, self.transport, sender=str(settings.sender))
        mail_room = MailRoom(load_catalog(), site_url=settings.site_url, sender=settings.sender)
        handlers = Handlers(self.database, mail_room, self.sender)
        self.consumers = ConsumerGroup(
            connector,
            [
                self._consumer(ReportPaid, handlers.report_paid),
                self._consumer(ReportCompleted, handlers.report_completed),
                self._consumer(ReportFailed, handlers.report_failed),
                self._consumer(MailRequested, handlers.mail_requested),
            ],
        )

    def _consumer(self, message_type: type[M], handler: Callable[[M], Awaitable[Verdict]]) -> Consumer[M]:
        queue = event_queue(NAME, message_type)
        return Consumer(queue, message_type, handler, prefetch=PREFETCH, publisher=self.publisher)

    async def readiness(self) -> Readiness:
        database = await self.database.ping()
        broker = None if self.consumers.ready else "broker: consumers are not registered"
        return Readiness(reasons=[reason for reason in (database, broker) if reason], broker=broker or "ok")


def build(settings: NotifierSettings) -> FastAPI:
    parts = Parts(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            parts.database,
            parts.publisher,
            background(
                consumers=parts.consumers.run(),
                sender=parts.sender.run(),
                gauges=refresh_forever(MailGauges(parts.database).read, every_s=EVERY_S),
            ),
        ):
            yield
            await parts.consumers.drain(DRAIN_TIMEOUT_S)
            await parts.sender.drain(DRAIN_TIMEOUT_S)
        await parts.transport.close()

    app = create_app(
        title="ModelPick notifier",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=parts.readiness,
        routers=[endpoints.router],
    )
    app.state.parts = endpoints.Parts(parts.database, settings.webhook_keys, settings.sender.domain)
    return app


def mail_transport(settings: NotifierSettings) -> MailTransport:
    """Return Resend when its key is set, else SMTP."""
    if settings.resend_api_key is not None:
        return ResendTransport(
            settings.resend_api_key.get_secret_value(),
            base_url=settings.resend_api_base,
        )
    if settings.smtp_url is not None:
        return SmtpTransport(settings.smtp_url.get_secret_value())
    raise SettingsError("set SMTP_URL or RESEND_API_KEY")
