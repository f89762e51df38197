"""Tables of reports. The webhook service inserts a report; only the orchestrator changes one."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from modelpick_shared.db.base import Base
from modelpick_shared.ids import new_id


class Report(Base):
    __tablename__ = "reports"
    __table_args__ = (
        CheckConstraint("status IN ('paid', 'running', 'complete', 'partial', 'failed')", name="status"),
        CheckConstraint("over_ceiling OR spent_usd + reserved_usd <= ceiling_usd", name="ceiling"),
        CheckConstraint("completed_jobs <= total_jobs", name="counter"),
        Index("ix_reports_waiting", "created_at", postgresql_where=text("status IN ('paid', 'running')")),
        Index("ix_reports_user_id_created_at", "user_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    draft_id: Mapped[UUID]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), unique=True)
    stripe_session_id: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    status: Mapped[str] = mapped_column(default="paid")
    share_token: Mapped[str | None] = mapped_column(unique=True)
    config_snapshot: Mapped[dict[str, Any]]
    total_jobs: Mapped[int]
    completed_jobs: Mapped[int] = mapped_column(default=0)
    spent_usd: Mapped[Decimal] = mapped_column(default=Decimal(0))
    reserved_usd: Mapped[Decimal] = mapped_column(default=Decimal(0))
    ceiling_usd: Mapped[Decimal]
    over_ceiling: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=0)
    failure_reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]


class ReportModel(Base):
    """The counters of one model in one report."""

    __tablename__ = "report_models"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    passed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    unmeasured: Mapped[int] = mapped_column(default=0)


class BenchmarkJob(Base):
    """The plan: one row a job, `pending` until dispatched, `in_flight` until its result, then `done`."""

    __tablename__ = "benchmark_jobs"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'in_flight', 'done')", name="state"),
        Index(
            "ix_benchmark_jobs_pending",
            *("model_id", "report_id", "run_index", "image_index"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_benchmark_jobs_in_flight",
            "model_id",
            "report_id",
            postgresql_where=text("state = 'in_flight'"),
        ),
    )

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    image_index: Mapped[int] = mapped_column(primary_key=True)
    run_index: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="pending")
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)


class Attempt(Base):
    """One dispatch of a job, with its own token, reservation and bill. A token settles once."""

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint("state IN ('in_flight', 'settled', 'released', 'lapsed')", name="state"),
        ForeignKeyConstraint(
            ["report_id", "model_id", "image_index", "run_index"],
            [
                "benchmark_jobs.report_id",
                "benchmark_jobs.model_id",
                "benchmark_jobs.image_index",
                "benchmark_jobs.run_index",
            ],
            name="fk_attempts_job",
            ondelete="CASCADE",
        ),
        Index("ix_attempts_job", "report_id", "model_id", "image_index", "run_index"),
        Index("ix_attempts_lease", "lease_ends_at", postgresql_where=text("state = 'in_flight'")),
    )

    token: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    report_id: Mapped[UUID]
    model_id: Mapped[str]
    image_index: Mapped[int]
    run_index: Mapped[int]
    state: Mapped[str] = mapped_column(default="in_flight")
    reserved_usd: Mapped[Decimal] = mapped_column(default=Decimal(0))
    billed_usd: Mapped[Decimal | None]
    lease_ends_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]


class BenchmarkRun(Base):
    """The one counted outcome of a job."""

    __tablename__ = "benchmark_runs"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    image_index: Mapped[int] = mapped_column(primary_key=True)
    run_index: Mapped[int] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    unmeasured_reason: Mapped[str | None]
    passed: Mapped[bool | None]
    passed_relaxed: Mapped[bool | None]
    field_diffs: Mapped[list[Any] | None]
    output_json: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    output_text: Mapped[str | None]
    response_time_ms: Mapped[int | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    total_tokens: Mapped[int | None]
    cost: Mapped[Decimal | None]
    provider: Mapped[str | None]
    generation_id: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=1)
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
