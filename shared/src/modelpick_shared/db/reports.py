"""Tables of reports. The webhook service inserts a report; only the orchestrator changes how it stands.

The reports service opens and closes its share link, and checkout notes when its images have gone.
"""

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
    """A paid report. `paused_at` stops its clock; `paused_s` is how long earlier pauses took, in seconds.

    `images_removed_at`: since when its images are no longer kept. `traceparent` names the trace of its life
    (W3C Trace Context), so that whoever goes on with it after a crash goes on with that as well.
    """

    __tablename__ = "reports"
    __table_args__ = (
        CheckConstraint("status IN ('paid', 'running', 'complete', 'partial', 'failed')", name="status"),
        CheckConstraint("over_ceiling OR spent_usd + reserved_usd <= ceiling_usd", name="ceiling"),
        CheckConstraint("completed_jobs <= total_jobs", name="counter"),
        Index("ix_reports_waiting", "created_at", postgresql_where=text("status IN ('paid', 'running')")),
        Index("ix_reports_user_id_created_at", "user_id", "created_at"),
        Index("ix_reports_images_kept", "created_at", postgresql_where=text("images_removed_at IS NULL")),
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
    paused_at: Mapped[datetime | None]
    paused_s: Mapped[Decimal] = mapped_column(default=Decimal(0), server_default=text("0"))
    images_removed_at: Mapped[datetime | None]
    traceparent: Mapped[str | None]


class ReportModel(Base):
    """The counters of one model in one report, and the provider that served it first.

    `max_tokens` is how long an answer may be, fixed when the report was planned, as the worst cases were.
    """

    __tablename__ = "report_models"

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    passed: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    unmeasured: Mapped[int] = mapped_column(default=0)
    provider: Mapped[str | None]
    max_tokens: Mapped[int | None]


class BenchmarkJob(Base):
    """The plan: one row a job, `pending` until dispatched, `in_flight` until its result, then `done`.

    `worst_case_usd` is what one call can cost at most; `calls` are the model calls made for it so far.
    """

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
    calls: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    worst_case_usd: Mapped[Decimal] = mapped_column(default=Decimal(0), server_default=text("0"))


class Attempt(Base):
    """One dispatch of a job, with its own token, reservation and bill. A token settles once.

    `lapsed`: its lease ended, or another worker found its call abandoned; the reservation stays, for the call
    may have been billed. `late_result` is a result that came after the report had ended, kept for a resume.
    """

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
    late_result: Mapped[dict[str, Any] | None]


class PlatformPause(Base):
    """While its row exists, no paid model is dispatched: the model API refuses our key or its credit."""

    __tablename__ = "platform_pauses"

    platform: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    began_at: Mapped[datetime] = mapped_column(server_default=func.now())


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


class ReportExport(Base):
    """What was made of an ended report, once: its document, the PDF, the preview picture.

    It stands for the report only while `revision` is the report's own: a resumed report gets new ones.
    """

    __tablename__ = "report_exports"
    __table_args__ = (CheckConstraint("kind IN ('document', 'pdf', 'preview')", name="kind"),)

    report_id: Mapped[UUID] = mapped_column(ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
