from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from pydantic import TypeAdapter

from modelpick_shared.contracts.snapshot import ModelSpec


class Catalog:
    """The models on offer, in the order of the data file."""

    def __init__(self, models: list[ModelSpec]) -> None:
        self._models = {model.id: model for model in models}

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._models.values())

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._models

    def __getitem__(self, model_id: str) -> ModelSpec:
        return self._models[model_id]

    def __len__(self) -> int:
        return len(self._models)


def load_catalog(path: Path | None = None) -> Catalog:
    """Read the catalogue's data file, or another one. Prices come as exact decimals."""
    file = path or resources.files("modelpick_shared.catalog").joinpath("models.json")
    text = file.read_text("utf-8")
    return Catalog(TypeAdapter(list[ModelSpec]).validate_json(text))


def effective_concurrency(model: ModelSpec, per_model_concurrency: int) -> int:
    """Return the prefetch of a model's queue: the setting, unless the catalogue lowers it."""
    return min(per_model_concurrency, model.max_concurrency or per_model_concurrency)
