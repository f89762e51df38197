"""What the model API says that it offers: the answer of `GET /models`, field by field."""

import json
from decimal import Decimal, DecimalException
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PER_MILLION = Decimal(1_000_000)
# A cent a token: far above any price ever asked, so more than that is a slip of the unit.
MAX_USD_PER_1M = Decimal(10_000)


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Pricing(_Tolerant):
    """Prices in USD a token, in strings."""

    prompt: str
    completion: str


class _Architecture(_Tolerant):
    input_modalities: list[str]


class _TopProvider(_Tolerant):
    max_completion_tokens: int | None = Field(default=None, gt=0)


class _Reasoning(_Tolerant):
    supported_efforts: list[str] | None = None
    mandatory: bool | None = None


class RemoteModel(_Tolerant):
    """A model as it is offered; None is what the model API does not know."""

    id: str
    context_length: int | None = Field(gt=0)
    pricing: Pricing
    architecture: _Architecture
    top_provider: _TopProvider | None = None
    supported_parameters: list[str]
    reasoning: _Reasoning | None = None
    expiration_date: str | None = None


class Offer(NamedTuple):
    """All models that are offered, by id; of those whose entry makes no sense, what is wrong with it."""

    models: dict[str, RemoteModel]
    malformed: dict[str, str]


def read_offer(content: bytes) -> Offer:
    """Read the body of an answer to `GET /models`. Raises ValueError unless it is a whole list of models."""
    entries = _entries(json.loads(content))
    offer = Offer({}, {})
    for entry in entries:
        try:
            model = RemoteModel.model_validate(entry)
        except ValidationError as error:
            offer.malformed[_id_of(entry)] = _short(error)
        else:
            offer.models[model.id] = model
    return offer


def usd_per_1m(text: str) -> Decimal:
    """Return a price a token as one a million tokens. Raises ValueError for what is no price."""
    try:
        price = Decimal(text) * PER_MILLION
    except DecimalException as error:
        raise ValueError(f"{text[:40]!r} is not a price") from error
    if not (price.is_finite() and 0 <= price <= MAX_USD_PER_1M):
        raise ValueError(f"{text[:40]!r} is not a price")
    return rounded(price)


def rounded(price: Decimal) -> Decimal:
    """Return a price to six places without idle digits: 5, not 5.000000."""
    return Decimal(format(price.quantize(Decimal("0.000001")).normalize(), "f"))


def _entries(answer: Any) -> list[Any]:
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list) or not answer["data"]:
        raise ValueError("it lists no models")
    entries: list[Any] = answer["data"]
    links = answer.get("links")
    if isinstance(links, dict) and links.get("next"):
        raise ValueError(f"it lists only its first {len(entries)} models")
    return entries


def _id_of(entry: Any) -> str:
    return str(entry.get("id")) if isinstance(entry, dict) else ""


def _short(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
