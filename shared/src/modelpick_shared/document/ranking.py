"""Which model is best, and which are worth their price."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple


class Standing(NamedTuple):
    """What a model is ranked by. `per_image_usd` is None when no bill is known."""

    strict: float
    relaxed: float
    per_image_usd: Decimal | None

    def beats(self, other: "Standing") -> bool:
        return (self.strict, self.relaxed) > (other.strict, other.relaxed)


def is_ranked(measured: int, planned: int) -> bool:
    """Say whether enough is known of a model: at least half of its runs are measured."""
    return 0 < planned <= 2 * measured


def ranks(standings: Mapping[str, Standing]) -> dict[str, int]:
    """Rank by strict pass rate, then by relaxed. Equal rates share a rank, and as many are skipped."""
    return {
        model_id: 1 + sum(other.beats(own) for other in standings.values())
        for model_id, own in standings.items()
    }


def pareto(standings: Mapping[str, Standing]) -> set[str]:
    """Return the models that no other beats in price or strict pass rate without being worse in the other."""
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


def _dominates(one: tuple[float, Decimal], other: tuple[float, Decimal]) -> bool:
    return one != other and one[0] >= other[0] and one[1] <= other[1]
