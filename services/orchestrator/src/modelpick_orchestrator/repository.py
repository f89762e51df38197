"""The orchestrator's SQL for reports, plans and outcomes. Lock order: report rows by id, then their own."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
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


# What every batch asks is built once: building a statement takes about as long as running it.
_OF_REPORTS = any_(bindparam("report_ids", type_=ARRAY(Uuid)))
_DUE = or_(BenchmarkJob.due_at.is_(None), BenchmarkJob.due_at <= func.now())
_IN_FLIGHT = BenchmarkJob.state == "in_flight"
_PENDING = BenchmarkJob.state == "pending"

_ACTIVE_REPORTS = (
    select(Report)
    .options(defer(Report.config_snapshot, raiseload=True))
    .where(or_(Report.status.in_(("paid", "running")), Report.id == _OF_REPORTS))
    .order_by(Report.id)
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)


async def lock_active_reports(session: AsyncSession, also: Iterable[UUID] = ()) -> list[Report]:
    """Lock all reports that wait or run, and those named, in the order of their ids; return them.

    One orchestrator at a time changes what runs, so that slots are counted by one. The configuration, which
    may be large, is not read.
    """
    return list(await session.scalars(_ACTIVE_REPORTS, {"report_ids": list(also)}))


_DATABASE_TIME = select(func.clock_timestamp())


async def database_time(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(_DATABASE_TIME)).scalar_one()
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


_RESERVE = text(
    """
    UPDATE reports AS report SET reserved_usd = report.reserved_usd + share.amount_usd
    FROM unnest(CAST(:report_ids AS uuid[]), CAST(:amounts_usd AS numeric[])) AS share (report_id, amount_usd)
    WHERE report.id = share.report_id AND (
        report.over_ceiling
        OR report.spent_usd + report.reserved_usd + share.amount_usd <= report.ceiling_usd
    )
    RETURNING report.id, report.reserved_usd
    """
)


async def reserve(
    session: AsyncSession, reports: Mapping[UUID, Report], amounts_usd: Mapping[UUID, Decimal]
) -> None:
    """Reserve money of these reports by one conditional update.

    Raises OverReservedError where one of them cannot: the transaction must not commit then.
    """
    await session.flush()
    found = await session.execute(
        _RESERVE,
        {"report_ids": [str(report_id) for report_id in amounts_usd], "amounts_usd": [*amounts_usd.values()]},
    )
    reserved_usd = {row[0]: row[1] for row in found}
    for report_id, amount_usd in amounts_usd.items():
        if report_id not in reserved_usd:
            raise OverReservedError(f"report {report_id} cannot reserve {amount_usd} USD")
        set_committed_value(reports[report_id], "reserved_usd", reserved_usd[report_id])


_LOADS = (
    select(
        BenchmarkJob.report_id,
        BenchmarkJob.model_id,
        func.count().filter(_IN_FLIGHT),
        func.count().filter(_IN_FLIGHT, BenchmarkJob.worst_case_usd > 0),
        func.count().filter(and_(_PENDING, _DUE)),
    )
    .where(BenchmarkJob.report_id == _OF_REPORTS, BenchmarkJob.state != "done")
    .group_by(BenchmarkJob.report_id, BenchmarkJob.model_id)
)


async def loads(session: AsyncSession, report_ids: list[UUID]) -> list[Load]:
    """Count the jobs in flight and waiting, a report and model."""
    return [Load(*row) for row in await session.execute(_LOADS, {"report_ids": report_ids})]


_ROWS = (
    select(
        BenchmarkJob.report_id,
        BenchmarkJob.run_index,
        BenchmarkJob.image_index,
        func.sum(BenchmarkJob.worst_case_usd).filter(_PENDING),
        func.min(BenchmarkJob.worst_case_usd).filter(_PENDING),
        func.bool_or(or_(~_PENDING, BenchmarkJob.attempts > 0)),
    )
    .where(BenchmarkJob.report_id == _OF_REPORTS, BenchmarkJob.worst_case_usd > 0)
    .group_by(BenchmarkJob.report_id, BenchmarkJob.run_index, BenchmarkJob.image_index)
    .having(func.bool_or(_PENDING))
    .order_by(BenchmarkJob.run_index, BenchmarkJob.image_index)
)


async def rows(session: AsyncSession, report_ids: list[UUID]) -> dict[UUID, list[Row]]:
    """Return each report's rows in which paid jobs wait, due or not, in their order."""
    by_report: dict[UUID, list[Row]] = {report_id: [] for report_id in report_ids}
    found = await session.execute(_ROWS, {"report_ids": report_ids})
    for report_id, run_index, image_index, waiting, cheapest, begun in found:
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


async def count_runs(session: AsyncSession, values: list[dict[str, Any]]) -> set[JobKey]:
    """Insert outcomes under their primary key, and mark their jobs as done.

    Returns the jobs that were not counted before.
    """
    if not values:
        return set()
    rows = [_with_the_answer_once(row) for row in values]
    counted = await session.execute(_COUNT_RUNS, {"rows": to_json(rows).decode()})
    return {JobKey(*row) for row in counted}


def _with_the_answer_once(row: dict[str, Any]) -> dict[str, Any]:
    """Send an answer that is nothing but JSON as text only: PostgreSQL copies it."""
    if row["output_json"] is None or row["output_json"] != row["output_text"]:
        return row
    return row | {"output_json": None, "text_is_json": True}


# One parameter for all rows: a hundred rows of twenty bound values each take three times as long.
_COUNT_RUNS = text(
    """
    WITH counted AS (
        INSERT INTO benchmark_runs (
            report_id, model_id, image_index, run_index, outcome, unmeasured_reason, passed, passed_relaxed,
            field_diffs, output_json, output_text, response_time_ms, prompt_tokens, completion_tokens,
            total_tokens, cost, provider, generation_id, attempts, error
        )
        SELECT
            report_id, model_id, image_index, run_index, outcome, unmeasured_reason, passed, passed_relaxed,
            field_diffs, CAST(CASE WHEN text_is_json THEN output_text ELSE output_json END AS json),
            output_text, response_time_ms, prompt_tokens, completion_tokens, total_tokens, cost, provider,
            generation_id, attempts, error
        FROM json_to_recordset(CAST(:rows AS json)) AS run (
            report_id uuid, model_id text, image_index int, run_index int, outcome text,
            unmeasured_reason text, passed boolean, passed_relaxed boolean, field_diffs json,
            output_json text, output_text text, text_is_json boolean, response_time_ms int,
            prompt_tokens int, completion_tokens int, total_tokens int, cost numeric, provider text,
            generation_id text, attempts int, error text
        )
        ON CONFLICT DO NOTHING
        RETURNING report_id, model_id, image_index, run_index
    ), done AS (
        UPDATE benchmark_jobs AS job SET state = 'done' FROM counted
        WHERE job.report_id = counted.report_id AND job.model_id = counted.model_id
            AND job.image_index = counted.image_index AND job.run_index = counted.run_index
    )
    SELECT report_id, model_id, image_index, run_index FROM counted
    """
)


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


_TERMS = select(
    ReportModel.report_id, ReportModel.model_id, ReportModel.max_tokens, ReportModel.provider
).where(ReportModel.report_id == _OF_REPORTS)


async def terms(session: AsyncSession, report_ids: Iterable[UUID]) -> dict[tuple[UUID, str], Terms]:
    """Return how each model of these reports is called."""
    found = await session.execute(_TERMS, {"report_ids": list(report_ids)})
    return {(row[0], row[1]): Terms(*row[2:]) for row in found}


_MODEL_COUNTS = (
    select(ReportModel)
    .where(ReportModel.report_id == _OF_REPORTS)
    .order_by(ReportModel.report_id, ReportModel.position)
    .execution_options(populate_existing=True)
)


async def model_counts(session: AsyncSession, report_ids: Iterable[UUID]) -> list[ReportModel]:
    return list(await session.scalars(_MODEL_COUNTS, {"report_ids": list(report_ids)}))


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
