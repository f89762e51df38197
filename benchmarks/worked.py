"""What a worker would send: results of the calls that an orchestrator has asked for, told from its outbox."""

import json
import random
from typing import Any
from uuid import UUID

from sqlalchemy import select

from benchmarks.shapes import ANSWER_LINES, an_answer, cost_usd, whole_catalog
from benchmarks.stand import Stand
from modelpick_orchestrator.progress import ProgressFeed
from modelpick_orchestrator.service import Engine
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_shared.broker import BrokerConnector, Publisher, Service
from modelpick_shared.contracts import AttemptOutcome, Envelope, RunFinished, RunRequested
from modelpick_shared.db import Database, Outbox
from modelpick_shared.db.tables import OutboxMessage


def an_engine(stand: Stand, database: Database, **settings: Any) -> Engine:
    """Return an engine without an orchestrator around it: what it sends stays in the outbox."""
    own = OrchestratorSettings(database_url=stand.database_url, rabbitmq_url=stand.broker_url, **settings)
    feed = ProgressFeed(Publisher(BrokerConnector(stand.broker_url, name="bench")))
    return Engine(database, Outbox(Service.ORCHESTRATOR), own, whole_catalog(), feed)


def answered(run: RunRequested, number: int) -> RunFinished:
    """Return a result with an answer that nobody gave before; every other one is wrong in one line."""
    chance = random.Random(number)  # noqa: S311 - no secret
    answer = an_answer(wrong_at=chance.randrange(1, ANSWER_LINES) if number % 2 else None)
    fields = list(answer.items())
    chance.shuffle(fields)
    return RunFinished(
        **run.job_key._asdict(),
        attempt_token=run.attempt_token,
        outcome=AttemptOutcome.ANSWERED,
        output=json.dumps(dict(fields)) + " " * (number % 97),
        prompt_tokens=1000,
        completion_tokens=500,
        cost_usd=cost_usd(run.model_id),
        latency_ms=700 + number % 1000,
        provider="Somebody",
        generation_id=f"gen-{number}",
    )


class Player:
    """Plays the worker: answers what was asked since it last looked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: UUID | None = None
        self._number = 0

    async def next_results(self) -> list[RunFinished]:
        asked = OutboxMessage.type == RunRequested.TYPE
        statement = select(OutboxMessage.id, OutboxMessage.body).where(asked).order_by(OutboxMessage.id)
        if self._last is not None:
            statement = statement.where(OutboxMessage.id > self._last)
        async with self._database.transaction() as session:
            rows = (await session.execute(statement)).all()
        return [self._answer(row_id, body or "") for row_id, body in rows]

    def _answer(self, row_id: UUID, body: str) -> RunFinished:
        self._last = row_id
        self._number += 1
        return answered(Envelope.model_validate_json(body).unwrap(RunRequested), self._number)
