"""Comparing the catalogue with what the model API offers now."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from modelpick_shared.catalog.catalog import Catalog
from modelpick_shared.contracts.snapshot import ModelSpec

PER_MILLION = Decimal(1_000_000)
# The request parameters that this project sends, in OpenRouter's names.
USED_PARAMETERS = frozenset(
    {"max_tokens", "reasoning", "response_format", "structured_outputs", "temperature"}
)


class _Tolerant(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Pricing(_Tolerant):
    prompt: str
    completion: str


class _Architecture(_Tolerant):
    input_modalities: list[str] = []


class _TopProvider(_Tolerant):
    max_completion_tokens: int | None = None


class _Reasoning(_Tolerant):
    supported_efforts: list[str] | None = None
    mandatory: bool | None = None


class RemoteModel(_Tolerant):
    """A model as `GET /models` describes it; its prices are USD a token, in strings."""

    id: str
    context_length: int | None = None
    pricing: _Pricing
    architecture: _Architecture = Field(default_factory=_Architecture)
    top_provider: _TopProvider | None = None
    supported_parameters: list[str] = []
    reasoning: _Reasoning | None = None
    expiration_date: str | None = None

    @classmethod
    def read_all(cls, content: bytes) -> dict[str, Self]:
        """Return the models by id; those that make no sense are left out. Raises ValueError."""
        entries = json.loads(content)["data"] if content else None
        if not isinstance(entries, list):
            raise ValueError("no list of models")  # noqa: TRY004 - the answer is wrong, not a type of ours
        return dict(_readable(cls, entries))


def _readable(kind: type[Any], entries: list[Any]) -> Iterator[tuple[str, Any]]:
    for entry in entries:
        try:
            model = kind.model_validate(entry)
        except ValueError:
            continue
        yield model.id, model


class Change(NamedTuple):
    """One difference. `update` are the catalogue's fields that follow; `gone` models are off offer."""

    model: str
    field: str
    old: Any = None
    new: Any = None
    note: str | None = None
    update: Mapping[str, Any] = {}
    gone: bool = False


def compare(catalog: Catalog, remote: Mapping[str, RemoteModel]) -> list[Change]:
    """Return what differs, in the catalogue's order."""
    return [change for model in catalog for change in _compare(model, remote.get(model.id))]


def _compare(model: ModelSpec, remote: RemoteModel | None) -> Iterator[Change]:
    if remote is None:
        yield Change(model.id, "id", old=model.id, note="not offered any more", gone=True)
        return
    if "image" not in remote.architecture.input_modalities:
        yield Change(model.id, "input_modalities", note="reads no images any more", gone=True)
        return
    yield from _price(model, "input", remote.pricing.prompt)
    yield from _price(model, "output", remote.pricing.completion)
    for name, new in _facts(remote).items():
        old = getattr(model, name)
        if new is not None and new != old:
            yield Change(model.id, name, old, new, update={name: new})
    if remote.expiration_date:
        yield Change(model.id, "expiration_date", new=remote.expiration_date, note=_ends(remote))


def _facts(remote: RemoteModel) -> dict[str, Any]:
    """Return the fields that are taken over as they are; None keeps what the catalogue has."""
    supports = sorted(USED_PARAMETERS & set(remote.supported_parameters))
    top = remote.top_provider
    return {
        "context_length": remote.context_length,
        "max_output_tokens": top.max_completion_tokens if top else None,
        "input_modalities": sorted(remote.architecture.input_modalities) or None,
        "supports": supports or None,
        "reasoning_efforts": remote.reasoning.supported_efforts if remote.reasoning else None,
        "reasoning_mandatory": remote.reasoning.mandatory if remote.reasoning else None,
    }


def _price(model: ModelSpec, side: str, text: str) -> Iterator[Change]:
    """Compare a price. The cap sent along keeps its ratio to the list price, and is never below it."""
    listed, capped = f"{side}_usd_per_1m", f"max_{side}_usd_per_1m"
    old, cap = getattr(model, listed), getattr(model, capped)
    new = _usd_per_1m(text)
    if new is None:
        yield Change(model.id, listed, old, text, note="not a price, left as it is")
    elif new != old:
        new_cap = max(new, _rounded(cap * new / old)) if old else new
        yield Change(model.id, listed, old, new, update={listed: new, capped: new_cap})


def _usd_per_1m(text: str) -> Decimal | None:
    try:
        price = Decimal(text) * PER_MILLION
    except InvalidOperation:
        return None
    return _rounded(price) if price.is_finite() and price >= 0 else None


def _rounded(price: Decimal) -> Decimal:
    """Return a price without idle digits: 5, not 5.000000."""
    exact = price.quantize(Decimal("0.000001")).normalize()
    return exact if exact.as_tuple().exponent <= 0 else exact.quantize(Decimal(1))  # type: ignore[operator]


def _ends(remote: RemoteModel) -> str:
    try:
        return f"ends {datetime.fromisoformat(str(remote.expiration_date)).date()}"
    except ValueError:
        return "ends at an unreadable date"


def write_catalog(path: Path, catalog: Catalog) -> None:
    """Write the data file: the same catalogue gives the same bytes."""
    models = [model.model_dump(mode="json") for model in catalog]
    path.write_text(json.dumps(models, indent=2, ensure_ascii=False) + "\n", "utf-8")
