"""Which model is best, and which are worth their price."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from modelpick_shared.statistics import competition_ranks


class Standing(NamedTuple):
    """What a model is ranked by. Rates and shares are 0..1; `per_image_usd` is None when no bill is known.

    `shares` has the strict pass rate of every image, None where the model has no measured run.
    """

    strict: float
    relaxed: float
    field_accuracy: float
    per_image_usd: Decimal | None
    shares: tuple[float | None, ...]


class Place(NamedTuple):
    """A model's rank, None when too little is known of it, and the other models that have the same."""

    rank: int | None
    tied_with: list[str]


def is_ranked(measured: int, planned: int) -> bool:
    """Say whether enough is known of a model: at least half of its runs are measured."""
    return 0 < planned <= 2 * measured


def places(standings: Mapping[str, Standing]) -> dict[str, Place]:
    """Rank by strict pass rate; models that cannot be told apart from the best of their group share a rank.

    The order, within ties as well, is by strict, relaxed, field accuracy and price; who shares a rank is
    decided by the strict rates alone (see `statistics.leaders`: ten images are a small sample, and
    fewer than six never separate anybody). As many ranks are skipped as are shared. `tied_with` is in the
    order of `standings`.
    """
    order = sorted(standings, key=lambda model_id: _best_first(standings[model_id]))
    ranks = competition_ranks([standings[model_id].shares for model_id in order])
    ranked = dict(zip(order, ranks, strict=True))
    tied = {
        rank: [model_id for model_id in standings if ranked[model_id] == rank] for rank, _ in groupby(ranks)
    }
    return {
        model_id: Place(rank, [other for other in tied[rank] if other != model_id])
        for model_id, rank in ranked.items()
    }


def pareto(standings: Mapping[str, Standing]) -> set[str]:
    """Return the models that no other beats in price or strict pass rate without being worse in the other.

    Models equal in both stand or fall together; one whose price is unknown is never among them.
    """
    priced = {
        model_id: (own.strict, own.per_image_usd)
        for model_id, own in standings.items()
        if own.per_image_usd is not None
    }
    return {
        model_id
        for model_id, own in priced.items()
        if not any(_dominates(other, own) for other in priced.values())
    }


def _best_first(own: Standing) -> tuple[float, float, float, bool, Decimal]:
    price = own.per_image_usd
    return -own.strict, -own.relaxed, -own.field_accuracy, price is None, price or Decimal(0)


def _dominates(one: tuple[float, Decimal], other: tuple[float, Decimal]) -> bool:
    return one != other and one[0] >= other[0] and one[1] <= other[1]
