from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates

from modelpick_reports import endpoints, events, pages, share_endpoints
from modelpick_reports.dependencies import Parts
from modelpick_reports.documents import Documents
from modelpick_reports.formats import FILTERS
from modelpick_reports.handlers import Handlers, ReportMoved
from modelpick_reports.hub import POLL_S, Hub
from modelpick_reports.service import StateReader
from modelpick_reports.settings import ReportsSettings
from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    Publisher,
    Service,
    broadcast_queue,
    event_queue,
)
from modelpick_shared.contracts import ReportCompleted, ReportFailed, ReportProgressed
from modelpick_shared.db import Database
from modelpick_shared.http import create_app
from modelpick_shared.http.app import background
from modelpick_shared.http.bearer import bearer_tokens
from modelpick_shared.http.health import Readiness
from modelpick_shared.http.sessions import SessionReader
from modelpick_shared.images import open_image_store

NAME = Service.REPORTS
ROUTERS = [endpoints.router, events.router, share_endpoints.router, pages.router]
ENDINGS: tuple[type[ReportCompleted | ReportFailed], ...] = (ReportCompleted, ReportFailed)
MOVES: tuple[type[ReportMoved], ...] = (ReportProgressed, *ENDINGS)
PREFETCH = 100
DRAIN_TIMEOUT_S = 1.0


def build(settings: ReportsSettings, *, poll_s: float = POLL_S) -> FastAPI:
    database = Database(settings.database_url.get_secret_value(), application=NAME)
    hub = Hub(StateReader(database).read, poll_s=poll_s)
    documents = Documents(database)
    consumers = _consumers(settings, Handlers(hub, documents))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with database, background(consumers=consumers.run(), hub=hub.run(), poll=hub.poll()):
            yield
            await consumers.drain(DRAIN_TIMEOUT_S)

    async def readiness() -> Readiness:
        reason = await database.ping()
        broker = "connected" if consumers.ready else "not connected"
        return Readiness(reasons=[reason] if reason else [], broker=broker)

    app = create_app(
        title="ModelPick reports",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=readiness,
        routers=ROUTERS,
        on_stopping=hub.close,
    )
    app.state.sessions = SessionReader(database, bearer_tokens(settings))
    app.state.parts = Parts(
        database=database,
        images=open_image_store(settings.image_store_url),
        documents=documents,
        hub=hub,
        templates=_templates(),
        site_url=settings.site_url,
    )
    return app


def _consumers(settings: ReportsSettings, handlers: Handlers) -> ConsumerGroup:
    connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
    publisher = Publisher(connector)
    replica = uuid4().hex
    moved = [
        Consumer(
            broadcast_queue(NAME, replica, message_type),
            message_type,
            handlers.report_moved,
            prefetch=PREFETCH,
            publisher=publisher,
        )
        for message_type in MOVES
    ]
    ended = [
        Consumer(
            event_queue(NAME, message_type),
            message_type,
            handlers.report_ended,
            prefetch=1,
            publisher=publisher,
        )
        for message_type in ENDINGS
    ]
    return ConsumerGroup(connector, [*moved, *ended])


def _templates() -> Jinja2Templates:
    templates = Jinja2Templates(Path(__file__).parent / "templates")
    templates.env.filters |= FILTERS
    return templates
