"""Every call, as the model API saw it: what the outside can be checked against."""

import json
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO


@dataclass(slots=True)
class Call:
    """One call; times are seconds since 1970. `cost_usd` is what is billed, answered or not."""

    n: int
    received_at: float
    model: str = ""
    user: str = ""
    image_sha256: str = ""
    run: int | None = None
    attempt: int | None = None
    generation_id: str | None = None
    finished_at: float | None = None
    status: int | None = None
    outcome: str = "in_flight"
    cost_usd: Decimal = Decimal(0)
    in_flight_of_model: int = 0
    max_price: dict[str, Any] | None = None
    cancelled: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"cost_usd": float(self.cost_usd)}


@dataclass
class Journal:
    file: TextIO | None = None
    calls: list[Call] = field(default_factory=list)
    max_in_flight: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    cost_usd: Decimal = Decimal(0)

    def received(self) -> Call:
        call = Call(n=len(self.calls) + 1, received_at=time.time())
        self.calls.append(call)
        return call

    def started(self, call: Call, *, model: str, user: str, max_price: dict[str, Any] | None) -> None:
        call.model, call.user, call.max_price = model, user, max_price
        self.in_flight[model] += 1
        call.in_flight_of_model = self.in_flight[model]
        self.max_in_flight[model] = max(self.max_in_flight[model], self.in_flight[model])

    def finished(self, call: Call) -> None:
        call.finished_at = time.time()
        self.cost_usd += call.cost_usd
        if call.in_flight_of_model:
            self.in_flight[call.model] -= 1
        if self.file is not None:
            self.file.write(json.dumps(call.as_json()) + "\n")

    def selected(self, *, model: str | None = None, user: str | None = None) -> list[Call]:
        return [each for each in self.calls if model in {None, each.model} and user in {None, each.user}]

    def reset(self) -> None:
        self.calls.clear()
        self.max_in_flight = Counter(self.in_flight)
        self.cost_usd = Decimal(0)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def open_journal(path: Path | None) -> Journal:
    # One line a write, so that another process can follow the file.
    return Journal(path.open("a", buffering=1) if path else None)


def costs_by_user(calls: list[Call]) -> dict[str, float]:
    costs: defaultdict[str, Decimal] = defaultdict(Decimal)
    for call in calls:
        costs[call.user] += call.cost_usd
    return {user: float(cost) for user, cost in costs.items()}
