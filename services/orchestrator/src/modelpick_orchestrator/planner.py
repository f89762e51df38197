"""Which jobs start now. Pure: counts and money in, jobs out.

The budget is spent in rows: a row is one run of one image by all paid models of a report, and rows come in
the order of runs, then images. A row is begun only when its worst case, and that of all that waits before
it, fits under the soft ceiling, so that a report which is cut short has the same images for every model.
What a begun row still needs, for instance for retries, may use the money up to the hard ceiling.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from heapq import heapify, heappop, heappush
from typing import NamedTuple
from uuid import UUID

from modelpick_shared.contracts import JobKey

# A model's next call is expected to cost no more than this times its dearest one so far.
EXPECTED_OVER_DEAREST = Decimal("1.25")

RowKey = tuple[int, int]


class Candidate(NamedTuple):
    """A job that may start now, what it can cost at most, and the calls that were made for it before."""

    job: JobKey
    worst_case_usd: Decimal
    calls: int = 0

    @property
    def row(self) -> RowKey:
        return self.job.run_index, self.job.image_index


class Row(NamedTuple):
    """What the waiting paid jobs of a row can cost at most, all together and the cheapest one.

    `begun`: a job of the row was dispatched before.
    """

    key: RowKey
    waiting_usd: Decimal
    cheapest_usd: Decimal
    begun: bool


@dataclass(frozen=True)
class Purse:
    """The money of a report, in USD."""

    spent_usd: Decimal
    reserved_usd: Decimal
    ceiling_usd: Decimal
    soft_ceiling_usd: Decimal
    over_ceiling: bool = False

    @property
    def closed(self) -> bool:
        """Nothing new starts any more."""
        return self.over_ceiling or self.spent_usd >= self.soft_ceiling_usd

    def left_usd(self, *, begun: bool) -> Decimal:
        limit = self.ceiling_usd if begun else self.soft_ceiling_usd
        return limit - self.spent_usd - self.reserved_usd


@dataclass(frozen=True)
class ReportState:
    """A running report: `rows` are those with waiting paid jobs, in order; `live` its paid jobs in flight.

    `room` is how many more jobs it may have in flight over all models. `halted` reports start no paid job.
    `squeezed` ones may begin their next row although its worst case does not fit as a whole.
    """

    report_id: UUID
    purse: Purse
    rows: Sequence[Row] = ()
    live: int = 0
    room: int = 1_000_000
    halted: bool = False
    squeezed: bool = False


@dataclass(frozen=True)
class ModelState:
    """A model's slots, its jobs in flight and its next jobs, in their order, by report."""

    model_id: str
    slots: int
    in_flight: Mapping[UUID, int] = field(default_factory=dict)
    waiting: Mapping[UUID, Sequence[Candidate]] = field(default_factory=dict)


class Opening(NamedTuple):
    """Which paid jobs of a report the budget lets start.

    All jobs of rows up to `through`; or single jobs of the row `piecemeal` as long as they fit.
    """

    through: RowKey | None = None
    piecemeal: RowKey | None = None


def opening(report: ReportState) -> Opening:
    """Return what the report's budget lets start now."""
    if report.halted or report.purse.closed or not report.rows:
        return Opening()
    through = _last_affordable(report)
    if through is not None:
        return Opening(through=through)
    first = report.rows[0]
    return Opening(piecemeal=first.key if first.begun or report.squeezed else None)


def _last_affordable(report: ReportState) -> RowKey | None:
    needed = Decimal(0)
    through = None
    for row in report.rows:
        needed += row.waiting_usd
        if needed > report.purse.left_usd(begun=row.begun):
            break
        through = row.key
    return through


def is_stuck(report: ReportState, started: Iterable[Candidate] = ()) -> bool:
    """Say whether paid jobs wait for money that nothing can set free.

    `started` are the jobs that the plan starts now.
    """
    if report.halted or not report.rows or report.live:
        return False
    if any(candidate.worst_case_usd for candidate in started):
        return False
    through, piecemeal = opening(report)
    if piecemeal is not None:
        return report.rows[0].cheapest_usd > report.purse.left_usd(begun=True)
    return through is None


def may_squeeze(
    purse: Purse, worst_cases_usd: Mapping[str, Decimal], dearest_usd: Mapping[str, Decimal]
) -> bool:
    """Say whether a row whose worst case does not fit can be expected to fit, by what calls cost so far.

    Both mappings are by model. A report that has paid for nothing yet may always try, job by job.
    """
    if purse.closed or not worst_cases_usd:
        return False
    left_usd = purse.left_usd(begun=True)
    if not dearest_usd:
        return min(worst_cases_usd.values()) <= left_usd
    expected_usd = sum(
        (
            min(worst_case, dearest_usd.get(model_id, worst_case) * EXPECTED_OVER_DEAREST)
            for model_id, worst_case in worst_cases_usd.items()
        ),
        Decimal(0),
    )
    return (
        expected_usd <= purse.left_usd(begun=False)
        and expected_usd + max(worst_cases_usd.values()) <= left_usd
    )


def plan(reports: Sequence[ReportState], models: Sequence[ModelState]) -> list[Candidate]:
    """Return the jobs to start, best first.

    A slot goes to the report with the fewest jobs in flight at its model, the older one (the order of
    `reports`) when equal; every report may have one job at a model, so that none starves. Among the models
    the one with the fewest jobs in flight, then the earliest row comes first.
    """
    return _Plan(reports, models).make()


class _Plan:
    def __init__(self, reports: Sequence[ReportState], models: Sequence[ModelState]) -> None:
        self._order = {report.report_id: position for position, report in enumerate(reports)}
        self._openings = {report.report_id: opening(report) for report in reports}
        self._left_usd = {report.report_id: report.purse.left_usd(begun=True) for report in reports}
        self._room = {report.report_id: report.room for report in reports}
        self._in_flight = {model.model_id: dict(model.in_flight) for model in models}
        self._free = {model.model_id: model.slots - sum(model.in_flight.values()) for model in models}
        self._next = {
            (model.model_id, report_id): iter(candidates)
            for model in models
            for report_id, candidates in model.waiting.items()
            if report_id in self._order
        }
        self._heads = {pair: next(queue, None) for pair, queue in self._next.items()}

    def make(self) -> list[Candidate]:
        picked = []
        # A pair that may not start its head will not later in this plan either: slots and money only shrink.
        heap = [self._urgency(*pair) for pair in self._next if self._heads[pair]]
        heapify(heap)
        while heap:
            *_, model_id, report_id = heappop(heap)
            if self._may_start(model_id, report_id):
                picked.append(self._take(model_id, report_id))
                if self._heads[model_id, report_id]:
                    heappush(heap, self._urgency(model_id, report_id))
        return picked

    def _urgency(self, model_id: str, report_id: UUID) -> tuple[int, RowKey, int, str, UUID]:
        in_flight = self._in_flight[model_id].get(report_id, 0)
        return in_flight, self._head(model_id, report_id).row, self._order[report_id], model_id, report_id

    def _head(self, model_id: str, report_id: UUID) -> Candidate:
        head = self._heads[model_id, report_id]
        if head is None:
            raise LookupError(f"no job of {model_id} waits")
        return head

    def _may_start(self, model_id: str, report_id: UUID) -> bool:
        in_flight = self._in_flight[model_id].get(report_id, 0)
        if self._room[report_id] <= 0 or (self._free[model_id] <= 0 and in_flight > 0):
            return False
        head = self._head(model_id, report_id)
        return not head.worst_case_usd or self._affords(report_id, head)

    def _affords(self, report_id: UUID, head: Candidate) -> bool:
        through, piecemeal = self._openings[report_id]
        if head.worst_case_usd > self._left_usd[report_id]:
            return False
        return (through is not None and head.row <= through) or head.row == piecemeal

    def _take(self, model_id: str, report_id: UUID) -> Candidate:
        candidate = self._head(model_id, report_id)
        self._heads[model_id, report_id] = next(self._next[model_id, report_id], None)
        in_flight = self._in_flight[model_id]
        in_flight[report_id] = in_flight.get(report_id, 0) + 1
        self._free[model_id] -= 1
        self._room[report_id] -= 1
        self._left_usd[report_id] -= candidate.worst_case_usd
        return candidate
