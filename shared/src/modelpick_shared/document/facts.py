from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from modelpick_shared.contracts import Outcome


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What a document says of its report besides configuration and runs. Money is USD."""

    id: UUID
    status: str
    revision: int
    total_jobs: int
    spent_usd: Decimal
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A counted outcome as it is stored.

    `passed` and `passed_relaxed` are None exactly where the run is unmeasured. `diffs` holds mappings of
    path, kind, expected, actual and rescued_by; None or empty where the answer was no JSON at all.
    """

    model_id: str
    image_index: int
    run_index: int
    outcome: str
    unmeasured_reason: str | None = None
    passed: bool | None = None
    passed_relaxed: bool | None = None
    diffs: list[dict[str, Any]] | None = None
    output: str | None = None
    latency_ms: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Decimal | None = None
    provider: str | None = None
    attempts: int = 1
    error: str | None = None

    @property
    def measured(self) -> bool:
        return self.outcome != Outcome.UNMEASURED
