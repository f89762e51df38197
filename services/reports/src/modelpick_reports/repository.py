"""The service's SQL. A scope says which reports a caller may see; every query takes one."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    SQLColumnExpression,
    and_,
    false,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from modelpick_reports.schemas import ReportView
from modelpick_shared.contracts import ModelProgress
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db.tables import BenchmarkRun, Refund, Report, ReportExport, ReportModel
from modelpick_shared.document import ReportFacts, RunFacts

Scope = ColumnElement[bool]

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
# One character more than a document shows in bytes, so that it can tell that something is missing.
_OUTPUT_CHARACTERS = 2049


class StoredReport(NamedTuple):
    facts: ReportFacts
    config: ConfigSnapshot


class StoredImage(NamedTuple):
    """An image's key in the store, what it was when it was uploaded, and since when it is no longer kept."""

    key: str
    media_type: str
    removed_at: datetime | None


class Revised(NamedTuple):
    revision: int
    view: ReportView


def owned_by(user_id: UUID, report_id: UUID | None = None) -> Scope:
    own = Report.user_id == user_id
    return own if report_id is None else own & (Report.id == report_id)


def shared_as(token: str) -> Scope:
    """Return the scope of a token; one that cannot be any is not put to the database (it takes no NUL)."""
    return Report.share_token == token if _TOKEN.fullmatch(token) else false()


def any_of(report_ids: Sequence[UUID]) -> Scope:
    return Report.id.in_(report_ids)


async def exists(session: AsyncSession, scope: Scope) -> bool:
    return (await session.execute(select(literal(1)).where(scope).limit(1))).first() is not None


async def views(session: AsyncSession, scope: Scope) -> list[Revised]:
    """Return the reports at a glance, newest first."""
    statement = (
        select(
            *(Report.id, Report.status, Report.share_token, Report.total_jobs, Report.completed_jobs),
            *(Report.spent_usd, Report.created_at, Report.started_at, Report.completed_at),
            *(Report.deadline_at, Report.failure_reason, Report.revision),
            _queue_position().label("queue_position"),
            _refunded().label("refunded"),
        )
        .where(scope)
        .order_by(Report.created_at.desc(), Report.id.desc())
    )
    rows = (await session.execute(statement)).all()
    models = await _model_counts(session, [row.id for row in rows])
    return [Revised(row.revision, _view(row, models)) for row in rows]


def _refunded() -> ColumnElement[bool]:
    """Say whether the payment is on its way back; one that failed to go is no refund."""
    goes_back = (Refund.order_id == Report.order_id) & (Refund.state != "failed")
    return select(literal(1)).where(goes_back).exists()


async def report_of(session: AsyncSession, scope: Scope) -> StoredReport | None:
    """Return a report with all that was ordered."""
    statement = select(
        *(Report.id, Report.status, Report.revision, Report.total_jobs, Report.spent_usd),
        *(Report.created_at, Report.started_at, Report.completed_at),
        Report.config_snapshot,
    ).where(scope)
    row = (await session.execute(statement)).first()
    if row is None:
        return None
    *facts, config = row
    return StoredReport(ReportFacts(*facts), ConfigSnapshot.model_validate(config))


async def runs_of(session: AsyncSession, report_id: UUID) -> list[RunFacts]:
    """Return a report's counted outcomes; of long outputs a little more than a document shows."""
    output = func.left(BenchmarkRun.output_text, _OUTPUT_CHARACTERS)
    statement = select(*_run_columns(output)).where(BenchmarkRun.report_id == report_id)
    return [RunFacts(*row) for row in await session.execute(statement)]


async def run_of(
    session: AsyncSession, report_id: UUID, *, model_id: str, image_index: int, run_index: int
) -> RunFacts | None:
    """Return one counted outcome with its whole output; None while there is none."""
    key = (report_id, model_id, image_index, run_index)
    statement = select(*_run_columns(BenchmarkRun.output_text)).where(
        *(column == value for column, value in zip(BenchmarkRun.__table__.primary_key, key, strict=True))
    )
    row = (await session.execute(statement)).first()
    return RunFacts(*row) if row else None


async def image_of(session: AsyncSession, scope: Scope, index: int) -> StoredImage | None:
    """Return where an image lies, without reading the rest of what was ordered."""
    key, media_type = (
        Report.config_snapshot["images", str(index), name].as_string() for name in ("key", "media_type")
    )
    statement = select(key, media_type, Report.images_removed_at).where(scope, key.is_not(None))
    row = (await session.execute(statement)).first()
    return StoredImage(*row) if row else None


async def images_removed_at(session: AsyncSession, scope: Scope) -> datetime | None:
    """Return since when a report's images are no longer kept; None while they are."""
    return await session.scalar(select(Report.images_removed_at).where(scope))


async def export_of(
    session: AsyncSession, scope: Scope, kind: str, *, statuses: Sequence[str]
) -> tuple[UUID, bytes | None] | None:
    """Return the report's id and what was made of it; None as the latter unless it is of this revision."""
    current = and_(
        ReportExport.report_id == Report.id,
        ReportExport.kind == kind,
        ReportExport.revision == Report.revision,
        Report.status.in_(statuses),
    )
    statement = select(Report.id, ReportExport.body).outerjoin(ReportExport, current).where(scope)
    row = (await session.execute(statement)).first()
    return (row[0], row[1]) if row else None


async def store_export(session: AsyncSession, report_id: UUID, kind: str, revision: int, body: bytes) -> None:
    """Keep what was made of a report, in the place of what was made of an older revision."""
    statement = insert(ReportExport).values(report_id=report_id, kind=kind, revision=revision, body=body)
    newer = {
        "revision": statement.excluded.revision,
        "body": statement.excluded.body,
        "created_at": func.now(),
    }
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[ReportExport.report_id, ReportExport.kind],
            set_=newer,
            where=ReportExport.revision < statement.excluded.revision,
        )
    )


async def set_share_token(session: AsyncSession, scope: Scope, token: str | None) -> bool:
    """Put the token in the place of the present one; return False when there is no such report."""
    statement = update(Report).where(scope).values(share_token=token).returning(Report.id)
    return (await session.execute(statement)).first() is not None


def _queue_position() -> ScalarSelect[int | None]:
    """How many waiting reports are before one that waits; NULL for all others."""
    other = aliased(Report)
    before = (
        select(func.count())
        .where(other.status == "paid", other.created_at < Report.created_at)
        .correlate(Report)
        .scalar_subquery()
    )
    return select(before).where(Report.status == "paid").correlate(Report).scalar_subquery()


async def _model_counts(
    session: AsyncSession, report_ids: Sequence[UUID]
) -> defaultdict[UUID, list[ModelProgress]]:
    """Return the counters of each report's models, in report order; zeros where nothing is planned yet."""
    counts: defaultdict[UUID, list[ModelProgress]] = defaultdict(list)
    statement = (
        select(
            *(ReportModel.report_id, ReportModel.model_id, ReportModel.total, ReportModel.done),
            *(ReportModel.passed, ReportModel.failed, ReportModel.unmeasured),
        )
        .where(ReportModel.report_id.in_(report_ids))
        .order_by(ReportModel.report_id, ReportModel.position)
    )
    for report_id, model_id, total, done, passed, failed, unmeasured in await session.execute(statement):
        counts[report_id].append(
            ModelProgress(
                id=model_id, total=total, done=done, passed=passed, failed=failed, unmeasured=unmeasured
            )
        )
    unplanned = [report_id for report_id in report_ids if report_id not in counts]
    if unplanned:
        await _add_unplanned(session, unplanned, counts)
    return counts


async def _add_unplanned(
    session: AsyncSession, report_ids: Sequence[UUID], counts: defaultdict[UUID, list[ModelProgress]]
) -> None:
    statement = select(Report.id, Report.total_jobs, Report.config_snapshot["models"]).where(
        any_of(report_ids)
    )
    for report_id, total_jobs, models in await session.execute(statement):
        counts[report_id] = [
            ModelProgress(
                id=model["id"], total=total_jobs // len(models), done=0, passed=0, failed=0, unmeasured=0
            )
            for model in models
        ]


def _view(row: Row[*tuple[Any, ...]], models: defaultdict[UUID, list[ModelProgress]]) -> ReportView:
    return ReportView.model_validate({**row._mapping, "models": models[row.id]})  # noqa: SLF001 - public


def _run_columns(output: SQLColumnExpression[str | None]) -> tuple[SQLColumnExpression[Any], ...]:
    """Return the columns in the order of the fields of RunFacts."""
    run = BenchmarkRun
    return (
        *(run.model_id, run.image_index, run.run_index, run.outcome, run.unmeasured_reason),
        *(run.passed, run.passed_relaxed, run.field_diffs, output, run.response_time_ms),
        *(run.prompt_tokens, run.completion_tokens, run.cost, run.provider, run.attempts, run.error),
    )
