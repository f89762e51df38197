import asyncio
from contextlib import asynccontextmanager

import pytest

from modelpick_model_worker.app import build
from modelpick_model_worker.settings import ModelWorkerSettings
from modelpick_shared.broker import (
    BatchConsumer,
    BrokerConnector,
    ConsumerGroup,
    Publisher,
    Service,
    Verdict,
    event_queue,
    model_queue,
)
from modelpick_shared.broker.provision import provision
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import RunFinished
from modelpick_shared.images import open_image_store
from modelpick_shared.testing import eventually

from .conftest import IMAGE, a_run

pytestmark = pytest.mark.connected


@asynccontextmanager
async def whole_worker(owners_url, url, simulator, tmp_path):
    """Run a whole worker on a real broker; yield a publisher of jobs and the results that come back."""
    await open_image_store(f"file://{tmp_path}").put("image", IMAGE)
    settings = ModelWorkerSettings(
        rabbitmq_url=url,
        image_store_url=f"file://{tmp_path}",
        openrouter_api_key="sk-or-test",
        openrouter_base_url=simulator.url,
    )
    connector = BrokerConnector(owners_url, name="test")
    await provision(connector, [model.id for model in load_catalog()])
    app = build(settings)
    results: list[RunFinished] = []

    async def keep(messages) -> Verdict:
        results.extend(messages)
        return Verdict.ACK

    jobs = model_queue("openai/gpt-5-mini")
    async with app.router.lifespan_context(app), Publisher(connector, queues=[jobs]) as publisher:
        reader = BatchConsumer(
            event_queue(Service.ORCHESTRATOR, RunFinished),
            RunFinished,
            keep,
            batch_size=50,
            publisher=publisher,
        )
        group = ConsumerGroup(connector, [reader])
        task = asyncio.create_task(group.run())
        await eventually(lambda: group.ready)
        yield publisher, results
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_model_never_has_more_calls_in_flight_than_its_prefetch(
    fresh_broker_url, broker_url_as, simulator, tmp_path
):
    async with whole_worker(fresh_broker_url, broker_url_as(Service.MODEL_WORKER), simulator, tmp_path) as (
        publisher,
        results,
    ):
        await asyncio.gather(*(publisher.send(a_run(run_index=number)) for number in range(30)))
        await eventually(lambda: len(results) == 30)
    assert {result.run_index for result in results} == set(range(30))
    assert (await simulator.journal())["max_in_flight"]["openai/gpt-5-mini"] == 3


async def test_a_job_delivered_twice_is_called_once_and_answered_twice_alike(
    fresh_broker_url, broker_url_as, simulator, tmp_path
):
    run = a_run()
    async with whole_worker(fresh_broker_url, broker_url_as(Service.MODEL_WORKER), simulator, tmp_path) as (
        publisher,
        results,
    ):
        await publisher.send(run)
        await publisher.send(run)
        await eventually(lambda: len(results) == 2)
    assert results[0] == results[1]
    assert len((await simulator.journal())["calls"]) == 1
