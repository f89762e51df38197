import time
from collections import OrderedDict
from collections.abc import Callable

PAUSE_S = 10.0
MOST_REMEMBERED = 1000


class Nudges:
    """Which sessions the webhook service was told of lately, so that a waiting page does not repeat it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent_at: OrderedDict[str, float] = OrderedDict()

    def due(self, session_id: str) -> bool:
        sent_at = self._sent_at.get(session_id)
        return sent_at is None or self._clock() - sent_at >= PAUSE_S

    def sent(self, session_id: str) -> None:
        self._sent_at[session_id] = self._clock()
        self._sent_at.move_to_end(session_id)
        while len(self._sent_at) > MOST_REMEMBERED:
            self._sent_at.popitem(last=False)
