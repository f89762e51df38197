"""Forty recorders with duplicates and crashes: the ceiling holds by the model API's own journal."""

import asyncio
import hashlib
import json
import random
from contextlib import asynccontextmanager
from decimal import Decimal
from importlib import resources
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from modelpick_model_worker.attempt import Limits, Means
from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.clock import Clock
from modelpick_model_worker.images import ImageAddresses
from modelpick_model_worker.key import KeyGuard
from modelpick_model_worker.openrouter import OpenRouterClient
from modelpick_model_worker.service import ModelRunner
from modelpick_orchestrator.progress import ProgressFeed
from modelpick_orchestrator.service import Engine
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_shared.broker import Service
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import Envelope, RunRequested
from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.tables import OutboxMessage, Report
from modelpick_shared.images import open_image_store
from modelpick_shared.testing import config_snapshot, eventually, insert_report
from modelpick_simulators.openrouter.answers import FixedAnswerBook
from modelpick_simulators.openrouter.app import create_app
from modelpick_simulators.openrouter.settings import OpenRouterSettings

pytestmark = pytest.mark.faults

RECORDERS = 40
MODELS, IMAGES, RUNS = 6, 5, 3
CEILING = Decimal("0.90")
IMAGE = b"\x89PNG pretend" * 100


class NoPublisher:
    async def send(self, *_, **__) -> None: ...


@asynccontextmanager
async def model_api():
    catalogue = Path(str(resources.files("modelpick_shared.catalog") / "models.json"))
    settings = OpenRouterSettings(
        simulator_port=1,
        simulator_models=catalogue,
        openrouter_api_key="sk-or-test",
        simulator_latency_ms="5-30",
        simulator_rate_limit_share=0,
    )
    answers = FixedAnswerBook({hashlib.sha256(IMAGE).hexdigest(): json.dumps({"lines": ["x" * 200] * 30})})
    config = uvicorn.Config(create_app(settings, answers), port=0, log_level="critical")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


@pytest.mark.parametrize("seed", range(3))
async def test_the_ceiling_holds_by_the_journal(seed, fresh_database_url, tmp_path):
    chance = random.Random(seed)
    store = open_image_store(f"file://{tmp_path}")
    await store.put("image", IMAGE)
    database = Database(fresh_database_url, application="test", pool_size=RECORDERS + 2)
    async with (
        model_api() as address,
        database,
        OpenRouterClient(f"{address}/api/v1", "sk-or-test", site_url="http://localhost") as client,
    ):
        runner = a_runner(client, ImageAddresses(store, "inline"))
        engines = [an_engine(fresh_database_url, database) for _ in range(RECORDERS)]
        report = await a_report(database)
        await engines[0].plan(report.id)
        async for new in requests(database):
            results = await asyncio.gather(*(runner.run(run) for run in new))
            await asyncio.gather(*(record_or_die(engine, results, chance) for engine in engines))
            await engines[0].record(results)
            assert await journalled(address) <= CEILING
        report = await read(database, report.id)
        billed = await journalled(address)
    assert report.completed_jobs == report.total_jobs
    assert report.status == "partial", "the budget was to bind"
    assert abs(billed - report.spent_usd) < Decimal("0.000001")
    assert report.spent_usd + report.reserved_usd <= CEILING


def a_runner(client, images) -> ModelRunner:
    guard, clock = KeyGuard(client), Clock()
    means = Means(client, guard, clock, Limits(2), Backoff(0.05, 0.2))
    return ModelRunner(means, images.address_of, prefetches={model.id: 3 for model in load_catalog()})


def an_engine(url, database) -> Engine:
    settings = OrchestratorSettings(
        database_url=url, rabbitmq_url="amqp://x", cost_soft_ceiling_usd=CEILING - Decimal("0.05")
    )
    feed = ProgressFeed(NoPublisher())
    return Engine(database, Outbox(Service.ORCHESTRATOR), settings, load_catalog(), feed)


async def a_report(database) -> Report:
    config = config_snapshot(models=MODELS, images=IMAGES, runs=RUNS)
    images = [
        image.model_copy(update={"key": "image", "sha256": hashlib.sha256(IMAGE).hexdigest()})
        for image in config.images
    ]
    async with database.transaction() as session:
        return await insert_report(session, config.model_copy(update={"images": images}), ceiling_usd=CEILING)


async def read(database, report_id) -> Report:
    async with database.transaction() as session:
        return (await session.scalars(select(Report).where(Report.id == report_id))).one()


async def requests(database):
    """Yield what was asked and not yet seen, until nothing new is asked."""
    seen: set = set()
    while True:
        statement = select(OutboxMessage.body).where(OutboxMessage.type == RunRequested.TYPE)
        async with database.transaction() as session:
            bodies = (await session.scalars(statement)).all()
        runs = [Envelope.model_validate_json(body).unwrap(RunRequested) for body in bodies]
        new = [run for run in runs if run.attempt_token not in seen]
        if not new:
            return
        seen |= {run.attempt_token for run in new}
        yield new


async def record_or_die(engine, results, chance) -> None:
    some = chance.sample(results, chance.randint(1, len(results)))
    task = asyncio.create_task(engine.record(some + some[:1]))
    if chance.random() < 0.3:
        await asyncio.sleep(chance.random() / 20)
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def journalled(address) -> Decimal:
    async with httpx.AsyncClient(trust_env=False) as client:
        journal = (await client.get(f"{address}/_control/journal")).json()
    return Decimal(str(journal["cost_usd"]))
