"""How many results a second one orchestrator records: scored, settled, counted, and what follows sent."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from benchmarks.figures import Figure
from benchmarks.shapes import CALLS, COST_USD, an_answer, config, whole_catalog
from benchmarks.stand import Stand, Stores
from modelpick_orchestrator.app import RECORD_BATCH
from modelpick_orchestrator.progress import ProgressFeed
from modelpick_orchestrator.service import Engine
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_shared.broker import BrokerConnector, Publisher, Service
from modelpick_shared.contracts import AttemptOutcome, Envelope, RunFinished, RunRequested
from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.tables import OutboxMessage, Report
from modelpick_shared.testing import insert_report

REPORTS = 6
REPEATS = 3


def answered(run: RunRequested, number: int) -> RunFinished:
    """Return a result with an answer that nobody gave before; every other one is wrong in one place."""
    answer = an_answer() | {"merchant": "Market 0" if number % 2 else f"Market {number}"}
    answer["lines"] = list(reversed(answer["lines"]))[::-1]
    return RunFinished(
        **run.job_key._asdict(),
        attempt_token=run.attempt_token,
        outcome=AttemptOutcome.ANSWERED,
        output=json.dumps(answer) + " " * (number % 97),
        prompt_tokens=1000,
        completion_tokens=500,
        cost_usd=0 if run.model_id.endswith(":free") else COST_USD,
        latency_ms=700,
        provider="Somebody",
        generation_id=f"gen-{number}",
    )


class Player:
    """Plays the worker: answers what was asked, as the outbox has it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: UUID | None = None
        self._number = 0

    async def next_results(self) -> list[RunFinished]:
        statement = select(OutboxMessage.id, OutboxMessage.body).where(
            OutboxMessage.type == RunRequested.TYPE
        )
        if self._last is not None:
            statement = statement.where(OutboxMessage.id > self._last)
        async with self._database.transaction() as session:
            rows = (await session.execute(statement.order_by(OutboxMessage.id))).all()
        results = []
        for row_id, body in rows:
            self._last = row_id
            self._number += 1
            results.append(
                answered(Envelope.model_validate_json(body or "").unwrap(RunRequested), self._number)
            )
        return results


def batches(results: Sequence[RunFinished]) -> Iterator[Sequence[RunFinished]]:
    for start in range(0, len(results), RECORD_BATCH):
        yield results[start : start + RECORD_BATCH]


async def results_per_s(stand: Stand) -> float:
    async with Database(stand.database_url, application="bench") as database:
        engine = an_engine(stand, database)
        async with database.transaction() as session:
            ids = [(await insert_report(session, config())).id for _ in range(REPORTS)]
        for report_id in ids:
            await engine.plan(report_id)
        player, spent_s, recorded = Player(database), 0.0, 0
        while results := await player.next_results():
            for batch in batches(results):
                started_s = time.perf_counter()
                await engine.record(batch)
                spent_s += time.perf_counter() - started_s
                recorded += len(batch)
        async with database.transaction() as session:
            statuses = set(await session.scalars(select(Report.status).where(Report.id.in_(ids))))
        if statuses != {"complete"} or recorded != REPORTS * CALLS:
            raise RuntimeError(f"{recorded} recorded, reports are {statuses}")
    return recorded / spent_s


def an_engine(stand: Stand, database: Database) -> Engine:
    settings = OrchestratorSettings(database_url=stand.database_url, rabbitmq_url=stand.broker_url)
    feed = ProgressFeed(Publisher(BrokerConnector(stand.broker_url, name="bench")))
    return Engine(database, Outbox(Service.ORCHESTRATOR), settings, whole_catalog(), feed)


async def bare_inserts_per_s(stand: Stand) -> float:
    """Insert rows of the same size in batches, and nothing else: what this machine's database bears."""
    insert = text(
        "INSERT INTO bare (n, answer) SELECT * FROM unnest(CAST(:n AS int[]), CAST(:answer AS text[]))"
    )
    rows: dict[str, Any] = {
        "n": list(range(RECORD_BATCH)),
        "answer": [json.dumps(an_answer(n)) for n in range(RECORD_BATCH)],
    }
    async with Database(stand.database_url, application="bench") as database:
        async with database.transaction() as session:
            await session.execute(text("CREATE TABLE IF NOT EXISTS bare (n int, answer text)"))
        started_s = time.perf_counter()
        for _ in range(20):
            async with database.transaction() as session:
                await session.execute(insert, rows)
    return 20 * RECORD_BATCH / (time.perf_counter() - started_s)


def recording(stores: Stores) -> list[Figure]:
    """Results recorded a second by one orchestrator, and bare inserts beside it."""
    ours, bare = [], []
    for _ in range(REPEATS):
        with stores.stand() as stand:
            ours.append(asyncio.run(results_per_s(stand)))
            bare.append(asyncio.run(bare_inserts_per_s(stand)))
    return [
        Figure("recording", ours, "results/s", at_least=2000),
        Figure("bare inserts of the same size", bare, "rows/s"),
    ]
