_FIRST_S = 0.2
_LONGEST_S = 10.0
# Longer than the longest delay: a part killed again and again, but after it ran well, starts at once.
_HEALTHY_S = 12.0


class BackOff:
    """How long to wait before a crashed part starts again: doubling, and forgotten after a healthy while."""

    def __init__(self) -> None:
        self._next_s = _FIRST_S

    def after(self, lived_s: float) -> float:
        if lived_s >= _HEALTHY_S:
            self._next_s = _FIRST_S
        delay_s = self._next_s
        self._next_s = min(delay_s * 2, _LONGEST_S)
        return delay_s
