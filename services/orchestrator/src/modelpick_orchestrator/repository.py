"""The orchestrator's SQL for reports, plans and outcomes. Lock order: report rows by id, then their own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import and_, case, delete, exists, func, insert, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlalchemy.orm.attributes import set_committed_value

from modelpick_orchestrator.completion import RunCount
from modelpick_orchestrator.planner import Candidate, Row
from modelpick_shared.contracts import JobKey
from modelpick_shared.db.tables import BenchmarkJob, BenchmarkRun, Refund, Report, ReportModel
from modelpick_shared.errors import ModelPickError

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
COUNTERS = ("done", "passed", "failed", "unmeasured")


class OverReservedError(ModelPickError):
    """A dispatch would reserve more than the report may spend: the planner is wrong, nothing is sent."""


class Load(NamedTuple):
    """Jobs of one model in one report: in flight, those of them that are paid for, and due to start."""

    report_id: UUID
    model_id: str
    in_flight: int
    paid_in_flight: int
    waiting: int


class Terms(NamedTuple):
    """How long a model's answers in a report may be, and the provider that served its first one."""

    max_tokens: int | None
    provider: str | None


async def lock_active_reports(session: AsyncSession, also: Iterable[UUID] = ()) -> list[Report]:
    """Lock all reports that wait or run, and those named, in the order of their ids; return them.

    One orchestrator at a time changes what runs, so that slots are counted by one. The configuration, which
    may be large, is not read.
    """
    statement = (
        select(Report)
        .options(defer(Report.config_snapshot, raiseload=True))
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


async def is_beyond_resuming(session: AsyncSession, report: Report) -> bool:
    """Say whether a report was refunded, or has lost the images that its calls would show."""
    if report.images_removed_at is not None:
        return True
    statement = select(exists(select(Refund.order_id).where(Refund.order_id == report.order_id)))
    return bool((await session.execute(statement)).scalar_one())


async def insert_plan(
    session: AsyncSession, models: list[dict[str, Any]], jobs: list[dict[str, Any]]
) -> None:
    await session.execute(insert(ReportModel), models)
    await session.execute(insert(BenchmarkJob), jobs)


async def reserve(session: AsyncSession, report: Report, amount_usd: Decimal) -> None:
    """Reserve money by one conditional update. Raises OverReservedError."""
    await session.flush()
    statement = (
        update(Report)
        .where(
            Report.id == report.id,
            or_(
                Report.over_ceiling, Report.spent_usd + Report.reserved_usd + amount_usd <= Report.ceiling_usd
            ),
        )
        .values(reserved_usd=Report.reserved_usd + amount_usd)
        .returning(Report.reserved_usd)
        .execution_options(synchronize_session=False)
    )
    reserved_usd = (await session.execute(statement)).scalar_one_or_none()
    if reserved_usd is None:
        raise OverReservedError(f"report {report.id} cannot reserve {amount_usd} USD")
    set_committed_value(report, "reserved_usd", reserved_usd)


async def loads(session: AsyncSession, report_ids: list[UUID]) -> list[Load]:
    """Count the jobs in flight and waiting, a report and model."""
    in_flight = BenchmarkJob.state == "in_flight"
    statement = (
        select(
            BenchmarkJob.report_id,
            BenchmarkJob.model_id,
            func.count().filter(in_flight),
            func.count().filter(in_flight, BenchmarkJob.worst_case_usd > 0),
            func.count().filter(and_(BenchmarkJob.state == "pending", _due())),
        )
        .where(BenchmarkJob.report_id.in_(report_ids), BenchmarkJob.state != "done")
        .group_by(BenchmarkJob.report_id, BenchmarkJob.model_id)
    )
    return [Load(*row) for row in await session.execute(statement)]


async def rows(session: AsyncSession, report_ids: list[UUID]) -> dict[UUID, list[Row]]:
    """Return each report's rows in which paid jobs wait, due or not, in their order."""
    pending = BenchmarkJob.state == "pending"
    statement = (
        select(
            BenchmarkJob.report_id,
            BenchmarkJob.run_index,
            BenchmarkJob.image_index,
            func.sum(BenchmarkJob.worst_case_usd).filter(pending),
            func.min(BenchmarkJob.worst_case_usd).filter(pending),
            func.bool_or(or_(~pending, BenchmarkJob.attempts > 0)),
        )
        .where(BenchmarkJob.report_id.in_(report_ids), BenchmarkJob.worst_case_usd > 0)
        .group_by(BenchmarkJob.report_id, BenchmarkJob.run_index, BenchmarkJob.image_index)
        .having(func.bool_or(pending))
        .order_by(BenchmarkJob.run_index, BenchmarkJob.image_index)
    )
    by_report: dict[UUID, list[Row]] = {report_id: [] for report_id in report_ids}
    for report_id, run_index, image_index, waiting, cheapest, begun in await session.execute(statement):
        by_report[report_id].append(Row((run_index, image_index), waiting, cheapest, begun))
    return by_report


_CANDIDATES = text(
    """
    SELECT job.report_id, job.model_id, job.image_index, job.run_index, job.worst_case_usd, job.calls
    FROM unnest(CAST(:report_ids AS uuid[]), CAST(:model_ids AS text[]), CAST(:counts AS int[]))
        AS share (report_id, model_id, jobs)
    CROSS JOIN LATERAL (
        SELECT * FROM benchmark_jobs
        WHERE report_id = share.report_id AND model_id = share.model_id AND state = 'pending'
            AND (due_at IS NULL OR due_at <= now())
        ORDER BY run_index, image_index
        LIMIT share.jobs
    ) AS job
    ORDER BY job.run_index, job.image_index
    """
)


async def candidates(session: AsyncSession, wanted: Mapping[tuple[UUID, str], int]) -> list[Candidate]:
    """Return the next due jobs, so many of each report and model, in the order of their rows."""
    found = await session.execute(
        _CANDIDATES,
        {
            "report_ids": [str(report_id) for report_id, _ in wanted],
            "model_ids": [model_id for _, model_id in wanted],
            "counts": list(wanted.values()),
        },
    )
    return [Candidate(JobKey(*row[:4]), row[4], row[5]) for row in found]


async def waiting_paid(session: AsyncSession, report_id: UUID) -> list[Candidate]:
    """Return all paid jobs of a report that wait, due or not, in the order of their rows."""
    statement = (
        select(*JOB_COLUMNS, BenchmarkJob.worst_case_usd, BenchmarkJob.calls)
        .where(
            BenchmarkJob.report_id == report_id,
            BenchmarkJob.state == "pending",
            BenchmarkJob.worst_case_usd > 0,
        )
        .order_by(BenchmarkJob.run_index, BenchmarkJob.image_index)
    )
    return [Candidate(JobKey(*row[:4]), row[4], row[5]) for row in await session.execute(statement)]


async def take(session: AsyncSession, jobs: Sequence[JobKey]) -> None:
    """Mark waiting jobs as in flight."""
    await session.execute(_TAKE, _key_arrays(jobs))


_KEYS = """unnest(
        CAST(:report_ids AS uuid[]), CAST(:model_ids AS text[]), CAST(:images AS int[]), CAST(:runs AS int[])
    ) AS key (report_id, model_id, image_index, run_index)"""
_OF_KEY = """job.report_id = key.report_id AND job.model_id = key.model_id
        AND job.image_index = key.image_index AND job.run_index = key.run_index"""
_TAKE = text(
    f"""
    UPDATE benchmark_jobs AS job SET state = 'in_flight', attempts = job.attempts + 1, due_at = NULL
    FROM {_KEYS} WHERE {_OF_KEY}
    """  # noqa: S608 - constants of this module
)
_MARK_DONE = text(
    f"UPDATE benchmark_jobs AS job SET state = 'done' FROM {_KEYS} WHERE {_OF_KEY}"  # noqa: S608 - as above
)


def _key_arrays(jobs: Sequence[JobKey]) -> dict[str, list[Any]]:
    return {
        "report_ids": [str(job.report_id) for job in jobs],
        "model_ids": [job.model_id for job in jobs],
        "images": [job.image_index for job in jobs],
        "runs": [job.run_index for job in jobs],
    }


async def insert_runs(session: AsyncSession, values: list[dict[str, Any]]) -> set[JobKey]:
    """Insert outcomes under their primary key; return the jobs that were not counted before."""
    if not values:
        return set()
    inserted = await session.execute(_INSERT_RUNS, {"rows": to_json(values).decode()})
    return {JobKey(*row) for row in inserted}


# One parameter for all rows: a hundred rows of twenty bound values each take three times as long.
_INSERT_RUNS = text(
    """
    INSERT INTO benchmark_runs (
        report_id, model_id, image_index, run_index, outcome, unmeasured_reason, passed, passed_relaxed,
        field_diffs, output_json, output_text, response_time_ms, prompt_tokens, completion_tokens,
        total_tokens, cost, provider, generation_id, attempts, error
    )
    SELECT
        report_id, model_id, image_index, run_index, outcome, unmeasured_reason, passed, passed_relaxed,
        field_diffs, CAST(output_json AS json), output_text, response_time_ms, prompt_tokens,
        completion_tokens, total_tokens, cost, provider, generation_id, attempts, error
    FROM json_to_recordset(CAST(:rows AS json)) AS run (
        report_id uuid, model_id text, image_index int, run_index int, outcome text, unmeasured_reason text,
        passed boolean, passed_relaxed boolean, field_diffs json, output_json text, output_text text,
        response_time_ms int, prompt_tokens int, completion_tokens int, total_tokens int, cost numeric,
        provider text, generation_id text, attempts int, error text
    )
    ON CONFLICT DO NOTHING
    RETURNING report_id, model_id, image_index, run_index
    """
)


async def mark_done(session: AsyncSession, jobs: Iterable[JobKey]) -> None:
    if keys := list(jobs):
        await session.execute(_MARK_DONE, _key_arrays(keys))


_ADD_COUNTS = text(
    """
    UPDATE report_models AS model SET
        done = model.done + more.done,
        passed = model.passed + more.passed,
        failed = model.failed + more.failed,
        unmeasured = model.unmeasured + more.unmeasured,
        provider = coalesce(model.provider, more.provider)
    FROM json_to_recordset(CAST(:rows AS json)) AS more (
        report_id uuid, model_id text, done int, passed int, failed int, unmeasured int, provider text
    )
    WHERE model.report_id = more.report_id AND model.model_id = more.model_id
    """
)


async def add_counts(session: AsyncSession, counts: list[dict[str, Any]]) -> None:
    """Add to the counters of models, each named once; the first provider that served a model is kept."""
    await session.execute(_ADD_COUNTS, {"rows": to_json(counts).decode()})


async def terms(session: AsyncSession, report_ids: Iterable[UUID]) -> dict[tuple[UUID, str], Terms]:
    """Return how each model of these reports is called."""
    statement = select(
        ReportModel.report_id, ReportModel.model_id, ReportModel.max_tokens, ReportModel.provider
    ).where(ReportModel.report_id.in_(list(report_ids)))
    return {(row[0], row[1]): Terms(*row[2:]) for row in await session.execute(statement)}


async def model_counts(session: AsyncSession, report_ids: Iterable[UUID]) -> list[ReportModel]:
    statement = (
        select(ReportModel)
        .where(ReportModel.report_id.in_(list(report_ids)))
        .order_by(ReportModel.report_id, ReportModel.position)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def unplanned_reports(session: AsyncSession) -> list[UUID]:
    """Return paid reports without a plan: their message was lost, or is still on its way."""
    planned = select(ReportModel.report_id).where(ReportModel.report_id == Report.id).exists()
    return list(await session.scalars(select(Report.id).where(Report.status == "paid", ~planned)))


async def unfinished_jobs(session: AsyncSession, report_id: UUID) -> list[tuple[JobKey, Decimal]]:
    """Return the jobs of a report without an outcome, each with its worst case."""
    statement = select(*JOB_COLUMNS, BenchmarkJob.worst_case_usd).where(
        BenchmarkJob.report_id == report_id, BenchmarkJob.state != "done"
    )
    return [(JobKey(*row[:4]), row[4]) for row in await session.execute(statement)]


async def take_back_unmeasured(session: AsyncSession, report_id: UUID) -> list[JobKey]:
    """Remove the outcomes of what was not measured, and let those jobs wait again; return them."""
    statement = (
        delete(BenchmarkRun)
        .where(BenchmarkRun.report_id == report_id, BenchmarkRun.outcome == "unmeasured")
        .returning(*RUN_COLUMNS)
        .execution_options(synchronize_session=False)
    )
    jobs = [JobKey(*row) for row in await session.execute(statement)]
    if jobs:
        await session.execute(
            update(BenchmarkJob)
            .where(tuple_(*JOB_COLUMNS).in_([tuple(job) for job in jobs]))
            .values(state="pending", due_at=None, attempts=0, calls=0)
            .execution_options(synchronize_session=False)
        )
        await session.execute(
            update(ReportModel)
            .where(ReportModel.report_id == report_id)
            .values(done=ReportModel.done - ReportModel.unmeasured, unmeasured=0)
            .execution_options(synchronize_session=False)
        )
    return jobs


async def run_counts(session: AsyncSession, report_id: UUID) -> list[RunCount]:
    """Count a report's runs by model, image and the reason for which they are unmeasured."""
    reason = case(
        (BenchmarkRun.outcome == "unmeasured", func.coalesce(BenchmarkRun.unmeasured_reason, "platform"))
    )
    statement = (
        select(
            BenchmarkRun.model_id,
            BenchmarkRun.image_index,
            reason,
            func.count(),
            func.count().filter(BenchmarkRun.passed.is_(True)),
            func.count().filter(BenchmarkRun.passed_relaxed.is_(True)),
        )
        .where(BenchmarkRun.report_id == report_id)
        .group_by(BenchmarkRun.model_id, BenchmarkRun.image_index, text("3"))
    )
    return [RunCount(*row) for row in await session.execute(statement)]


def _due() -> Any:
    return or_(BenchmarkJob.due_at.is_(None), BenchmarkJob.due_at <= func.now())
