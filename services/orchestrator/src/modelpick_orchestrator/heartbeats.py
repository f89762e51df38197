"""Answering the workers' heartbeats with the database's time, and noting what they say of the key."""

import structlog

from modelpick_orchestrator.repository import database_time
from modelpick_orchestrator.service import Engine
from modelpick_shared.broker import Publisher, Verdict
from modelpick_shared.contracts import WorkerAlive, WorkerClock
from modelpick_shared.db import Database
from modelpick_shared.errors import TransientError

log = structlog.get_logger()


class Heartbeats:
    """Every replica of the orchestrator hears and answers: an answer more does no harm."""

    def __init__(self, database: Database, publisher: Publisher, engine: Engine) -> None:
        self._database = database
        self._publisher = publisher
        self._engine = engine

    async def worker_alive(self, alive: WorkerAlive) -> Verdict:
        self._engine.hear(alive)
        try:
            async with self._database.transaction() as session:
                now = await database_time(session)
            clock = WorkerClock(worker_id=alive.worker_id, database_time=now, alive_sent_at=alive.sent_at)
            await self._publisher.send(clock, persistent=False)
        except TransientError as error:
            log.info("heartbeat.unanswered", reason=str(error))
        return Verdict.ACK
