"""Whole reports on the stand, against their lower bound and a small engine of one's own."""

import asyncio
import heapq
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import func, select

from benchmarks.figures import Figure
from benchmarks.model_api import Mode, latency_s
from benchmarks.shapes import CALLS, COST_USD, IMAGES, MODELS, PER_MODEL, RUNS, config, whole_catalog
from benchmarks.stand import Stand, Stores
from modelpick_shared.db import Database
from modelpick_shared.db.tables import BenchmarkRun, Report
from modelpick_shared.testing import eventually, insert_report

IMAGE_BYTES = 200_000
REPEATS = 5
LOGNORMAL = Mode(median_s=1.2, sigma=0.5, spread=0.25)
PAID = sum(model.tier != "free" for model in whole_catalog())


def list_schedule_s(mode: Mode) -> float:
    """Return how long the slowest model takes when its slots are never empty."""
    return max(_model_schedule_s(mode, model.id) for model in whole_catalog())


def _model_schedule_s(mode: Mode, model: str) -> float:
    servers = [0.0] * PER_MODEL
    for n in range(IMAGES * RUNS):
        heapq.heapreplace(servers, servers[0] + latency_s(mode, model, n))
    return max(servers)


async def insert(database: Database, count: int = 1) -> list[UUID]:
    async with database.transaction() as session:
        reports = [await insert_report(session, config(image_bytes=IMAGE_BYTES)) for _ in range(count)]
    return [report.id for report in reports]


async def run_reports(stand: Stand, count: int = 1) -> list[float]:
    """Run reports at once; return how long each took from its first dispatch, in seconds."""
    async with Database(stand.database_url, application="bench") as database:
        ids = await insert(database, count)

        async def ended() -> list[Report]:
            async with database.transaction() as session:
                reports = (await session.scalars(select(Report).where(Report.id.in_(ids)))).all()
            return list(reports) if all(report.completed_at for report in reports) else []

        reports: list[Report] = await eventually(ended, within_s=300, every_s=0.1)
        await check(stand, database, reports)
    return [seconds(report) for report in reports]


def seconds(report: Report) -> float:
    assert report.completed_at is not None  # noqa: S101 - it has ended
    assert report.started_at is not None  # noqa: S101 - as above
    return (report.completed_at - report.started_at).total_seconds()


async def check(stand: Stand, database: Database, reports: list[Report]) -> None:
    """Raise when the work is wrong: only right work is worth timing."""
    for report in reports:
        async with database.transaction() as session:
            passed = await session.scalar(
                select(func.count()).where(
                    BenchmarkRun.report_id == report.id, BenchmarkRun.outcome == "passed"
                )
            )
        if (report.status, passed, report.spent_usd) != ("complete", CALLS, PAID * IMAGES * RUNS * COST_USD):
            raise RuntimeError(f"{report.status}: {passed} of {CALLS} passed for {report.spent_usd} USD")
    journal = await asyncio.to_thread(stand.api.journal)
    if max(journal["max_in_flight"].values()) > PER_MODEL:
        raise RuntimeError(f"too many calls at once: {journal['max_in_flight']}")


def run_baseline(stand: Stand) -> float:
    """Let the small engine do the same calls; return its time in seconds."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.baseline", stand.api.url],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def report(stores: Stores) -> list[Figure]:
    """Measure a report of 720 calls at 300 ms, and the small engine in turns with it."""
    bound_s = IMAGES * RUNS / PER_MODEL * 0.3
    ours, baseline = [], []
    with stores.stand() as stand:
        stand.put_images(IMAGES, IMAGE_BYTES)
        stand.start("orchestrator")
        stand.start("worker")
        for repeat in range(REPEATS + 1):
            stand.api.set_mode(median_s=0.3)
            taken_s = asyncio.run(run_reports(stand))[0]
            stand.api.set_mode(median_s=0.3)
            baseline_s = run_baseline(stand)
            if repeat:  # the first warms up
                ours.append(taken_s)
                baseline.append(baseline_s)
    name = f"report of {CALLS} calls at 300 ms"
    return [
        Figure(name, [taken / bound_s for taken in ours], "x its bound of 3.00 s", at_most=1.10),
        Figure(f"{name}, small engine", [taken / bound_s for taken in baseline], "x its bound of 3.00 s"),
        Figure(
            f"{name}, against the small engine",
            [one / other for one, other in zip(ours, baseline, strict=True)],
            "x its time",
        ),
    ]


def lognormal(stores: Stores) -> list[Figure]:
    """Measure a report of log-normal latencies against the list schedule of its slowest model."""
    bound_s = list_schedule_s(LOGNORMAL)
    taken = []
    with stores.stand() as stand:
        stand.put_images(IMAGES, IMAGE_BYTES)
        stand.start("orchestrator")
        stand.start("worker")
        for _ in range(3):
            stand.api.set_mode(**asdict(LOGNORMAL))
            taken.append(asyncio.run(run_reports(stand))[0])
    ratios = [seconds / bound_s for seconds in taken]
    return [Figure("report, log-normal", ratios, f"x its list schedule of {bound_s:.2f} s", at_most=1.03)]


def fairness(stores: Stores) -> list[Figure]:
    """Run two reports at once: the share of calls of the smaller one, and the time against fair sharing."""
    shares, ratios = [], []
    with stores.stand() as stand:
        stand.put_images(IMAGES, IMAGE_BYTES)
        stand.start("orchestrator")
        stand.start("worker")
        for _ in range(3):
            stand.api.set_mode(median_s=0.3)
            taken = asyncio.run(run_reports(stand, 2))
            shares.append(smaller_share(stand))
            ratios.append(max(taken) / 6.0)
    return [
        Figure("two reports at once, the smaller share of calls", shares, "of all", at_least=0.45),
        Figure("two reports at once", ratios, "x the 6.00 s that fair sharing predicts", at_most=1.10),
    ]


def smaller_share(stand: Stand) -> float:
    """Return the smaller report's share of the calls that were made while both ran."""
    calls = stand.api.journal()["calls"]
    spans: dict[str, tuple[float, float]] = {}
    for call in calls:
        first, _ = spans.get(call["user"], (call["received_at"], 0.0))
        spans[call["user"]] = (first, call["received_at"])
    begin, end = max(first for first, _ in spans.values()), min(last for _, last in spans.values())
    counts = Counter(call["user"] for call in calls if begin <= call["received_at"] <= end)
    return min(counts.values()) / counts.total()


def latency(stores: Stores) -> list[Figure]:
    """Compare stored latencies with the model API's own, with rate limits on the way."""
    with stores.stand() as stand:
        stand.put_images(IMAGES, IMAGE_BYTES)
        stand.start("orchestrator")
        stand.start("worker")
        stand.api.set_mode(median_s=0.3, refusals=2)
        asyncio.run(run_reports(stand))
        differences = sorted(asyncio.run(latency_differences_ms(stand)))
    return [
        Figure(
            "stored latency above the model API's own",
            [differences[len(differences) // 2]],
            "ms (median)",
            notes={"p99": round(differences[-len(differences) // 100], 1), "max": round(differences[-1], 1)},
        )
    ]


async def latency_differences_ms(stand: Stand) -> list[float]:
    own = {
        f"gen-{call['n']}": 1000 * call["latency_s"]
        for call in (await asyncio.to_thread(stand.api.journal))["calls"]
    }
    async with (
        Database(stand.database_url, application="bench") as database,
        database.transaction() as session,
    ):
        rows = await session.execute(select(BenchmarkRun.generation_id, BenchmarkRun.response_time_ms))
        return [stored - own[generation] for generation, stored in rows if generation and stored is not None]


assert len(whole_catalog()) == MODELS  # noqa: S101 - the bounds are computed with it
