"""Idempotency keys: within 24 hours a key stands for one mail (https://resend.com/docs/dashboard/emails/idempotency-keys)."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from modelpick_simulators.mail.resend.errors import ResendError

KEPT_S = 24 * 3600
LONGEST_KEY = 256
Clock = Callable[[], float]


@dataclass
class _Request:
    fingerprint: str
    began_at: float
    email_id: str | None = None


class IdempotencyKeys:
    """What was asked under each key, and the mail that came of it; `clock` tells seconds since 1970."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._requests: dict[str, _Request] = {}

    def begin(self, key: str | None, body: bytes) -> str | None:
        """Return the mail that a key stands for, or None for one to accept now. Raises ResendError."""
        if key is None:
            return None
        if not 1 <= len(key) <= LONGEST_KEY:
            raise ResendError("invalid_idempotency_key")
        fingerprint = hashlib.sha256(body).hexdigest()
        known = self._requests.get(key)
        if known is None or known.began_at + KEPT_S <= self._clock():
            self._requests[key] = _Request(fingerprint, self._clock())
            return None
        if known.fingerprint != fingerprint:
            raise ResendError("invalid_idempotent_request")
        if known.email_id is None:
            raise ResendError("concurrent_idempotent_requests")
        return known.email_id

    def finish(self, key: str | None, email_id: str) -> None:
        if key is not None:
            self._requests[key].email_id = email_id

    def forget(self, key: str | None) -> None:
        """Let a refused request be mended under the same key."""
        if key is not None:
            self._requests.pop(key, None)
