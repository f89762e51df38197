from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, JsonValue

from modelpick_checkout.images.schemas import ImageView
from modelpick_checkout.limits import MAX_MODELS, MAX_NAME_CHARACTERS, MAX_PROMPT_BYTES, MAX_SCHEMA_BYTES
from modelpick_checkout.strict_json import size_bytes
from modelpick_shared.contracts import DataPolicy
from modelpick_shared.db.customers import Draft, DraftImage


def _short_prompt(text: str) -> str:
    if len(text.encode()) > MAX_PROMPT_BYTES:
        raise ValueError(f"The prompt is larger than {MAX_PROMPT_BYTES} bytes.")
    return text


def _small_schema(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if size_bytes(schema) > MAX_SCHEMA_BYTES:
        raise ValueError(f"The schema is larger than {MAX_SCHEMA_BYTES} bytes.")
    return schema


def _each_once(model_ids: list[str]) -> list[str]:
    if len(set(model_ids)) != len(model_ids):
        raise ValueError("A model is listed twice.")
    return model_ids


Name = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]
Prompt = Annotated[str, AfterValidator(_short_prompt)]
Schema = Annotated[dict[str, JsonValue], AfterValidator(_small_schema)]
ModelIds = Annotated[
    list[Annotated[str, Field(max_length=200)]], Field(max_length=MAX_MODELS), AfterValidator(_each_once)
]
UtcTime = Annotated[datetime, AfterValidator(lambda time: time.astimezone(UTC))]


class DraftCreate(BaseModel):
    name: Name = ""


class DraftPatch(BaseModel):
    """What to change; a field that is not sent stays. The defaults here only stand for "not sent"."""

    name: Name = ""
    extraction_prompt: Prompt = ""
    json_schema: Schema | None = None
    selected_models: ModelIds = []
    data_policy: DataPolicy = "any"

    def changes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.model_fields_set}


class DraftProblem(BaseModel):
    """Why a draft is not ready; `pointer` leads into the draft."""

    pointer: str
    detail: str


def unpaid_status(problems: Sequence[DraftProblem]) -> Literal["draft", "ready"]:
    """Return the status of a draft that is not paid for."""
    return "draft" if problems else "ready"


class DraftView(BaseModel):
    id: UUID
    name: str
    extraction_prompt: str
    json_schema: dict[str, JsonValue] | None
    selected_models: list[str]
    data_policy: DataPolicy
    images: list[ImageView]
    status: Literal["draft", "ready", "paid"]
    problems: list[DraftProblem]
    created_at: UtcTime
    updated_at: UtcTime

    @classmethod
    def of(cls, draft: Draft, images: list[DraftImage], problems: list[DraftProblem]) -> Self:
        computed = {"images", "problems", "status"}
        own = {name: getattr(draft, name) for name in cls.model_fields.keys() - computed}
        shown = [ImageView.of(image) for image in images]
        # What is on offer changes without the drafts, whose stored status may be of yesterday.
        status = "paid" if draft.status == "paid" else unpaid_status(problems)
        return cls(images=shown, problems=problems, status=status, **own)


class DraftList(BaseModel):
    items: list[DraftView]


class InferredSchema(BaseModel):
    json_schema: dict[str, JsonValue]


class ModelEstimate(BaseModel):
    id: str
    calls: int
    expected_cost_usd: Decimal
    warning: str | None = None


class CutRuns(BaseModel):
    """How many of a model's calls would not start any more."""

    model_id: str
    runs: int


class Estimate(BaseModel):
    """What running a draft costs and takes."""

    calls: int
    expected_cost_usd: Decimal
    worst_case_cost_usd: Decimal
    ceiling_usd: Decimal
    expected_duration_s: int
    models: list[ModelEstimate]
    will_be_cut: list[CutRuns]


class CatalogModel(BaseModel):
    """A model on offer, as customers see it."""

    id: str
    name: str
    provider: str
    tier: str
    input_usd_per_1m: Decimal
    output_usd_per_1m: Decimal
    context_length: int
    supports: list[str]


class CatalogList(BaseModel):
    items: list[CatalogModel]
