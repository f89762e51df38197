from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from modelpick_shared.contracts.envelope import Message
from modelpick_shared.contracts.jobs import UnmeasuredReason


class ReportStatus(StrEnum):
    PAID = "paid"
    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


class _AboutReport(Message):
    report_id: UUID

    def correlation_id(self) -> UUID:
        return self.report_id


class ReportPaid(_AboutReport):
    """A report's payment is settled: it may run."""

    TYPE: ClassVar[str] = "report.paid"


class RunReplayRequested(_AboutReport):
    """An operator asks for a job to be dispatched again unless it is counted.

    `attempt_token` names the attempt whose message was laid down: a later attempt that is on its way is left
    alone, so asking twice changes nothing.
    """

    TYPE: ClassVar[str] = "run.replay_requested"

    model_id: str
    image_index: int
    run_index: int
    attempt_token: UUID | None = None


class ReportResumeRequested(_AboutReport):
    """An operator asks for what an ended report left unmeasured to be run."""

    TYPE: ClassVar[str] = "report.resume_requested"


class ReportCancelRequested(_AboutReport):
    """An operator asks for a report to end with what it has."""

    TYPE: ClassVar[str] = "report.cancel_requested"


class ModelProgress(BaseModel):
    """Counts of one model's runs; `failed` are measured runs that are not strict matches."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    total: int
    done: int
    passed: int
    failed: int
    unmeasured: int


class ReportProgressed(_AboutReport):
    """A report has moved. Transient: the next one, or the database, makes up for a lost one."""

    TYPE: ClassVar[str] = "report.progressed"

    revision: int
    models: list[ModelProgress]
    spent_usd: Decimal


class UnmeasuredRuns(BaseModel):
    """How many runs of a model have no result, for one reason."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model_id: str
    reason: UnmeasuredReason
    runs: int


class _ReportEnded(_AboutReport):
    status: ReportStatus
    share_token: str | None = None
    email: str
    best_model: str | None = None
    best_model_pass_rate: float | None = None


class ReportCompleted(_ReportEnded):
    """A report is complete or partial: there is something to read.

    `best_model_ci95` is the 95 % interval of the best model's pass rate, as in the report. `unmeasured` lists
    what a partial report lacks of `total_runs`.
    """

    TYPE: ClassVar[str] = "report.completed"

    best_model_ci95: tuple[float, float] | None = None
    total_runs: int | None = None
    unmeasured: list[UnmeasuredRuns] = Field(default_factory=list)


class ReportFailed(_ReportEnded):
    """A report ended with nothing measured."""

    TYPE: ClassVar[str] = "report.failed"

    reason: str
