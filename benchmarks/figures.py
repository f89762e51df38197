"""A benchmark's result: one line for people, one object for programs."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What was measured, its repeats, and the target: `at_most` or `at_least` that."""

    name: str
    values: Sequence[float]
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.at_most is not None:
            return self.median <= self.at_most
        return self.median >= self.at_least if self.at_least is not None else None

    def line(self) -> str:
        spread = f" ({min(self.values):.3g} to {max(self.values):.3g})" if len(self.values) > 1 else ""
        return f"{self.name}: {self.median:.3g} {self.unit}{spread}{self._target()}{self._noted()}"

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "median": self.median,
            "values": list(self.values),
            "unit": self.unit,
            "at_most": self.at_most,
            "at_least": self.at_least,
            "met": self.met,
            **self.notes,
        }

    def _target(self) -> str:
        if self.met is None:
            return ""
        bound = f"<= {self.at_most}" if self.at_most is not None else f">= {self.at_least}"
        return f"; target {bound}: {'met' if self.met else 'MISSED'}"

    def _noted(self) -> str:
        return "".join(f"; {name} {value}" for name, value in self.notes.items())
