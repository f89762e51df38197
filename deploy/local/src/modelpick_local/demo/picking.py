from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, islice, zip_longest

from modelpick_local.demo.schemas import Model


def across_tiers(models: Sequence[Model], count: int) -> list[Model]:
    """Pick one model of each tier, then a second of each, until there are `count`."""
    tiers: defaultdict[str, list[Model]] = defaultdict(list)
    for model in models:
        tiers[model.tier].append(model)
    return list(islice(_dealt(list(tiers.values())), count))


def _dealt(tiers: list[list[Model]]) -> Iterator[Model]:
    return (model for model in chain.from_iterable(zip_longest(*tiers)) if model is not None)
