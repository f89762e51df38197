"""Holding back a model's calls: a 429 belongs to the model, not to the job."""

import asyncio
import time
from collections import deque
from typing import NamedTuple

from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.errors import HeldBackError, StoppedWaitingError
from modelpick_model_worker.metrics import CONCURRENCY, GATE_CLOSED, IN_FLIGHT, WAITING


class Ticket(NamedTuple):
    """A call's place in flight: after which 429 it began, and whether it probes a gate that was closed."""

    era: int
    probes: bool


class ModelGate:
    """Admits a model's calls, in the order in which they ask.

    At most `limit` are in flight: the prefetch, halved by a 429 and grown by one after as many successes as
    it is. A 429 also closes the gate for a time; then one call probes, and the others wait for its success.
    Calls that were in flight together when the limit was hit count as one 429.
    """

    def __init__(self, model_id: str, prefetch: int, backoff: Backoff) -> None:
        self._prefetch = prefetch
        self._backoff = backoff
        self._limit = prefetch
        self._in_flight = 0
        self._successes = 0
        self._limited_in_a_row = 0
        self._era = 0
        self._opens_at_s = 0.0
        self._on_trial = False
        self._probing = False
        self._waiting: deque[asyncio.Future[Ticket]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._stopped_for_good = False
        self.stopped = asyncio.Event()
        self._gauge = CONCURRENCY.labels(model=model_id)
        self._gauge.set(self._limit)
        GATE_CLOSED.labels(model=model_id).set_function(lambda: float(self.closed_for_s > 0))
        IN_FLIGHT.labels(model=model_id).set_function(lambda: float(self._in_flight))
        WAITING.labels(model=model_id).set_function(lambda: float(len(self._waiting)))

    @property
    def limit(self) -> int:
        """The most calls in flight at present."""
        return self._limit

    @property
    def closed_for_s(self) -> float:
        return max(0.0, self._opens_at_s - time.monotonic())

    async def enter(self, *, within_s: float, stopped: asyncio.Event) -> Ticket:
        """Wait for a place, at the end of the line; `leave` must follow.

        Raises HeldBackError when there is or will be none in time, StoppedWaitingError once `stopped`, which
        is this gate's event as it was when the job began, is set.
        """
        if stopped.is_set():
            raise StoppedWaitingError
        if not self._waiting and self._has_place(time.monotonic()):
            return self._admit()
        if self.closed_for_s > within_s:
            raise HeldBackError(self.closed_for_s)
        return await self._wait(within_s)

    def limited(self, ticket: Ticket, retry_after_s: float | None) -> None:
        """Close: the call of `ticket` got a 429."""
        closed_s = retry_after_s or 0.0
        if ticket.era == self._era:
            self._era += 1
            self._limited_in_a_row += 1
            self._on_trial = True
            self._resize(max(1, self._limit // 2))
            closed_s = max(closed_s, self._backoff.wait_s(self._limited_in_a_row))
        self._opens_at_s = max(self._opens_at_s, time.monotonic() + closed_s)

    def succeeded(self, ticket: Ticket) -> None:
        """Take note that the call of `ticket` was answered; one from before a 429 says nothing."""
        if ticket.era != self._era:
            return
        self._on_trial = False
        self._limited_in_a_row = 0
        self._successes += 1
        if self._successes >= self._limit:
            self._resize(min(self._limit + 1, self._prefetch))

    def leave(self, ticket: Ticket) -> None:
        """Give the place of `ticket` to the next in line."""
        self._in_flight -= 1
        self._probing = self._probing and not ticket.probes
        self._admit_waiting()

    def stop_waiting(self, *, for_good: bool) -> None:
        """Let the jobs that began until now wait no longer; `for_good`: nor those that begin later."""
        self.stopped.set()
        self._stopped_for_good = self._stopped_for_good or for_good
        if not self._stopped_for_good:
            self.stopped = asyncio.Event()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(StoppedWaitingError())
        self._waiting.clear()

    def _resize(self, limit: int) -> None:
        self._successes = 0
        if limit != self._limit:
            self._limit = limit
            self._gauge.set(limit)

    def _has_place(self, now_s: float) -> bool:
        return (
            self._in_flight < self._limit
            and not (self._on_trial and self._probing)
            and self._opens_at_s <= now_s
        )

    def _admit(self) -> Ticket:
        self._in_flight += 1
        self._probing = self._probing or self._on_trial
        return Ticket(self._era, self._on_trial)

    async def _wait(self, within_s: float) -> Ticket:
        waiter: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._admit_waiting()
        try:
            async with asyncio.timeout(within_s):
                return await waiter
        except TimeoutError:
            self._withdraw(waiter)
            raise HeldBackError(self.closed_for_s) from None
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def _withdraw(self, waiter: asyncio.Future[Ticket]) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)
        elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            self.leave(waiter.result())

    def _admit_waiting(self) -> None:
        # One look at the clock: an event loop may ring early, and a gate that opened between two looks would
        # admit nobody and set no alarm.
        now_s = time.monotonic()
        while self._waiting and self._has_place(now_s):
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(self._admit())
        self._set_alarm(now_s)

    def _set_alarm(self, now_s: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting and self._opens_at_s > now_s:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(self._opens_at_s - now_s, self._admit_waiting)
