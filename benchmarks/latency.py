"""Stored latencies against the model API's own: what queues, retries and storing add must not be in them."""

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from benchmarks.figures import Figure
from benchmarks.reports import FIXED, run_reports, warm_stand
from benchmarks.shapes import CALLS, MODELS
from benchmarks.stand import Stand, Stores
from modelpick_shared.db import Database
from modelpick_shared.db.tables import BenchmarkRun, Report

REFUSALS = 2


def latency(stores: Stores) -> list[Figure]:
    """Compare stored latencies with the model API's own, counted from a body's first and last byte."""
    with warm_stand(stores) as stand:
        run_reports(stand, replace(FIXED, refusals=REFUSALS))
        journal = stand.api.journal()
        stored_ms = asyncio.run(latencies_ms(stand))
    check(journal, stored_ms)
    own_ms = {f"gen-{call['n']}": 1000 * call["latency_s"] for call in journal["calls"]}
    upload_ms = {f"gen-{call['n']}": 1000 * call["upload_s"] for call in journal["calls"]}
    above = [stored - own_ms[call] for call, stored in stored_ms.items()]
    beside = [stored - own_ms[call] - upload_ms[call] for call, stored in stored_ms.items()]
    return [
        distribution("stored latency above the model API's own", above),
        distribution("stored latency above the model API's own and the upload", beside),
    ]


def distribution(name: str, differences_ms: Sequence[float]) -> Figure:
    percentiles = statistics.quantiles(differences_ms, n=100)
    notes = {
        "least": round(min(differences_ms), 1),
        "p99": round(percentiles[98], 1),
        "most": round(max(differences_ms), 1),
    }
    return Figure(name, [percentiles[49]], "ms (p50)", notes=notes)


def check(journal: dict[str, Any], stored_ms: dict[str, int]) -> None:
    if list(journal["refused"].values()) != [REFUSALS] * MODELS:
        raise RuntimeError(f"not each model's first calls were refused: {journal['refused']}")
    if len(stored_ms) != CALLS:
        raise RuntimeError(f"only {len(stored_ms)} latencies are stored")


async def latencies_ms(stand: Stand) -> dict[str, int]:
    """Return the latencies of the report that was run last, by generation."""
    last = select(Report.id).order_by(Report.created_at.desc()).limit(1).scalar_subquery()
    statement = select(BenchmarkRun.generation_id, BenchmarkRun.response_time_ms)
    async with (
        Database(stand.database_url, application="bench") as database,
        database.transaction() as session,
    ):
        rows = await session.execute(statement.where(BenchmarkRun.report_id == last))
        return {call: stored for call, stored in rows if call is not None and stored is not None}
