"""How many results a second one orchestrator records: scored, settled, counted, and what follows sent."""

import gc
import json
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import uvloop
from sqlalchemy import func, select, text

from benchmarks.figures import Figure
from benchmarks.queued import queued_results_per_s
from benchmarks.shapes import CALLS, config, cost_usd, whole_catalog
from benchmarks.stand import Stand, Stores
from benchmarks.worked import Player, an_engine, answered
from modelpick_orchestrator.app import RECORD_BATCH
from modelpick_orchestrator.outcomes import run_values
from modelpick_orchestrator.requests import Lease, run_request
from modelpick_orchestrator.snapshots import Snapshot
from modelpick_shared.contracts import JobKey
from modelpick_shared.db import Database
from modelpick_shared.db.tables import BenchmarkRun, Report, ReportModel
from modelpick_shared.http.serve import GC_THRESHOLD
from modelpick_shared.ids import new_id
from modelpick_shared.testing import insert_report

REPORTS = 6
BATCH = RECORD_BATCH
REPEATS = 3
TARGET = 2000
NOW = datetime.now(UTC)


def recording(stores: Stores) -> list[Figure]:
    """Measure results recorded a second by one orchestrator, with bare inserts of the same rows beside."""
    engine, bare, queued = [], [], []
    notes: dict[str, float] = {}
    for _ in range(REPEATS):
        with stores.stand() as stand:
            engine.append(on_a_services_loop(results_per_s(stand)))
            bare.append(on_a_services_loop(bare_inserts_per_s(stand)))
        with stores.stand() as stand:
            rate, notes = queued_results_per_s(stand)
            queued.append(rate)
    return [
        Figure("recording", engine, "results/s", at_least=TARGET),
        Figure("recording, against bare inserts", against(engine, bare), "x their rate"),
        Figure("recording, from a full queue", queued, "results/s", at_least=TARGET, notes=notes),
        Figure("recording, from a full queue, against bare inserts", against(queued, bare), "x their rate"),
        Figure("bare inserts of the same rows", bare, "rows/s"),
    ]


def against(ours: Sequence[float], others: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(ours, others, strict=True)]


def on_a_services_loop(work: Any) -> Any:
    """Run as services do: on uvloop, and with their patience about garbage."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    try:
        return uvloop.run(work)
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def results_per_s(stand: Stand) -> float:
    async with Database(stand.database_url, application="bench") as database:
        engine = an_engine(stand, database)
        async with database.transaction() as session:
            ids = [(await insert_report(session, config())).id for _ in range(REPORTS)]
        for report_id in ids:
            await engine.plan(report_id)
        player = Player(database)
        waiting = deque(await player.next_results())
        spent_s, recorded = 0.0, 0
        while waiting:
            batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
            started_s = time.perf_counter()
            await engine.record(batch)
            spent_s += time.perf_counter() - started_s
            recorded += len(batch)
            waiting += await player.next_results()
        await check(database, ids)
    return recorded / spent_s


async def check(database: Database, ids: list[UUID]) -> None:
    """Raise unless each report is complete and paid for, half of its answers right."""
    spent_usd = sum(cost_usd(model.id) for model in whole_catalog()) * (CALLS // len(whole_catalog()))
    async with database.transaction() as session:
        reports = (await session.scalars(select(Report).where(Report.id.in_(ids)))).all()
        statement = select(func.sum(ReportModel.passed), func.sum(ReportModel.failed))
        counted = tuple((await session.execute(statement)).one())
        rows = await session.scalar(select(func.count()).select_from(BenchmarkRun))
    states = {(report.status, report.spent_usd, report.reserved_usd) for report in reports}
    half = REPORTS * CALLS // 2
    if states != {("complete", spent_usd, Decimal(0))} or counted != (half, half) or rows != 2 * half:
        raise RuntimeError(f"reports are {states}; {counted} passed and failed, in {rows} rows")


async def bare_inserts_per_s(stand: Stand) -> float:
    """Insert such rows a batch at a time, and do nothing else: what this machine's database bears."""
    rows = bare_rows(8 * BATCH)
    insert = text(
        f"INSERT INTO bare_runs ({', '.join(rows[0])}) VALUES ({', '.join(f':{name}' for name in rows[0])})"  # noqa: S608 - columns
    )
    async with Database(stand.database_url, application="bench") as database:
        async with database.transaction() as session:
            await session.execute(text("CREATE TABLE bare_runs (LIKE benchmark_runs INCLUDING ALL)"))
        started_s = time.perf_counter()
        for start in range(0, len(rows), BATCH):
            async with database.transaction() as session:
                await session.execute(insert, rows[start : start + BATCH])
        return len(rows) / (time.perf_counter() - started_s)


def bare_rows(count: int) -> list[dict[str, Any]]:
    """Return rows of `benchmark_runs` as the orchestrator would store them, scored beforehand."""
    snapshot = Snapshot(config().model_dump(mode="json"))
    model = snapshot.config.models[0].id
    rows = []
    for number in range(count):
        lease = Lease(new_id(), ends_at=NOW, deadline_at=NOW)
        run = run_request(JobKey(new_id(), model, 0, 0), snapshot.config, lease, max_tokens=4096)
        row = run_values(answered(run, number), snapshot)
        rows.append(row | {"field_diffs": json.dumps(row["field_diffs"])})
    return rows
