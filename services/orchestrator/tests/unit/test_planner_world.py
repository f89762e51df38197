"""Whole reports played through the planner, with calls that cost, fail and come back as chance has it."""

import random
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from modelpick_orchestrator.planner import (
    Candidate,
    ModelState,
    Purse,
    ReportState,
    Row,
    is_stuck,
    may_squeeze,
    plan,
)
from modelpick_shared.contracts import JobKey

CEILING, SOFT = Decimal(7), Decimal("6.5")
MAX_CALLS = 6


@dataclass
class Ledger:
    """One report's jobs and money; it checks at every step that nothing is overspent."""

    report_id: UUID
    worst: dict[JobKey, Decimal]
    spent: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    waiting: set[JobKey] = field(default_factory=set)
    in_flight: set[JobKey] = field(default_factory=set)
    measured: set[JobKey] = field(default_factory=set)
    cut: set[JobKey] = field(default_factory=set)
    begun: set[tuple[int, int]] = field(default_factory=set)
    calls: Counter = field(default_factory=Counter)
    dearest: dict[str, Decimal] = field(default_factory=dict)

    def rows(self) -> list[Row]:
        rows: dict[tuple[int, int], list[Decimal]] = {}
        for job in self.waiting:
            if self.worst[job]:
                rows.setdefault((job.run_index, job.image_index), []).append(self.worst[job])
        return [Row(key, sum(usd), min(usd), key in self.begun) for key, usd in sorted(rows.items())]

    def state(self, *, squeezed=False) -> ReportState:
        return ReportState(
            self.report_id,
            Purse(self.spent, self.reserved, CEILING, SOFT),
            self.rows(),
            live=sum(1 for job in self.in_flight if self.worst[job]),
            squeezed=squeezed,
        )

    def resolve(self) -> ReportState:
        state = self.state()
        if is_stuck(state):
            first = state.rows[0]
            worst = {
                job.model_id: self.worst[job]
                for job in self.waiting
                if (job.run_index, job.image_index) == first.key and self.worst[job]
            }
            squeezed = not first.begun and may_squeeze(state.purse, worst, self.dearest)
            state = self.state(squeezed=squeezed)
            if is_stuck(state):
                lost = {job for job in self.waiting if self.worst[job]}
                self.cut |= lost
                self.waiting -= lost
        return self.state(squeezed=state.squeezed)

    def start(self, job: JobKey) -> None:
        self.waiting.remove(job)
        self.in_flight.add(job)
        self.begun.add((job.run_index, job.image_index))
        self.reserved += self.worst[job]
        assert self.spent + self.reserved <= CEILING

    def end(self, job: JobKey, how: str, share: Decimal) -> None:
        self.in_flight.remove(job)
        self.reserved -= self.worst[job]
        bill = {"answer": self.worst[job] * share, "unbilled": Decimal(0)}.get(how, self.worst[job])
        self.spent += bill
        self.calls[job] += 1
        if bill:
            self.dearest[job.model_id] = max(bill, self.dearest.get(job.model_id, Decimal(0)))
        if how == "answer" or self.calls[job] >= MAX_CALLS:
            self.measured.add(job)
        else:
            self.waiting.add(job)

    @property
    def jobs_left(self) -> int:
        return len(self.waiting) + len(self.in_flight)


def play(ledgers, models, slots, chance, *, failing=0.1, share=lambda chance: Decimal(0)):
    """Play to the end; return how many jobs of each report were in flight at each step."""
    for _ in range(20_000):
        states = [ledger.resolve() for ledger in ledgers]
        by_id = {ledger.report_id: ledger for ledger in ledgers}
        model_states = [
            ModelState(
                model,
                slots,
                {
                    ledger.report_id: sum(job.model_id == model for job in ledger.in_flight)
                    for ledger in ledgers
                },
                {ledger.report_id: next_jobs(ledger, model) for ledger in ledgers},
            )
            for model in models
        ]
        for candidate in plan(states, model_states):
            by_id[candidate.job.report_id].start(candidate.job)
        for model in models:
            in_flight = [sum(job.model_id == model for job in ledger.in_flight) for ledger in ledgers]
            assert sum(in_flight) <= slots + len(ledgers) - 1, "one each, whoever holds the slots"
        running = [(ledger, job) for ledger in ledgers for job in sorted(ledger.in_flight)]
        if not running:
            break
        ledger, job = chance.choice(running)
        how = "answer" if chance.random() >= failing else chance.choice(["unbilled", "unknown"])
        ledger.end(job, how, share(chance))
    assert all(ledger.jobs_left == 0 for ledger in ledgers), "every job ends"


def next_jobs(ledger: Ledger, model: str) -> list[Candidate]:
    own = [job for job in ledger.waiting if job.model_id == model]
    own.sort(key=lambda job: (job.run_index, job.image_index))
    return [Candidate(job, ledger.worst[job]) for job in own]


def a_report(number: int, prices: list[Decimal], images: int, runs: int) -> Ledger:
    report_id = UUID(int=number)
    worst = {
        JobKey(report_id, f"m{model}", image, run): price
        for model, price in enumerate(prices)
        for image in range(images)
        for run in range(runs)
    }
    return Ledger(report_id, worst, waiting=set(worst))


prices = st.lists(st.one_of(st.just(Decimal(0)), st.decimals("0.001", "3", places=3)), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(prices=prices, images=st.integers(1, 4), reports=st.integers(1, 3), seed=st.integers(0, 10_000))
def test_every_job_ends_within_slots_and_budget_whatever_calls_do(prices, images, reports, seed):
    ledgers = [a_report(number, prices, images, 3) for number in range(reports)]
    chance = random.Random(seed)
    models = [f"m{model}" for model in range(len(prices))]
    play(ledgers, models, 6, chance, share=lambda chance: Decimal(str(round(chance.random(), 3))))
    for ledger in ledgers:
        assert len(ledger.measured) + len(ledger.cut) == len(ledger.worst)
        assert not any(ledger.worst[job] == 0 for job in ledger.cut), "free models are never cut"
        assert ledger.spent <= CEILING
        assert ledger.reserved == 0


@settings(max_examples=60, deadline=None)
@given(
    prices=st.lists(st.decimals("0.3", "1", places=2), min_size=2, max_size=5),
    share=st.decimals("0.5", "1", places=2),
    seed=st.integers(0, 10_000),
)
def test_when_the_budget_binds_every_model_has_the_same_rows(prices, share, seed):
    ledger = a_report(1, prices, 10, 3)
    play(
        [ledger],
        [f"m{model}" for model in range(len(prices))],
        6,
        random.Random(seed),
        failing=0,
        share=lambda _: share,
    )
    rows_of = {
        f"m{model}": {
            (job.run_index, job.image_index) for job in ledger.measured if job.model_id == f"m{model}"
        }
        for model in range(len(prices))
    }
    assert len({frozenset(rows) for rows in rows_of.values()}) == 1
    assert ledger.cut, "these prices are too high for thirty runs a model"
    assert ledger.measured


def test_a_slow_model_does_not_hold_the_others_up():
    ledger = a_report(1, [Decimal("0.01")] * 3, 10, 3)
    for _ in range(100):
        state = ledger.resolve()
        models = [
            ModelState(
                f"m{model}",
                6,
                {ledger.report_id: sum(job.model_id == f"m{model}" for job in ledger.in_flight)},
                {ledger.report_id: next_jobs(ledger, f"m{model}")},
            )
            for model in range(3)
        ]
        for candidate in plan([state], models):
            ledger.start(candidate.job)
        for job in sorted(ledger.in_flight):
            if job.model_id != "m0":
                ledger.end(job, "answer", Decimal("0.1"))
    assert Counter(job.model_id for job in ledger.measured) == {"m1": 30, "m2": 30}
