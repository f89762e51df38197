"""What the demo reads of the site's answers; whatever else they hold is left alone."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_ENDED = frozenset({"complete", "partial", "failed"})


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Model(_Answer):
    id: str
    name: str
    tier: str


class Problem(_Answer):
    pointer: str
    detail: str


class Draft(_Answer):
    id: str
    status: str
    problems: list[Problem]
    images: list[dict[str, Any]]
    selected_models: list[str]


class Estimate(_Answer):
    calls: int
    expected_cost_usd: Decimal
    worst_case_cost_usd: Decimal
    ceiling_usd: Decimal
    expected_duration_s: int


class Payable(_Answer):
    url: str
    session_id: str


class Payment(_Answer):
    status: str
    report_id: str | None = None
    draft_id: str


class ModelCounts(_Answer):
    id: str
    total: int
    done: int
    passed: int
    failed: int
    unmeasured: int


class Report(_Answer):
    """How a report stands: the body of the report and of each of its events."""

    id: str
    status: str
    share_token: str | None = None
    queue_position: int | None = None
    total_jobs: int
    completed_jobs: int
    spent_usd: Decimal
    models: list[ModelCounts]

    @property
    def is_over(self) -> bool:
        return self.status in _ENDED


class Rate(_Answer):
    pass_rate: float | None
    ci95: tuple[float, float] | None


class Latency(_Answer):
    p50: float | None


class Cost(_Answer):
    per_1000_images: Decimal | None


class Ranked(_Answer):
    id: str
    name: str
    rank: int | None
    tied_with: list[str]
    strict: Rate
    relaxed: Rate
    latency_ms: Latency
    cost_usd: Cost
    outcomes: dict[str, int]
    pareto: bool


class Totals(_Answer):
    jobs: int
    measured: int
    unmeasured: int
    spent_usd: Decimal
    duration_s: float | None


class Document(_Answer):
    """The finished report."""

    id: str
    status: str
    totals: Totals
    models: list[Ranked]


class Mail(_Answer):
    id: int
    sender: str = Field(alias="from")
    to: list[str]
    subject: str
    text: str
    html: str
