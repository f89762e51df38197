from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from modelpick_model_worker.attempt import Limits, Means
from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.clock import Clock
from modelpick_model_worker.handlers import RunHandler
from modelpick_model_worker.images import ImageAddresses
from modelpick_model_worker.key import KeyGuard
from modelpick_model_worker.membership import Membership
from modelpick_model_worker.openrouter import OpenRouterClient
from modelpick_model_worker.service import ModelRunner
from modelpick_model_worker.settings import ModelWorkerSettings
from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    Publisher,
    Service,
    SharedQueues,
    event_queue,
    model_queue,
)
from modelpick_shared.catalog import Catalog, effective_concurrency, load_catalog
from modelpick_shared.contracts import RunFinished, RunRequested, WorkerAlive
from modelpick_shared.http.app import background, create_app
from modelpick_shared.http.health import Readiness
from modelpick_shared.images import open_image_store
from modelpick_shared.telemetry.models import label_models

NAME = Service.MODEL_WORKER
# The longest call is 120 s; draining waits for it.
DRAIN_TIMEOUT_S = 130.0


class Parts:
    """The worker's parts, wired: every model's queue leads to the one handler."""

    def __init__(self, settings: ModelWorkerSettings, catalog: Catalog) -> None:
        connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
        key = settings.openrouter_api_key
        self.publisher = Publisher(connector, queues=[event_queue(Service.ORCHESTRATOR, RunFinished)])
        self.client = OpenRouterClient(
            settings.openrouter_base_url, key.get_secret_value() if key else None, site_url=settings.site_url
        )
        images = ImageAddresses(open_image_store(settings.image_store_url), settings.image_delivery)
        self.clock = Clock()
        self.guard = KeyGuard(self.client)
        prefetches = {
            model.id: effective_concurrency(model, settings.per_model_concurrency) for model in catalog
        }
        means = Means(
            self.client,
            self.guard,
            self.clock,
            Limits(settings.max_retries),
            Backoff(settings.backoff_base_ms / 1000, settings.backoff_max_ms / 1000),
        )
        label_models(prefetches)
        self.runner = ModelRunner(means, images.address_of, prefetches=prefetches)
        self.handler = RunHandler(self.runner.run, self.publisher)
        membership = Membership(self.publisher, self.clock, self.guard)
        self.queues = SharedQueues(
            connector,
            [self._consumer(model_id, prefetch) for model_id, prefetch in prefetches.items()],
            member_id=membership.worker_id,
            listeners=membership.listeners(self.worker_alive),
            say=membership.say,
        )

    def _consumer(self, model_id: str, prefetch: int) -> Consumer[RunRequested]:
        return Consumer(
            model_queue(model_id),
            RunRequested,
            self.handler.run_requested,
            prefetch=prefetch,
            publisher=self.publisher,
            redelivered=self.handler.run_redelivered,
            not_started=self.handler.run_not_started,
            parked=partial(self.runner.stop_waiting, model_id),
        )

    def worker_alive(self, alive: WorkerAlive) -> None:
        self.queues.hear(alive)

    async def tell_of_key(self) -> None:
        """Send a heartbeat whenever the key stops or begins to work."""
        while True:
            await self.guard.changed.wait()
            self.guard.changed.clear()
            self.queues.wake()

    async def drain(self) -> None:
        """Finish the calls that run, give back what was not begun, and hand the queues over."""
        self.runner.stop_waiting()
        await self.queues.drain(DRAIN_TIMEOUT_S)

    async def readiness(self) -> Readiness:
        broker = None if self.queues.ready else "broker: consumers are not registered"
        return Readiness(reasons=[broker] if broker else [], broker=broker or "ok")


def build(settings: ModelWorkerSettings, catalog: Catalog | None = None) -> FastAPI:
    """Return the service; without a catalogue, the one on file says how many calls each model bears."""
    parts = Parts(settings, catalog or load_catalog())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            parts.publisher,
            parts.client,
            background(queues=parts.queues.run(), key=parts.guard.run(), key_news=parts.tell_of_key()),
        ):
            yield
            await parts.drain()

    return create_app(
        title="ModelPick model worker",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=parts.readiness,
    )
