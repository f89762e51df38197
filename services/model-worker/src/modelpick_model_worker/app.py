from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from modelpick_model_worker.handlers import RunHandler
from modelpick_model_worker.images import ImageAddresses
from modelpick_model_worker.openrouter import OpenRouterClient
from modelpick_model_worker.service import ModelRunner
from modelpick_model_worker.settings import ModelWorkerSettings
from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    Publisher,
    Service,
    event_queue,
    model_queue,
)
from modelpick_shared.catalog import effective_concurrency, load_catalog
from modelpick_shared.contracts import RunFinished, RunRequested
from modelpick_shared.http.app import background, create_app
from modelpick_shared.http.health import Readiness
from modelpick_shared.images import open_image_store

NAME = Service.MODEL_WORKER
# The longest call is 120 s; draining waits for it.
DRAIN_TIMEOUT_S = 130.0


class Parts:
    """The worker's parts, wired: every model's queue leads to the one handler."""

    def __init__(self, settings: ModelWorkerSettings) -> None:
        connector = BrokerConnector(settings.rabbitmq_url.get_secret_value(), name=NAME)
        key = settings.openrouter_api_key
        self.publisher = Publisher(connector, queues=[event_queue(Service.ORCHESTRATOR, RunFinished)])
        self.client = OpenRouterClient(
            settings.openrouter_base_url, key.get_secret_value() if key else None, site_url=settings.site_url
        )
        images = ImageAddresses(open_image_store(settings.image_store_url), settings.image_delivery)
        runner = ModelRunner(
            self.client,
            images.address_of,
            max_retries=settings.max_retries,
            backoff_base_s=settings.backoff_base_ms / 1000,
            backoff_max_s=settings.backoff_max_ms / 1000,
        )
        handler = RunHandler(runner.run, self.publisher)
        self.consumers = ConsumerGroup(
            connector,
            [
                Consumer(
                    model_queue(model.id),
                    RunRequested,
                    handler.run_requested,
                    prefetch=effective_concurrency(model, settings.per_model_concurrency),
                    publisher=self.publisher,
                )
                for model in load_catalog()
            ],
        )

    async def readiness(self) -> Readiness:
        broker = None if self.consumers.ready else "broker: consumers are not registered"
        return Readiness(reasons=[broker] if broker else [], broker=broker or "ok")


def build(settings: ModelWorkerSettings) -> FastAPI:
    parts = Parts(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with parts.publisher, parts.client, background(consumers=parts.consumers.run()):
            yield
            await parts.consumers.drain(DRAIN_TIMEOUT_S)

    return create_app(
        title="ModelPick model worker",
        site_url=settings.site_url,
        lifespan=lifespan,
        readiness=parts.readiness,
    )
