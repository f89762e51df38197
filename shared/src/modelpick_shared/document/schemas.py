from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, PlainSerializer

from modelpick_shared.contracts import DataPolicy, Outcome, ReportStatus, UnmeasuredReason
from modelpick_shared.contracts.snapshot import Tier


def plain_usd(amount: Decimal) -> str:
    """Write an amount as a decimal string: never with an exponent, which readers of money do not expect."""
    return format(amount, "f")


Usd = Annotated[Decimal, PlainSerializer(plain_usd, return_type=str, when_used="json")]
UtcTime = Annotated[datetime, AfterValidator(lambda time: time.astimezone(UTC))]
Interval = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ConfigModel(_Part):
    """A model as it was offered when the report was ordered. Prices are USD per million tokens."""

    id: str
    name: str
    provider: str
    tier: Tier
    input_usd_per_1m: Usd
    output_usd_per_1m: Usd


class ConfigImage(_Part):
    index: int
    url: str
    expected: JsonValue


class Config(_Part):
    models: list[ConfigModel]
    images: list[ConfigImage]
    extraction_prompt: str
    json_schema: dict[str, JsonValue] | None
    runs_per_image: int
    data_policy: DataPolicy


class Totals(_Part):
    jobs: int
    measured: int
    unmeasured: int
    spent_usd: Usd
    duration_s: float | None


class PassRate(_Part):
    """Passed runs over measured runs, with the 95 % interval where there is one."""

    pass_rate: float | None
    ci95: Interval | None = None


class Latency(_Part):
    p50: int | None
    p90: int | None
    p99: int | None


class Cost(_Part):
    total: Usd | None
    per_image: Usd | None
    per_1000_images: Usd | None


class OutcomeCounts(_Part):
    passed: int
    wrong: int
    invalid_json: int
    empty: int
    truncated: int
    refused: int
    unmeasured: int


class ModelEntry(_Part):
    id: str
    name: str
    provider: str
    tier: Tier
    rank: int | None
    tied_with: list[str]
    strict: PassRate
    relaxed: PassRate
    field_accuracy: float | None
    consistency: float | None
    latency_ms: Latency
    cost_usd: Cost
    outcomes: OutcomeCounts
    pareto: bool


class FieldEntry(_Part):
    path: str
    by_model: dict[str, float | None]


class Diff(_Part):
    path: str
    kind: Literal["missing", "extra", "wrong"]
    expected: JsonValue = None
    actual: JsonValue = None
    rescued_by: str | None = None


class RunEntry(_Part):
    n: int
    model_id: str
    image_index: int
    run_index: int
    outcome: Outcome
    unmeasured_reason: UnmeasuredReason | None
    strict: bool | None
    relaxed: bool | None
    diffs: list[Diff]
    output: str | None
    output_truncated: bool
    latency_ms: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Usd | None
    provider: str | None
    attempts: int
    error: str | None


class ReportDocument(_Part):
    id: UUID
    status: ReportStatus
    revision: int
    created_at: UtcTime
    completed_at: UtcTime | None
    config: Config
    totals: Totals
    models: list[ModelEntry]
    fields: list[FieldEntry]
    runs: list[RunEntry]
