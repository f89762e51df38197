"""What a report's budget leaves unmeasured, when its calls cost what is expected of them.

The orchestrator spends in rows (docs/adr/0004): a row is one run of one image by all paid models. This plays
the same rules without the clock: every call of a row is over before the next row is looked at.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

# As the orchestrator has it: the next call may cost this much more than the model's dearest one so far.
EXPECTED_OVER_DEAREST = Decimal("1.25")


class CallCost(NamedTuple):
    """What one call of a model on an image costs, in USD."""

    expected_usd: Decimal
    worst_usd: Decimal


Row = Mapping[str, CallCost]


class _Budget:
    """The money of a report, and the dearest call of each model so far."""

    def __init__(self, ceiling_usd: Decimal, soft_ceiling_usd: Decimal) -> None:
        self._ceiling_usd = ceiling_usd
        self._soft_ceiling_usd = min(soft_ceiling_usd, ceiling_usd)
        self._spent_usd = Decimal(0)
        self._dearest_usd: dict[str, Decimal] = {}

    def run(self, row: Row) -> list[str]:
        """Run what the budget lets run of a row, and return the models whose call does not."""
        if self._spent_usd >= self._soft_ceiling_usd:
            return list(row)
        worst_usd = sum((cost.worst_usd for cost in row.values()), Decimal(0))
        if worst_usd <= self._soft_ceiling_usd - self._spent_usd:
            for model_id, cost in row.items():
                self._pay(model_id, cost)
            return []
        return self._run_piecemeal(row) if self._likely_fits(row) else list(row)

    def _likely_fits(self, row: Row) -> bool:
        left_usd = self._ceiling_usd - self._spent_usd
        worst_cases = [cost.worst_usd for cost in row.values()]
        if not self._dearest_usd:
            return min(worst_cases) <= left_usd
        likely_usd = sum((self._likely_usd(model_id, cost) for model_id, cost in row.items()), Decimal(0))
        return (
            likely_usd <= self._soft_ceiling_usd - self._spent_usd
            and likely_usd + max(worst_cases) <= left_usd
        )

    def _likely_usd(self, model_id: str, cost: CallCost) -> Decimal:
        dearest_usd = self._dearest_usd.get(model_id, cost.worst_usd)
        return min(cost.worst_usd, dearest_usd * EXPECTED_OVER_DEAREST)

    def _run_piecemeal(self, row: Row) -> list[str]:
        """Run single calls, in rounds, as long as there is room for the whole reservation of the next."""
        waiting = dict(sorted(row.items()))
        while started := self._affordable(waiting):
            for model_id in started:
                self._pay(model_id, waiting.pop(model_id))
        return list(waiting)

    def _affordable(self, waiting: Row) -> list[str]:
        if self._spent_usd >= self._soft_ceiling_usd:
            return []
        started = []
        left_usd = self._ceiling_usd - self._spent_usd
        for model_id, cost in waiting.items():
            if cost.worst_usd <= left_usd:
                left_usd -= cost.worst_usd
                started.append(model_id)
        return started

    def _pay(self, model_id: str, cost: CallCost) -> None:
        self._spent_usd += cost.expected_usd
        if cost.expected_usd:
            self._dearest_usd[model_id] = max(cost.expected_usd, self._dearest_usd.get(model_id, Decimal(0)))


def count_cut(
    images: Sequence[Row], *, runs: int, ceiling_usd: Decimal, soft_ceiling_usd: Decimal
) -> Counter[str]:
    """Count, by model, the calls that the budget leaves unmeasured.

    `images` holds what the call of each model costs, image by image. Free calls are outside of the budget.
    """
    paid = [{name: cost for name, cost in row.items() if cost.worst_usd} for row in images]
    budget = _Budget(ceiling_usd, soft_ceiling_usd)
    cut: Counter[str] = Counter()
    for row in [row for _ in range(runs) for row in paid if row]:
        # Once a call had to be left out, nothing that comes later starts any more.
        cut.update(list(row) if cut else budget.run(row))
    return cut
