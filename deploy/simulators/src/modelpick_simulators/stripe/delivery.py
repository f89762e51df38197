"""Webhooks: signed, posted, and repeated until somebody takes them."""

import asyncio
import hashlib
import hmac
import json
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from modelpick_simulators.stripe.entities import DeliveryAttempt, Event
from modelpick_simulators.stripe.objects import event_object
from modelpick_simulators.stripe.store import Clock, Store

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# Three days of attempts, as Stripe makes in live mode, at the longest pause.
MOST_ATTEMPTS = 3 * 24 * 3600 // int(LONGEST_PAUSE_S)
_log = logging.getLogger(__name__)


def signature_header(body: bytes, secrets: Sequence[str], *, timestamp: int) -> str:
    """Sign as Stripe does: HMAC-SHA256 over `{timestamp}.{body}`, one `v1` a secret."""
    signed = f"{timestamp}.".encode() + body
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])


@dataclass
class Mishaps:
    """What happens to webhooks on their way.

    `copies`: how often each is delivered; `delay_s`: how long each waits; `shuffle`: for a random part of
    that; `failing`: how many attempts, from now on, are lost as if nobody had listened.
    """

    copies: int = 1
    delay_s: float = 0.0
    shuffle: bool = False
    failing: int = 0

    def wait_s(self) -> float:
        return random.uniform(0, self.delay_s) if self.shuffle else self.delay_s  # noqa: S311

    def lose_one(self) -> bool:
        lost = self.failing > 0
        self.failing -= lost
        return lost


class Deliverer:
    """Posts events to the webhook address; while it is held, events wait for `release`."""

    def __init__(
        self, store: Store, client: httpx.AsyncClient, *, url: str, secrets: Sequence[str], clock: Clock
    ) -> None:
        self.url = url
        self._store = store
        self._client = client
        self._secrets = secrets
        self._clock = clock
        self._held: list[Event] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.mishaps = Mishaps()

    @property
    def held(self) -> bool:
        return self._held is not None

    def submit(self, event: Event) -> None:
        if self._held is not None:
            self._held.append(event)
        elif self.url:
            for _ in range(self.mishaps.copies):
                task = asyncio.create_task(self._deliver_until_taken(event))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def hold(self) -> None:
        self._held = self._held or []

    def release(self, *, newest_first: bool = False) -> None:
        waiting, self._held = self._held or [], None
        for event in reversed(waiting) if newest_first else waiting:
            self.submit(event)

    async def redeliver(self, event: Event, *, times: int, concurrent: bool) -> list[int | None]:
        """Post an event again, whatever became of it before; None stands for no answer."""
        if concurrent:
            attempts = (self._attempt(event, number, manual=True) for number in range(1, times + 1))
            return list(await asyncio.gather(*attempts))
        return [await self._attempt(event, number, manual=True) for number in range(1, times + 1)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver_until_taken(self, event: Event) -> None:
        pause_s = FIRST_PAUSE_S
        await asyncio.sleep(self.mishaps.wait_s())
        for number in range(1, MOST_ATTEMPTS + 1):
            status = await self._attempt(event, number)
            if status is not None and httpx.codes.is_success(status):
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        _log.warning("gave up %s %s after %d attempts", event.type, event.id, MOST_ATTEMPTS)

    async def _attempt(self, event: Event, number: int, *, manual: bool = False) -> int | None:
        started = self._clock()
        status, error = await self._post(event)
        event.delivered = event.delivered or (status is not None and httpx.codes.is_success(status))
        duration_ms = round((self._clock() - started) * 1000, 1)
        attempt = DeliveryAttempt(event.id, event.type, number, started, status, error, duration_ms, manual)
        self._store.add_delivery(attempt)
        _log.info("%s %s attempt %d: %s", event.type, event.id, number, error or status)
        return status

    async def _post(self, event: Event) -> tuple[int | None, str | None]:
        body = json.dumps(event_object(event), indent=2).encode()
        signature = signature_header(body, self._secrets, timestamp=int(self._clock()))
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        if self.mishaps.lose_one():
            return None, "Lost"
        try:
            response = await self._client.post(self.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            return None, type(problem).__name__
        return response.status_code, None
