"""The limit of requests a second, with the headers that tell of it."""

import math
from collections import deque
from collections.abc import Callable

from modelpick_simulators.mail.resend.errors import ResendError

WINDOW_S = 1.0


class RateLimit:
    """At most `per_second` requests in any second; 0 turns it off."""

    def __init__(self, per_second: int, clock: Callable[[], float]) -> None:
        self.per_second = per_second
        self._clock = clock
        self._recent: deque[float] = deque()

    def take(self) -> dict[str, str]:
        """Count a request and return its headers. Raises ResendError when it is one too many."""
        if not self.per_second:
            return {}
        now = self._clock()
        while self._recent and self._recent[0] <= now - WINDOW_S:
            self._recent.popleft()
        if len(self._recent) >= self.per_second:
            raise ResendError("rate_limit_exceeded", headers={**self._headers(now), "retry-after": "1"})
        self._recent.append(now)
        return self._headers(now)

    def _headers(self, now: float) -> dict[str, str]:
        oldest = self._recent[0] if self._recent else now
        return {
            "ratelimit-limit": str(self.per_second),
            "ratelimit-remaining": str(self.per_second - len(self._recent)),
            "ratelimit-reset": str(math.ceil(oldest + WINDOW_S - now)),
        }
