"""Whole reports on the stand: run, checked, and measured against their bound and a small engine."""

import asyncio
import heapq
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from benchmarks.figures import Figure
from benchmarks.model_api import Mode, latency_s
from benchmarks.shapes import CALLS, IMAGE_BYTES, IMAGES, MODELS, PER_MODEL, RUNS, config, whole_catalog
from benchmarks.stand import Stand, Stores
from modelpick_shared.db import Database
from modelpick_shared.db.tables import BenchmarkRun, Report
from modelpick_shared.testing import eventually, insert_report

FIXED = Mode(median_s=0.3)
LOGNORMAL = Mode(median_s=1.2, sigma=0.5, spread=0.25)
WARM_UP = Mode(median_s=0.02)
TOO_LONG_S = 300.0


def list_schedule_s(mode: Mode) -> float:
    """Return how long the slowest model takes when its slots are never empty.

    A model's n-th call takes the same time whoever makes it, so calls take the slots in their order.
    """
    return max(_model_schedule_s(mode, model.id) for model in whole_catalog())


def _model_schedule_s(mode: Mode, model: str) -> float:
    servers = [0.0] * PER_MODEL
    for n in range(IMAGES * RUNS):
        heapq.heapreplace(servers, servers[0] + latency_s(mode, model, n))
    return max(servers)


@contextmanager
def warm_stand(stores: Stores) -> Iterator[Stand]:
    """Make a stand with an orchestrator and a worker that have run a report before."""
    with stores.stand() as stand:
        stand.put_images(IMAGES, IMAGE_BYTES)
        stand.start("orchestrator")
        stand.start("worker")
        run_reports(stand, WARM_UP)
        yield stand


def run_reports(stand: Stand, mode: Mode, count: int = 1) -> list[Report]:
    """Run reports at once and return them, ended; raise when the work was wrong."""
    stand.api.set_mode(**asdict(mode))
    reports = asyncio.run(_run(stand, count))
    check(reports, stand.api.journal())
    return [report for report, _ in reports]


async def _run(stand: Stand, count: int) -> list[tuple[Report, int]]:
    """Return ended reports, each with its runs that passed."""
    async with Database(stand.database_url, application="bench") as database:
        async with database.transaction() as session:
            ids = [(await insert_report(session, config())).id for _ in range(count)]

        async def ended() -> list[Report]:
            async with database.transaction() as session:
                reports = (await session.scalars(select(Report).where(Report.id.in_(ids)))).all()
            return list(reports) if all(report.completed_at for report in reports) else []

        reports: list[Report] = await eventually(ended, within_s=TOO_LONG_S, every_s=0.1)
        return [(report, await _passed(database, report.id)) for report in reports]


async def _passed(database: Database, report_id: UUID) -> int:
    statement = select(func.count()).where(
        BenchmarkRun.report_id == report_id, BenchmarkRun.outcome == "passed"
    )
    async with database.transaction() as session:
        return (await session.execute(statement)).scalar_one()


def span(report: Report) -> tuple[float, float]:
    """Return when a report was first dispatched and when it was complete, by the database's clock."""
    if report.completed_at is None or report.started_at is None:
        raise RuntimeError(f"the report is {report.status} without having run")
    return report.started_at.timestamp(), report.completed_at.timestamp()


def seconds(report: Report) -> float:
    started_at, completed_at = span(report)
    return completed_at - started_at


def edges_ms(report: Report, journal: dict[str, Any]) -> dict[str, float]:
    """Return what passed before a report's first call and after its last answer, in milliseconds."""
    started_at, completed_at = span(report)
    first = min(call["received_at"] for call in journal["calls"])
    last = max(call["received_at"] + call["latency_s"] for call in journal["calls"])
    return {
        "ms before the first call": round(1000 * (first - started_at)),
        "ms after the last answer": round(1000 * (completed_at - last)),
    }


def check(reports: list[tuple[Report, int]], journal: dict[str, Any]) -> None:
    """Raise when the work is wrong: only right work is worth timing."""
    for report, passed in reports:
        if (report.status, report.completed_jobs, passed) != ("complete", CALLS, CALLS):
            raise RuntimeError(f"{report.status}: {passed} of {CALLS} passed")
        if report.reserved_usd:
            raise RuntimeError(f"{report.reserved_usd} USD stay reserved")
    if sorted(report.spent_usd for report, _ in reports) != sorted(_spent_usd(journal).values()):
        raise RuntimeError(f"{_spent_usd(journal)} USD were billed, which is not what the reports spent")
    check_calls(journal, len(reports))


def check_calls(journal: dict[str, Any], reports: int = 1) -> None:
    """Raise when a call was left out, made twice, or made beside too many others."""
    calls = Counter((call["user"], call["model"]) for call in journal["calls"])
    if len(calls) != reports * MODELS or set(calls.values()) != {IMAGES * RUNS}:
        raise RuntimeError(f"{calls.total()} calls were made where {reports * CALLS} were due")
    if max(journal["max_in_flight"].values()) > PER_MODEL:
        raise RuntimeError(f"too many calls at once: {journal['max_in_flight']}")


def _spent_usd(journal: dict[str, Any]) -> dict[str, Decimal]:
    spent: dict[str, Decimal] = {}
    for call in journal["calls"]:
        spent[call["user"]] = spent.get(call["user"], Decimal(0)) + Decimal(call["cost_usd"])
    return spent


def run_baseline(stand: Stand, mode: Mode) -> float:
    """Let the small engine make the same calls; return its time in seconds."""
    stand.api.set_mode(**asdict(mode))
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.baseline", stand.api.url],
        capture_output=True,
        text=True,
        check=True,
    )
    check_calls(stand.api.journal())
    return float(done.stdout)


@dataclass
class Turns:
    """What our engine and the small one took, turn by turn, in seconds."""

    ours: list[float] = field(default_factory=list)
    baseline: list[float] = field(default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)

    def figures(self, name: str, bound_s: float, *, at_most: float) -> list[Figure]:
        unit = f"x its bound of {bound_s:.2f} s"
        pairs = zip(self.ours, self.baseline, strict=True)
        return [
            Figure(name, [taken / bound_s for taken in self.ours], unit, at_most=at_most, notes=self.notes),
            Figure(f"{name}, small engine", [taken / bound_s for taken in self.baseline], unit),
            Figure(f"{name}, against the small engine", [one / other for one, other in pairs], "x its time"),
        ]


def in_turns(stand: Stand, mode: Mode, repeats: int) -> Turns:
    """Let our engine and the small one do the same work in turns."""
    turns = Turns()
    for _ in range(repeats):
        meter = stand.meter()
        report = run_reports(stand, mode)[0]
        turns.notes = meter.each_ms(CALLS) | edges_ms(report, stand.api.journal())
        turns.ours.append(seconds(report))
        turns.baseline.append(run_baseline(stand, mode))
    return turns


def report(stores: Stores) -> list[Figure]:
    """Measure a report of 720 calls at 300 ms, and the small engine in turns with it."""
    with warm_stand(stores) as stand:
        turns = in_turns(stand, FIXED, repeats=5)
    return turns.figures("report at 300 ms", list_schedule_s(FIXED), at_most=1.10)


def lognormal(stores: Stores) -> list[Figure]:
    """Measure a report of log-normal latencies against the list schedule of its slowest model."""
    with warm_stand(stores) as stand:
        turns = in_turns(stand, LOGNORMAL, repeats=3)
    return turns.figures("report, log-normal", list_schedule_s(LOGNORMAL), at_most=1.03)
