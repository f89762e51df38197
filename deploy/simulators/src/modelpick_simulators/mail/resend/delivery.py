"""Webhooks: signed as Svix does, posted, and repeated until somebody takes them."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets as random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
MOST_ATTEMPTS = 100
_log = logging.getLogger(__name__)


@dataclass
class Event:
    """One event; its id is the same at every delivery."""

    type: str
    body: dict[str, Any]
    id: str = field(default_factory=lambda: f"msg_{random.token_hex(14)}")
    statuses: list[int | None] = field(default_factory=list)


def signature_header(body: bytes, secrets: Sequence[str], *, event_id: str, timestamp: int) -> str:
    """Sign as Svix does: HMAC-SHA256 over `{id}.{timestamp}.{body}`, one `v1` a secret."""
    signed = f"{event_id}.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    digests = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    return " ".join(f"v1,{digest}" for digest in digests)


class Deliverer:
    """Posts events to the webhook address.

    While `held`, events wait for `release`. Each goes out `copies` times, `delay_ms` late.
    """

    def __init__(
        self, client: httpx.AsyncClient, *, url: str, secrets: Sequence[str], clock: Callable[[], float]
    ) -> None:
        self.url = url
        self.copies = 1
        self.delay_ms = 0
        self.events: dict[str, Event] = {}
        self._client = client
        self._secrets = secrets
        self._clock = clock
        self._held: list[Event] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def held(self) -> bool:
        return self._held is not None

    def submit(self, event: Event) -> None:
        self.events[event.id] = event
        if self._held is not None:
            self._held.append(event)
        elif self.url and self._secrets:
            for _ in range(self.copies):
                self._start(event)

    def hold(self) -> None:
        self._held = self._held or []

    def release(self, *, newest_first: bool = False) -> None:
        waiting, self._held = self._held or [], None
        for event in reversed(waiting) if newest_first else waiting:
            self.submit(event)

    async def redeliver(self, event: Event, *, times: int, concurrent: bool) -> list[int | None]:
        """Post an event again, whatever became of it before; None stands for no answer."""
        if concurrent:
            return list(await asyncio.gather(*(self._attempt(event) for _ in range(times))))
        return [await self._attempt(event) for _ in range(times)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, event: Event) -> None:
        task = asyncio.create_task(self._deliver_until_taken(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver_until_taken(self, event: Event) -> None:
        await asyncio.sleep(self.delay_ms / 1000)
        pause_s = FIRST_PAUSE_S
        for _ in range(MOST_ATTEMPTS):
            status = await self._attempt(event)
            if status is not None and httpx.codes.is_success(status):
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        _log.warning("gave up %s %s after %d attempts", event.type, event.id, MOST_ATTEMPTS)

    async def _attempt(self, event: Event) -> int | None:
        status = await self._post(event)
        event.statuses.append(status)
        _log.info("%s %s: %s", event.type, event.id, status)
        return status

    async def _post(self, event: Event) -> int | None:
        body, now = json.dumps(event.body).encode(), int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "svix-id": event.id,
            "svix-timestamp": str(now),
            "svix-signature": signature_header(body, self._secrets, event_id=event.id, timestamp=now),
        }
        try:
            return (await self._client.post(self.url, content=body, headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
