"""The model API's key: when it stops working, and when it works again."""

import asyncio
from typing import Protocol

import structlog

from modelpick_model_worker.backoff import Backoff
from modelpick_model_worker.metrics import KEY_REFUSED, KEY_WORKS
from modelpick_shared.contracts import RunRequested

log = structlog.get_logger()

PROBE_BACKOFF = Backoff(base_s=10.0, max_s=30.0)


class KeyApi(Protocol):
    """Where the key is looked at."""

    async def key_works(self) -> bool:
        """Whether the key is accepted and has credit left; False as well when nobody answers."""


class KeyGuard:
    """Knows whether the key works, and looks again by itself while it does not.

    `changed` is set whenever `works` changes; whoever waits for it clears it.
    """

    def __init__(self, api: KeyApi, *, backoff: Backoff = PROBE_BACKOFF) -> None:
        self._api = api
        self._backoff = backoff
        self._refused = asyncio.Event()
        self._refused_in_a_row = 0
        self._unauthorized = False
        self.works = True
        self.changed = asyncio.Event()
        self._show()

    def stops(self, run: RunRequested) -> bool:
        """Whether a job's call would be refused: paid ones, and free ones too when the key is invalid."""
        return not self.works and (self._unauthorized or _is_paid(run))

    def refuse(self, *, unauthorized: bool) -> None:
        """Take note of a 401 (`unauthorized`) or 402."""
        self._unauthorized = self._unauthorized or unauthorized
        if self.works:
            self._refused_in_a_row += 1
            self._turn(works=False)
            self._refused.set()
        self._show()

    def accept(self, run: RunRequested) -> None:
        """Take note that a job's call was answered; only a paid one says something about the credit."""
        if self._refused_in_a_row and _is_paid(run):
            self._refused_in_a_row = 0

    async def run(self) -> None:
        """Look at the key for as long as it does not work; never ends."""
        while True:
            await self._refused.wait()
            await self._probe()
            self._refused.clear()
            self._unauthorized = False
            self._turn(works=True)

    async def _probe(self) -> None:
        # A key can look well and still be refused: without a paid answer in between the pauses go on growing.
        number = self._refused_in_a_row
        await asyncio.sleep(self._backoff.wait_s(number))
        while not await self._api.key_works():
            number += 1
            await asyncio.sleep(self._backoff.wait_s(number))

    def _turn(self, *, works: bool) -> None:
        self.works = works
        self._show()
        self.changed.set()
        if works:
            log.info("key.works")
        else:
            log.error("key.refused", unauthorized=self._unauthorized)

    def _show(self) -> None:
        KEY_WORKS.set(self.works)
        KEY_REFUSED.labels(reason="unauthorized").set(not self.works and self._unauthorized)
        KEY_REFUSED.labels(reason="no_credit").set(not self.works and not self._unauthorized)


def _is_paid(run: RunRequested) -> bool:
    return run.price_cap.prompt_usd_per_1m > 0 or run.price_cap.completion_usd_per_1m > 0
