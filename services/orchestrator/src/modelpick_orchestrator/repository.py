"""The orchestrator's SQL. Lock order: report rows by id, then job rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_shared.contracts import JobKey
from modelpick_shared.db.tables import Attempt, BenchmarkJob, BenchmarkRun, Report, ReportModel

JOB_COLUMNS = (
    BenchmarkJob.report_id,
    BenchmarkJob.model_id,
    BenchmarkJob.image_index,
    BenchmarkJob.run_index,
)
RUN_COLUMNS = (
    BenchmarkRun.report_id,
    BenchmarkRun.model_id,
    BenchmarkRun.image_index,
    BenchmarkRun.run_index,
)


class Load(NamedTuple):
    """Jobs of one model in one report: in flight, and due but not dispatched."""

    report_id: UUID
    model_id: str
    in_flight: int
    waiting: int


class Share(NamedTuple):
    report_id: UUID
    model_id: str
    jobs: int


async def lock_active_reports(session: AsyncSession, also: Iterable[UUID] = ()) -> list[Report]:
    """Lock all reports that wait or run, and those named, in the order of their ids; return them.

    One orchestrator at a time changes what runs, so that slots are counted by one.
    """
    statement = (
        select(Report)
        .where(or_(Report.status.in_(("paid", "running")), Report.id.in_(list(also))))
        .order_by(Report.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def database_time(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


async def is_planned(session: AsyncSession, report_id: UUID) -> bool:
    statement = select(ReportModel.report_id).where(ReportModel.report_id == report_id).limit(1)
    return (await session.execute(statement)).first() is not None


async def insert_plan(
    session: AsyncSession, models: list[dict[str, Any]], jobs: list[dict[str, Any]]
) -> None:
    await session.execute(insert(ReportModel), models)
    await session.execute(insert(BenchmarkJob), jobs)


async def loads(session: AsyncSession, report_ids: list[UUID]) -> list[Load]:
    """Count the jobs in flight and waiting, a report and model."""
    in_flight = func.count().filter(BenchmarkJob.state == "in_flight")
    waiting = func.count().filter(and_(BenchmarkJob.state == "pending", _due()))
    statement = (
        select(BenchmarkJob.report_id, BenchmarkJob.model_id, in_flight, waiting)
        .where(BenchmarkJob.report_id.in_(report_ids), BenchmarkJob.state != "done")
        .group_by(BenchmarkJob.report_id, BenchmarkJob.model_id)
    )
    return [Load(*row) for row in await session.execute(statement)]


_TAKE = text(
    """
    WITH picked AS (
        SELECT job.report_id, job.model_id, job.image_index, job.run_index
        FROM unnest(CAST(:report_ids AS uuid[]), CAST(:model_ids AS text[]), CAST(:counts AS int[]))
            AS share (report_id, model_id, jobs)
        CROSS JOIN LATERAL (
            SELECT * FROM benchmark_jobs
            WHERE report_id = share.report_id AND model_id = share.model_id AND state = 'pending'
                AND (due_at IS NULL OR due_at <= now())
            ORDER BY run_index, image_index
            LIMIT share.jobs
        ) AS job
    )
    UPDATE benchmark_jobs AS job
    SET state = 'in_flight', attempts = job.attempts + 1, due_at = NULL
    FROM picked
    WHERE (job.report_id, job.model_id, job.image_index, job.run_index)
        = (picked.report_id, picked.model_id, picked.image_index, picked.run_index)
    RETURNING job.report_id, job.model_id, job.image_index, job.run_index
    """
)


async def take_jobs(session: AsyncSession, shares: Sequence[Share]) -> list[JobKey]:
    """Mark the next jobs of each share as in flight and return them, every image's first run first."""
    rows = await session.execute(
        _TAKE,
        {
            "report_ids": [str(share.report_id) for share in shares],
            "model_ids": [share.model_id for share in shares],
            "counts": [share.jobs for share in shares],
        },
    )
    return sorted((JobKey(*row) for row in rows), key=lambda job: (job.run_index, job.image_index))


async def insert_attempts(session: AsyncSession, attempts: list[dict[str, Any]]) -> None:
    await session.execute(insert(Attempt), attempts)


async def open_attempts(session: AsyncSession, tokens: Iterable[UUID]) -> dict[UUID, Attempt]:
    """Return the attempts that may still settle: in flight, or lapsed and answered after all."""
    statement = (
        select(Attempt)
        .where(Attempt.token.in_(list(tokens)), Attempt.state.in_(("in_flight", "lapsed")))
        .order_by(Attempt.token)
        .with_for_update()
    )
    return {attempt.token: attempt for attempt in await session.scalars(statement)}


async def insert_runs(session: AsyncSession, rows: list[dict[str, Any]]) -> set[JobKey]:
    """Insert outcomes under their primary key; return the jobs that were not counted before."""
    if not rows:
        return set()
    inserted = await session.execute(
        pg_insert(BenchmarkRun).on_conflict_do_nothing().returning(*RUN_COLUMNS), rows
    )
    return {JobKey(*row) for row in inserted}


async def mark_done(session: AsyncSession, jobs: Iterable[JobKey]) -> None:
    keys = [tuple(job) for job in jobs]
    if keys:
        await session.execute(
            update(BenchmarkJob)
            .where(tuple_(*JOB_COLUMNS).in_(keys))
            .values(state="done")
            .execution_options(synchronize_session=False)
        )


async def put_back(session: AsyncSession, jobs: dict[JobKey, datetime | None]) -> None:
    """Let jobs wait again, each until its time; those counted meanwhile stay done."""
    statement = (
        update(BenchmarkJob)
        .where(
            BenchmarkJob.report_id == bindparam("b_report_id"),
            BenchmarkJob.model_id == bindparam("b_model_id"),
            BenchmarkJob.image_index == bindparam("b_image_index"),
            BenchmarkJob.run_index == bindparam("b_run_index"),
            BenchmarkJob.state == "in_flight",
        )
        .values(state="pending", due_at=bindparam("b_due_at"))
    )
    connection = await session.connection()
    for job, due_at in jobs.items():
        keys = {f"b_{name}": value for name, value in job._asdict().items()}
        await connection.execute(statement, keys | {"b_due_at": due_at})


async def add_counts(session: AsyncSession, counts: list[dict[str, Any]]) -> None:
    """Add to the counters of models; `counts` holds `b_report_id`, `b_model_id` and the four increments."""
    statement = (
        update(ReportModel)
        .where(
            ReportModel.report_id == bindparam("b_report_id"), ReportModel.model_id == bindparam("b_model_id")
        )
        .values(
            {name: getattr(ReportModel, name) + bindparam(f"b_{name}") for name in _COUNTERS},
        )
    )
    connection = await session.connection()
    await connection.execute(statement, counts)


_COUNTERS = ("done", "passed", "failed", "unmeasured")


async def model_counts(session: AsyncSession, report_ids: Iterable[UUID]) -> list[ReportModel]:
    statement = (
        select(ReportModel)
        .where(ReportModel.report_id.in_(list(report_ids)))
        .order_by(ReportModel.report_id, ReportModel.position)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def lapsed_attempts(session: AsyncSession) -> list[Attempt]:
    """Lock and return the attempts whose lease has ended by the database's clock."""
    statement = (
        select(Attempt)
        .where(Attempt.state == "in_flight", Attempt.lease_ends_at < func.now())
        .order_by(Attempt.token)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(statement))


async def unplanned_reports(session: AsyncSession) -> list[UUID]:
    """Return paid reports without a plan: their message was lost, or is still on its way."""
    planned = select(ReportModel.report_id).where(ReportModel.report_id == Report.id).exists()
    return list(await session.scalars(select(Report.id).where(Report.status == "paid", ~planned)))


async def unfinished_jobs(session: AsyncSession, report_id: UUID) -> list[JobKey]:
    statement = select(*JOB_COLUMNS).where(BenchmarkJob.report_id == report_id, BenchmarkJob.state != "done")
    return [JobKey(*row) for row in await session.execute(statement)]


def _due() -> Any:
    return or_(BenchmarkJob.due_at.is_(None), BenchmarkJob.due_at <= func.now())
