"""Idempotency keys: the first answer is the answer."""

import json
from dataclasses import dataclass
from typing import Any

from modelpick_simulators.stripe.errors import StripeError
from modelpick_simulators.stripe.store import Clock

KEPT_S = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True)
class Answer:
    """What a key was first answered; `fingerprint` tells its request from others."""

    fingerprint: str
    body: bytes
    stored_at: float
    status: int


class IdempotencyKeys:
    """Answers by key, failures of Stripe's own among them.

    A refusal is not stored, as at Stripe: a mended request may use the key again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: dict[str, Answer] = {}

    def replay(self, key: str, path: str, form: dict[str, Any]) -> Answer | None:
        """Return the first answer, or None for a new key. Raises StripeError when the request differs."""
        if len(key) > LONGEST_KEY:
            raise StripeError(
                "The idempotency key is too long: 255 characters at most.", kind="idempotency_error"
            )
        answer = self._answers.get(key)
        if answer is None or answer.stored_at + KEPT_S < self._clock():
            return None
        if answer.fingerprint != _fingerprint(path, form):
            message = (
                "Keys for idempotent requests can only be used with the same parameters "
                f"they were first used with. Try using a key other than '{key}' if you meant to execute "
                "a different request."
            )
            raise StripeError(message, kind="idempotency_error")
        return answer

    def store(self, key: str, path: str, form: dict[str, Any], body: bytes, *, status: int = 200) -> None:
        self._answers[key] = Answer(_fingerprint(path, form), body, self._clock(), status)


def _fingerprint(path: str, form: dict[str, Any]) -> str:
    return json.dumps([path, form], sort_keys=True)
