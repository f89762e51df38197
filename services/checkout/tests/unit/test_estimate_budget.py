"""What the estimate says of the budget is what the orchestrator's planner does when calls cost that much."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from modelpick_checkout.drafts.budget import EXPECTED_OVER_DEAREST, CallCost, count_cut
from modelpick_orchestrator import planner
from modelpick_orchestrator.planner import Candidate, ModelState, Purse, ReportState, Row
from modelpick_shared.contracts import JobKey

REPORT = UUID(int=1)


@dataclass
class Played:
    """A report played through the real planner; the calls of each plan are over before the next one."""

    images: list[dict[str, CallCost]]
    runs: int
    ceiling_usd: Decimal
    soft_ceiling_usd: Decimal
    spent_usd: Decimal = Decimal(0)
    begun: set = field(default_factory=set)
    dearest_usd: dict = field(default_factory=dict)
    waiting: list[JobKey] = field(default_factory=list)

    def __post_init__(self):
        self.waiting = [
            JobKey(REPORT, model_id, image_index, run_index)
            for run_index in range(self.runs)
            for image_index, row in enumerate(self.images)
            for model_id in row
        ]

    def cut(self) -> Counter:
        while self.waiting:
            state = self.state()
            if planner.is_stuck(state):
                state = self.state(squeezed=self.may_squeeze(state))
            started = planner.plan([state], self.models())
            if not started:
                assert planner.is_stuck(state)
                break
            for candidate in started:
                self.run(candidate.job)
        return Counter(job.model_id for job in self.waiting)

    def cost(self, job):
        return self.images[job.image_index][job.model_id]

    def purse(self):
        return Purse(self.spent_usd, Decimal(0), self.ceiling_usd, self.soft_ceiling_usd)

    def state(self, *, squeezed=False):
        rows = {}
        for job in self.waiting:
            if self.cost(job).worst_usd:
                rows.setdefault((job.run_index, job.image_index), []).append(self.cost(job).worst_usd)
        waiting = [Row(key, sum(usd), min(usd), key in self.begun) for key, usd in sorted(rows.items())]
        return ReportState(REPORT, self.purse(), waiting, squeezed=squeezed)

    def may_squeeze(self, state):
        first = state.rows[0]
        worst = {
            job.model_id: self.cost(job).worst_usd
            for job in self.waiting
            if (job.run_index, job.image_index) == first.key and self.cost(job).worst_usd
        }
        return not first.begun and planner.may_squeeze(state.purse, worst, self.dearest_usd)

    def models(self):
        by_model = {}
        for job in self.waiting:
            by_model.setdefault(job.model_id, []).append(Candidate(job, self.cost(job).worst_usd))
        return [ModelState(model_id, 6, {}, {REPORT: jobs}) for model_id, jobs in by_model.items()]

    def run(self, job):
        self.waiting.remove(job)
        if self.cost(job).worst_usd:
            self.begun.add((job.run_index, job.image_index))
        bill = self.cost(job).expected_usd
        self.spent_usd += bill
        if bill:
            self.dearest_usd[job.model_id] = max(bill, self.dearest_usd.get(job.model_id, Decimal(0)))


MODELS = [f"model/{number}" for number in range(6)]


@st.composite
def reports(draw):
    """Draw what calls cost: images of different sizes, models of different prices, some of them free."""
    prices = {
        model_id: draw(st.sampled_from(["0", "0.0004", "0.005", "0.03", "0.15", "0.4"]).map(Decimal))
        for model_id in draw(st.lists(st.sampled_from(MODELS), min_size=1, unique=True))
    }
    share = draw(st.sampled_from(["0.02", "0.1", "0.3", "0.7", "1"]).map(Decimal))
    sizes = draw(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=6))
    images = [
        {name: CallCost(price * size * share, price * size) for name, price in prices.items()}
        for size in sizes
    ]
    return images, draw(st.integers(1, 4))


@given(
    reports(), st.sampled_from(["0.5", "2", "7"]).map(Decimal), st.sampled_from(["0.5", "0.1"]).map(Decimal)
)
@example(
    ([{"a": CallCost(Decimal("0.5"), Decimal(5)), "b": CallCost(Decimal("0.5"), Decimal(6))}], 3),
    Decimal(7),
    Decimal("0.5"),
)
def test_the_planner_cuts_what_the_estimate_says(report, ceiling_usd, margin_usd):
    images, runs = report
    soft_ceiling_usd = ceiling_usd - margin_usd
    if soft_ceiling_usd <= 0:
        return
    counted = count_cut(images, runs=runs, ceiling_usd=ceiling_usd, soft_ceiling_usd=soft_ceiling_usd)
    assert counted == Played(images, runs, ceiling_usd, soft_ceiling_usd).cut()


def test_the_planner_and_the_estimate_take_the_same_margin():
    assert EXPECTED_OVER_DEAREST == planner.EXPECTED_OVER_DEAREST


def test_free_models_are_never_cut():
    images = [{"free": CallCost(Decimal(0), Decimal(0)), "dear": CallCost(Decimal(5), Decimal(5))}] * 3
    cut = count_cut(images, runs=1, ceiling_usd=Decimal(7), soft_ceiling_usd=Decimal("6.5"))
    assert cut == {"dear": 2}
