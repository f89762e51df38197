"""Numbers that look random and are the same every time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")
EVERY_RUN = -1


@dataclass(frozen=True)
class Draws:
    """Draws for one run of a model on an image; with `EVERY_RUN`, for all its runs alike."""

    model: str
    image: str
    run: int = EVERY_RUN

    def number(self, purpose: str) -> float:
        """Draw from [0, 1)."""
        seed = f"{self.model}|{self.image}|{self.run}|{purpose}".encode()
        return int.from_bytes(hashlib.sha256(seed).digest()[:6]) / 2**48

    def between(self, purpose: str, least: int, most: int) -> int:
        return least + int(self.number(purpose) * (most - least + 1))

    def pick(self, purpose: str, choices: Sequence[_T]) -> _T:
        return choices[int(self.number(purpose) * len(choices))]

    def shuffled(self, purpose: str, choices: Sequence[_T]) -> list[_T]:
        order = sorted(range(len(choices)), key=lambda position: self.number(f"{purpose}|{position}"))
        return [choices[position] for position in order]

    def happens(self, purpose: str, shares: dict[str, float]) -> str | None:
        """Draw at most one of several things, each with its share of all cases."""
        drawn = self.number(purpose)
        for name, share in shares.items():
            if drawn < share:
                return name
            drawn -= share
        return None
