"""Which report gets a model's free slots. Pure: counts in, counts out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

Reports = Mapping[UUID, int]


@dataclass(frozen=True)
class ModelLoad:
    """A model's jobs in flight and waiting, by report; `slots` bounds the jobs in flight of all reports."""

    model_id: str
    slots: int
    in_flight: Reports = field(default_factory=dict)
    waiting: Reports = field(default_factory=dict)


def share_slots(load: ModelLoad, order: list[UUID], room: dict[UUID, int]) -> dict[UUID, int]:
    """Return how many jobs of the model to dispatch for each report.

    A slot goes to the report with the fewest jobs in flight at the model, the older one (`order`) when equal,
    and every report may have one, so that none starves. `room` is how many more jobs each report may have in
    flight over all models; it is counted down.
    """
    in_flight = {report: load.in_flight.get(report, 0) for report in order}
    given = dict.fromkeys(order, 0)
    free = load.slots - sum(load.in_flight.values())
    while takers := [
        report for report in order if load.waiting.get(report, 0) > given[report] and room[report]
    ]:
        report = min(takers, key=in_flight.__getitem__)
        if free <= 0 and in_flight[report] > 0:
            break
        given[report] += 1
        in_flight[report] += 1
        room[report] -= 1
        free -= 1
    return {report: count for report, count in given.items() if count}
