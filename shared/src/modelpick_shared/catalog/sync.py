"""Comparing the catalogue with what the model API offers now, and writing it anew."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from modelpick_shared.catalog.catalog import Catalog
from modelpick_shared.catalog.remote import Offer, RemoteModel, rounded, usd_per_1m
from modelpick_shared.contracts.snapshot import ModelSpec

# The request parameters that this project sends, in OpenRouter's names.
USED_PARAMETERS = frozenset(
    {"max_tokens", "reasoning", "response_format", "structured_outputs", "temperature"}
)
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class Change(NamedTuple):
    """One difference. `update` are the catalogue's fields that follow; `gone` models are off offer."""

    model: str
    field: str
    old: Any = None
    new: Any = None
    note: str | None = None
    update: Mapping[str, Any] = {}
    gone: bool = False


def compare(catalog: Catalog, offer: Offer) -> list[Change]:
    """Return what differs, in the catalogue's order. A model whose entry makes no sense has no updates."""
    return [change for model in catalog for change in _compare(model, offer)]


def changed(catalog: Catalog, changes: Iterable[Change], *, remove_missing: bool) -> Catalog:
    """Return the catalogue with the changes in it; models that are gone stay unless `remove_missing`."""
    models = {model.id: model for model in catalog}
    for change in changes:
        if change.gone and remove_missing:
            del models[change.model]
        elif change.update:
            models[change.model] = models[change.model].model_copy(update=change.update)
    return Catalog(list(models.values()))


def catalog_text(catalog: Catalog) -> str:
    """Return the data file of a catalogue: the same catalogue gives the same text."""
    models = [model.model_dump(mode="json") for model in catalog]
    return json.dumps(models, indent=2, ensure_ascii=False) + "\n"


def write_catalog(path: Path, catalog: Catalog) -> bool:
    """Write the data file, whole or not at all; return whether anything was to be written."""
    text = catalog_text(catalog)
    if path.read_text("utf-8") == text:
        return False
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(text, "utf-8")
    draft.replace(path)
    return True


def _compare(model: ModelSpec, offer: Offer) -> Iterator[Change]:
    remote = offer.models.get(model.id)
    if model.id in offer.malformed:
        yield Change(model.id, "id", note=f"left as it is: {offer.malformed[model.id]}")
    elif remote is None:
        yield Change(model.id, "id", old=model.id, note="not offered any more", gone=True)
    elif "image" not in remote.architecture.input_modalities:
        yield Change(model.id, "input_modalities", note="reads no images any more", gone=True)
    else:
        yield from _differences(model, remote)


def _differences(model: ModelSpec, remote: RemoteModel) -> Iterator[Change]:
    prices = [*_price(model, "input", remote.pricing.prompt)]
    prices += _price(model, "output", remote.pricing.completion)
    refused = [change for change in prices if not change.update]
    yield from refused or prices
    if refused:
        return
    for name, new in _facts(remote).items():
        old = getattr(model, name)
        if new is not None and new != old:
            yield Change(model.id, name, old, new, update={name: new})
    if remote.expiration_date:
        yield Change(model.id, "expiration_date", new=remote.expiration_date, note=_ends(remote))


def _price(model: ModelSpec, side: str, text: str) -> Iterator[Change]:
    """Compare a price. The cap sent along keeps its ratio to the list price, and is never below it.

    The caps were curated as the highest price that any provider of the model asked.
    """
    listed, capped = f"{side}_usd_per_1m", f"max_{side}_usd_per_1m"
    old, cap = getattr(model, listed), getattr(model, capped)
    try:
        new = usd_per_1m(text)
    except ValueError as error:
        yield Change(model.id, listed, old, text, note=f"the model is left as it is: {error}")
        return
    if new != old:
        new_cap = max(new, rounded(cap * new / old)) if old else new
        yield Change(model.id, listed, old, new, update={listed: new, capped: new_cap})


def _facts(remote: RemoteModel) -> dict[str, Any]:
    """Return the fields that are taken over as they are; None keeps what the catalogue has."""
    reasoning, top = remote.reasoning, remote.top_provider
    return {
        "context_length": remote.context_length,
        "max_output_tokens": top.max_completion_tokens if top else None,
        "input_modalities": sorted(remote.architecture.input_modalities),
        "supports": sorted(USED_PARAMETERS & set(remote.supported_parameters)) or None,
        "reasoning_efforts": _ascending(reasoning.supported_efforts) if reasoning else None,
        "reasoning_mandatory": reasoning.mandatory if reasoning else None,
    }


def _ascending(efforts: list[str] | None) -> list[str] | None:
    """Return the efforts that this project knows, lowest first; the model API lists the highest first."""
    return [effort for effort in _EFFORTS if effort in (efforts or ())] or None


def _ends(remote: RemoteModel) -> str:
    try:
        return f"ends {date.fromisoformat((remote.expiration_date or '')[:10])}"
    except ValueError:
        return "ends at an unreadable date"
