"""What an order froze: the models, images and instructions that its report will run."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from modelpick_shared.contracts.jobs import DataPolicy

Tier = Literal["premium", "mid", "budget", "free"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ModelSpec(_Frozen):
    """A model of the catalogue. Prices are USD per million tokens; the `max_` prices are the cap sent along.

    `supports` holds OpenRouter's names of request parameters; None in a limit means that it is unknown.
    Reasoning counts as mandatory until it is known to be optional: asking such a model for none is an error.
    """

    id: str
    name: str
    provider: str
    tier: Tier
    input_usd_per_1m: Decimal
    output_usd_per_1m: Decimal
    max_input_usd_per_1m: Decimal
    max_output_usd_per_1m: Decimal
    context_length: int
    max_output_tokens: int | None = None
    input_modalities: list[str] = []
    supports: list[str] = []
    reasoning_efforts: list[str] = []
    reasoning_mandatory: bool = True
    max_concurrency: int | None = None


class ImageSnapshot(_Frozen):
    """An image as it was when the order was made, with the JSON that a perfect model returns."""

    key: str
    sha256: str
    media_type: str
    width: int
    height: int
    bytes: int
    expected: JsonValue


class ConfigSnapshot(_Frozen):
    """Everything that a report needs to know of its draft; lists are in report order."""

    models: list[ModelSpec]
    images: list[ImageSnapshot]
    extraction_prompt: str
    json_schema: dict[str, JsonValue] | None = None
    runs_per_image: int
    data_policy: DataPolicy = "any"

    @property
    def total_jobs(self) -> int:
        return len(self.models) * len(self.images) * self.runs_per_image

    def model(self, model_id: str) -> ModelSpec:
        """Return the model of that id. Raises KeyError when the report does not have it."""
        for model in self.models:
            if model.id == model_id:
                return model
        raise KeyError(model_id)
