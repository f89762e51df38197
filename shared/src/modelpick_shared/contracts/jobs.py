from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from modelpick_shared.contracts.envelope import Message

DataPolicy = Literal["any", "no_training"]


class Outcome(StrEnum):
    """How a run ended, as the report shows it."""

    PASSED = "passed"
    WRONG = "wrong"
    INVALID_JSON = "invalid_json"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    UNMEASURED = "unmeasured"


class UnmeasuredReason(StrEnum):
    RATE_LIMITED = "rate_limited"
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    PRICE = "price"
    BUDGET = "budget"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    PLATFORM = "platform"


class AttemptOutcome(StrEnum):
    """What a worker says of one attempt; the orchestrator makes the run's outcome of it."""

    ANSWERED = "answered"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    UNMEASURED = "unmeasured"
    RETRY_LATER = "retry_later"
    NOT_STARTED = "not_started"
    ABANDONED = "abandoned"


class JobKey(NamedTuple):
    report_id: UUID
    model_id: str
    image_index: int
    run_index: int


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ImageRef(_Frozen):
    """An image in the image store: its key there, its SHA-256 in hex, its media type."""

    key: str
    sha256: str
    media_type: str


class PriceCap(_Frozen):
    """The highest price that a provider may ask, in USD per million tokens."""

    prompt_usd_per_1m: Decimal
    completion_usd_per_1m: Decimal


class RequestParameters(_Frozen):
    """How the model is to be called; what is None or False is not sent."""

    max_tokens: int
    temperature: float | None = None
    response_format: Literal["json_schema", "json_object"] | None = None
    reasoning_effort: str | None = None
    data_policy: DataPolicy = "any"


class RunRequested(Message):
    """Call one model on one image once.

    `calls_made` are the model calls that earlier attempts at the job made: `MAX_RETRIES` bounds them all.
    """

    TYPE: ClassVar[str] = "run.requested"

    report_id: UUID
    model_id: str
    image_index: int = Field(ge=0)
    run_index: int = Field(ge=0)
    attempt_token: UUID
    lease_ends_at: AwareDatetime
    deadline_at: AwareDatetime
    parameters: RequestParameters
    prompt: str
    json_schema: dict[str, JsonValue] | None = None
    image: ImageRef
    price_cap: PriceCap
    preferred_provider: str | None = None
    calls_made: int = Field(default=0, ge=0)

    def correlation_id(self) -> UUID:
        return self.report_id

    @property
    def job_key(self) -> JobKey:
        return JobKey(self.report_id, self.model_id, self.image_index, self.run_index)


class RunFinished(Message):
    """What came of one attempt at a job.

    `attempts` are the model calls that the attempt made. `may_be_billed` is False where none of them can have
    been billed; where it is True and neither cost nor tokens are known, the worst case counts.
    `unmeasured_reason` also says why a job comes back with `retry_later`: `platform` is the operator's fault
    (401, 402). `latency_ms` is the time of the answered call alone, in milliseconds.
    """

    TYPE: ClassVar[str] = "run.finished"

    report_id: UUID
    model_id: str
    image_index: int = Field(ge=0)
    run_index: int = Field(ge=0)
    attempt_token: UUID
    outcome: AttemptOutcome
    unmeasured_reason: UnmeasuredReason | None = None
    retry_at: AwareDatetime | None = None
    output: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Decimal | None = None
    may_be_billed: bool = True
    latency_ms: int | None = None
    provider: str | None = None
    generation_id: str | None = None
    attempts: int = 1
    error: str | None = None

    def correlation_id(self) -> UUID:
        return self.report_id

    @property
    def job_key(self) -> JobKey:
        return JobKey(self.report_id, self.model_id, self.image_index, self.run_index)
