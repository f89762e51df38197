from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, StrictBool, model_serializer

from modelpick_shared.contracts import ModelProgress, ReportStatus
from modelpick_shared.document import RunEntry, Usd, UtcTime

_LEFT_OUT_WHEN_NONE = ("share_token", "queue_position", "failure_reason")
_ENDED = frozenset({ReportStatus.COMPLETE, ReportStatus.PARTIAL, ReportStatus.FAILED})


class ReportView(BaseModel):
    """A report at a glance: the body of `GET /api/reports/{id}` and the data of every event."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    status: ReportStatus
    share_token: str | None
    queue_position: int | None
    total_jobs: int
    completed_jobs: int
    spent_usd: Usd
    models: list[ModelProgress]
    created_at: UtcTime
    started_at: UtcTime | None
    completed_at: UtcTime | None
    deadline_at: UtcTime | None
    refunded: bool
    failure_reason: str | None

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        for name in _LEFT_OUT_WHEN_NONE:
            if fields[name] is None:
                del fields[name]
        return fields

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


class ReportList(BaseModel):
    items: list[ReportView]


class ShareRequest(BaseModel):
    enabled: StrictBool


class ShareView(BaseModel):
    """Whether a report is shared; a token opens it to whoever has it."""

    enabled: bool
    share_token: str | None


class WholeRun(RunEntry):
    """One run in full: its output uncut, and the JSON that its image should have given."""

    expected: Any
