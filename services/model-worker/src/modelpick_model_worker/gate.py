import asyncio
import time


class ModelGate:
    """Holds back a model's calls while it is rate limited: a 429 belongs to the model, not to the job."""

    def __init__(self) -> None:
        self._opens_at_s = 0.0

    def close_for(self, seconds: float) -> None:
        """Keep the gate closed for that long, or for as long as it already is if that is longer."""
        self._opens_at_s = max(self._opens_at_s, time.monotonic() + seconds)

    @property
    def closed_for_s(self) -> float:
        return max(0.0, self._opens_at_s - time.monotonic())

    async def wait(self) -> None:
        """Return when the gate is open; it may be closed again while one waits."""
        while (remaining_s := self.closed_for_s) > 0:  # noqa: ASYNC110 - it waits for a time, not an event
            await asyncio.sleep(remaining_s)
