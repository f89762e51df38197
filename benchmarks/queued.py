"""Recording from a queue that is full already: a result's whole way through an orchestrator's process."""

import asyncio
import time
from decimal import Decimal

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.shapes import CALLS, config
from benchmarks.stand import Stand
from benchmarks.worked import Player, an_engine
from modelpick_shared.broker import BrokerConnector, Publisher, Service, event_queue
from modelpick_shared.contracts import RunFinished
from modelpick_shared.db import Database
from modelpick_shared.db.tables import BenchmarkJob, OutboxMessage, Report
from modelpick_shared.testing import eventually, insert_report

REPORTS = 8
# So many calls in flight that the results of half of all jobs can lie in the queue; each lets another begin.
CONCURRENCY = 60
CEILING_USD = 1000
WITHIN_S = 120.0
SENT_AT_ONCE = 200


def queued_results_per_s(stand: Stand) -> tuple[float, dict[str, float]]:
    """Return the rate after the first tenth of the results, and how many processors were busy with it."""
    queued = asyncio.run(preload(stand))
    settings = {"PER_MODEL_CONCURRENCY": str(CONCURRENCY), "COST_SOFT_CEILING_USD": str(CEILING_USD)}
    stand.start("orchestrator", **settings)
    return asyncio.run(measure(stand, queued))


async def preload(stand: Stand) -> int:
    """Plan reports, and put the results of all that was dispatched into the queue; return their number."""
    async with Database(stand.database_url, application="bench") as database:
        await plan(stand, database)
        results = await Player(database).next_results()
        async with database.transaction() as session:
            await session.execute(update(OutboxMessage).values(sent_at=func.now()))
    connector = BrokerConnector(stand.broker_url, name="bench")
    queue = event_queue(Service.ORCHESTRATOR, RunFinished)
    async with Publisher(connector, queues=[queue]) as publisher:
        for start in range(0, len(results), SENT_AT_ONCE):
            await asyncio.gather(*map(publisher.send, results[start : start + SENT_AT_ONCE]))
    return len(results)


async def plan(stand: Stand, database: Database) -> None:
    settings = {"per_model_concurrency": CONCURRENCY, "cost_soft_ceiling_usd": Decimal(CEILING_USD)}
    engine = an_engine(stand, database, **settings)
    async with database.transaction() as session:
        reports = [
            await insert_report(session, config(), ceiling_usd=Decimal(CEILING_USD)) for _ in range(REPORTS)
        ]
    for report in reports:
        await engine.plan(report.id)


async def measure(stand: Stand, queued: int) -> tuple[float, dict[str, float]]:
    async with Database(stand.database_url, application="bench") as database:
        first, began_s = await recorded(database, queued // 10)
        meter = stand.meter()
        last, ended_s = await recorded(database, queued)
        notes = meter.processors()
        async with database.transaction() as session:
            notes["follow-ups not yet sent"] = await unsent(session)
            await check(session, queued)
    return (last - first) / (ended_s - began_s), notes


async def recorded(database: Database, count: int) -> tuple[int, float]:
    """Wait for so many recorded results; return how many there are, and when."""

    async def enough() -> int:
        async with database.transaction() as session:
            done: int = (await session.execute(select(func.sum(Report.completed_jobs)))).scalar_one()
        return done if done >= count else 0

    done: int = await eventually(enough, within_s=WITHIN_S)
    return done, time.perf_counter()


async def unsent(session: AsyncSession) -> int:
    statement = select(func.count()).where(OutboxMessage.sent_at.is_(None))
    return (await session.execute(statement)).scalar_one()


async def check(session: AsyncSession, queued: int) -> None:
    """Raise unless each result is counted once, and another job was dispatched for it."""
    statement = select(BenchmarkJob.state, func.count()).group_by(BenchmarkJob.state)
    states = {row[0]: row[1] for row in await session.execute(statement)}
    if states != {"done": queued, "in_flight": REPORTS * CALLS - queued}:
        raise RuntimeError(f"{queued} results were in the queue, and jobs are {states}")
