"""What the database knows about a report, for operators."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Label, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from modelpick_shared.db.tables import Attempt, BenchmarkRun, Dispute, Refund, Report, ReportModel


class ModelFacts(BaseModel):
    """Counts of one model, and the provider that served it first."""

    id: str
    total: int
    done: int
    passed: int
    failed: int
    unmeasured: int
    provider: str | None


class ListedReport(BaseModel):
    """A report in a list; money in USD."""

    id: UUID
    status: str
    created_at: datetime
    started_at: datetime | None
    deadline_at: datetime | None
    completed_jobs: int
    total_jobs: int
    spent_usd: Decimal
    failure_reason: str | None


class ReportFacts(BaseModel):
    """A report as it stands; money in USD, `attempts` by state, `unmeasured` runs by reason."""

    id: UUID
    status: str
    email: str
    revision: int
    total_jobs: int
    completed_jobs: int
    spent_usd: Decimal
    reserved_usd: Decimal
    ceiling_usd: Decimal
    over_ceiling: bool
    refunded: bool
    refund_state: str | None
    refund_error: str | None
    dispute_status: str | None
    failure_reason: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    deadline_at: datetime | None
    paused_at: datetime | None
    images_removed_at: datetime | None
    attempts: dict[str, int]
    unmeasured: dict[str, int]
    models: list[ModelFacts]

    @property
    def is_active(self) -> bool:
        return self.status in {"paid", "running"}


_COLUMNS = (
    *(Report.id, Report.status, Report.email, Report.revision, Report.total_jobs, Report.completed_jobs),
    *(Report.spent_usd, Report.reserved_usd, Report.ceiling_usd, Report.over_ceiling, Report.failure_reason),
    *(Report.created_at, Report.started_at, Report.completed_at, Report.deadline_at, Report.paused_at),
    Report.images_removed_at,
)


async def newest(session: AsyncSession, status: str | None, limit: int) -> list[ListedReport]:
    """Return the newest reports, of one status when it is given."""
    columns = [getattr(Report, name) for name in ListedReport.model_fields]
    statement = select(*columns).order_by(Report.created_at.desc()).limit(limit)
    if status is not None:
        statement = statement.where(Report.status == status)
    return [ListedReport.model_validate(row) for row in (await session.execute(statement)).mappings()]


async def read(session: AsyncSession, report_id: UUID) -> ReportFacts | None:
    refunded = select(literal(1)).where(Refund.order_id == Report.order_id).exists().label("refunded")
    statement = select(*_COLUMNS, refunded, *_money_back()).where(Report.id == report_id)
    found = (await session.execute(statement)).mappings().first()
    if found is None:
        return None
    return ReportFacts(
        **found,
        attempts=await _counts(session, Attempt.state, Attempt.report_id == report_id),
        unmeasured=await _counts(
            session,
            BenchmarkRun.unmeasured_reason,
            (BenchmarkRun.report_id == report_id) & (BenchmarkRun.outcome == "unmeasured"),
        ),
        models=await _models(session, report_id),
    )


def _money_back() -> tuple[Label[Any], ...]:
    """Return how the refund and the dispute of a report's payment stand, where there is one."""
    refund = Refund.order_id == Report.order_id
    dispute = Dispute.order_id == Report.order_id
    return (
        select(func.max(Refund.state)).where(refund).scalar_subquery().label("refund_state"),
        select(func.max(Refund.last_error)).where(refund).scalar_subquery().label("refund_error"),
        select(func.max(Dispute.status)).where(dispute).scalar_subquery().label("dispute_status"),
    )


async def _counts(
    session: AsyncSession, column: InstrumentedAttribute[Any], where: ColumnElement[bool]
) -> dict[str, int]:
    rows = await session.execute(select(column, func.count()).where(where).group_by(column))
    return {str(row[0]): row[1] for row in rows}


async def _models(session: AsyncSession, report_id: UUID) -> list[ModelFacts]:
    statement = select(ReportModel).where(ReportModel.report_id == report_id).order_by(ReportModel.position)
    return [
        ModelFacts(
            id=model.model_id,
            total=model.total,
            done=model.done,
            passed=model.passed,
            failed=model.failed,
            unmeasured=model.unmeasured,
            provider=model.provider,
        )
        for model in await session.scalars(statement)
    ]
