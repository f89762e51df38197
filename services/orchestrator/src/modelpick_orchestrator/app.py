import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import structlog
from fastapi import FastAPI

from modelpick_orchestrator.gauges import EVERY_S, ReportGauges
from modelpick_orchestrator.handlers import Handlers
from modelpick_orchestrator.heartbeats import Heartbeats
from modelpick_orchestrator.progress import ProgressFeed
from modelpick_orchestrator.service import Engine
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_shared.broker import (
    BatchConsumer,
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    Publisher,
    QueueWatch,
    Service,
    Verdict,
    broadcast_queue,
    event_queue,
    model_queue,
    subscribers_of,
    work_queues,
)
from modelpick_shared.catalog import Catalog, load_catalog
from modelpick_shared.contracts import (
    Message,
    ReportCancelRequested,
    ReportCompleted,
    ReportFailed,
    ReportPaid,
    ReportResumeRequested,
    RunFinished,
    RunReplayRequested,
    WorkerAlive,
)
from modelpick_shared.db import Database, Outbox, OutboxRelay
from modelpick_shared.errors import TransientError
from modelpick_shared.housekeeping import Housekeeping, all_chores
from modelpick_shared.http.app import background, create_app
from modelpick_shared.http.health import Readiness
from modelpick_shared.ids import new_id
from modelpick_shared.telemetry.models import label_models
from modelpick_shared.telemetry.refreshing import refresh_forever

log = structlog.get_logger()
M = TypeVar("M", bound=Message)

NAME = Service.ORCHESTRATOR
RECORD_BATCH = 250
# A model's next calls wait in its queue meanwhile, so that waiting for a fuller batch costs no time.
RECORD_LINGER_S = 0.1
SWEEP_INTERVAL_S = 1.0
DRAIN_TIMEOUT_S = 10.0


class Parts:
    """The orchestrator's parts, wired: which queue leads to which handler, and what runs beside."""

    def __init__(self, settings: OrchestratorSettings, catalog: Catalog) -> None:
        self.database = Database(settings.database_url.get_secret_value(), application=NAME)
        connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
        self.publisher = Publisher(
            connector,
            queues=[
                *(model_queue(model.id) for model in catalog),
                *subscribers_of(ReportCompleted, ReportFailed),
            ],
        )
        self.outbox = Outbox(NAME)
        self.relay = OutboxRelay(self.database, self.publisher, self.outbox)
        transient = Publisher(connector)
        self.feed = ProgressFeed(transient)
        self.engine = Engine(self.database, self.outbox, settings, catalog, self.feed)
        self.housekeeping = Housekeeping(
            self.database,
            all_chores(self.database, connector, catalog, settings),
            interval_s=settings.housekeeping_interval_s,
        )
        model_ids = [model.id for model in catalog]
        label_models(model_ids)
        self.gauges = ReportGauges(self.database, model_ids)
        self.queue_watch = QueueWatch(connector, work_queues(model_ids))
        handlers = Handlers(self.engine)
        heartbeats = Heartbeats(self.database, transient, self.engine)
        self.consumers = ConsumerGroup(
            connector,
            [
                Consumer(
                    broadcast_queue(NAME, str(new_id()), WorkerAlive),
                    WorkerAlive,
                    heartbeats.worker_alive,
                    prefetch=20,
                    publisher=self.publisher,
                ),
                self._consumer(ReportPaid, handlers.report_paid),
                self._consumer(RunReplayRequested, handlers.replay_requested),
                self._consumer(ReportResumeRequested, handlers.resume_requested),
                self._consumer(ReportCancelRequested, handlers.cancel_requested),
                BatchConsumer(
                    event_queue(NAME, RunFinished),
                    RunFinished,
                    handlers.runs_finished,
                    batch_size=RECORD_BATCH,
                    linger_s=RECORD_LINGER_S,
                    expected=self.engine.in_flight,
                    publisher=self.publisher,
                ),
            ],
        )

    def _consumer(self, message_type: type[M], handler: Callable[[M], Awaitable[Verdict]]) -> Consumer[M]:
        queue = event_queue(NAME, message_type)
        return Consumer(queue, message_type, handler, prefetch=4, publisher=self.publisher)

    async def sweep_forever(self) -> None:
        while True:
            try:
                await self.engine.sweep()
            except TransientError as error:
                log.warning("sweep.retry", reason=str(error))
            await asyncio.sleep(SWEEP_INTERVAL_S)

    async def readiness(self) -> Readiness:
        database = await self.database.ping()
        broker = None if self.consumers.ready else "broker: consumers are not registered"
        return Readiness(reasons=[reason for reason in (database, broker) if reason], broker=broker or "ok")


def build(settings: OrchestratorSettings, catalog: Catalog | None = None) -> FastAPI:
    """Return the service; without a catalogue, the one on file says how many calls each model bears."""
    parts = Parts(settings, catalog or load_catalog())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            parts.database,
            parts.publisher,
            background(
                relay=parts.relay.run(),
                consumers=parts.consumers.run(),
                feed=parts.feed.run(),
                gauges=refresh_forever(parts.gauges.read, every_s=EVERY_S),
                queue_watch=parts.queue_watch.run(),
                sweeper=parts.sweep_forever(),
                housekeeping=parts.housekeeping.run(),
            ),
        ):
            yield
            await parts.consumers.drain(DRAIN_TIMEOUT_S)

    return create_app(
        title="ModelPick orchestrator",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=parts.readiness,
    )
