"""The label `model` of metrics: an id of the catalogue, or `other`."""

from collections.abc import Iterable

OTHER = "other"


class _Catalogued:
    models: frozenset[str] = frozenset()


def label_models(model_ids: Iterable[str]) -> None:
    """Let metrics name these models."""
    _Catalogued.models |= frozenset(model_ids)


def model_label(model_id: str) -> str:
    """Return the label for a model: its id where metrics may name it."""
    return model_id if model_id in _Catalogued.models else OTHER
