import random
from typing import NamedTuple

_LARGEST_EXPONENT = 30


class Backoff(NamedTuple):
    """Exponential back-off with equal jitter: between half and all of `base_s * 2 ** (number - 1)`."""

    base_s: float
    max_s: float

    def wait_s(self, number: int) -> float:
        """Return how long to wait after that many failures in a row."""
        full_s = min(self.max_s, self.base_s * 2.0 ** min(max(number - 1, 0), _LARGEST_EXPONENT))
        return full_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
