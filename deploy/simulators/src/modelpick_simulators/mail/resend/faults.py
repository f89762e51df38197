"""What goes wrong on request: refusals, outages, and answers that never come."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from modelpick_simulators.mail.resend.errors import ResendError

FaultMode = Literal[
    "none",
    "delay",
    "rate_limit",
    "daily_quota",
    "busy",
    "server_error",
    "refuse",
    "invalid_key",
    "error_after_accept",
    "hang_after_accept",
]
_REFUSALS = {
    "rate_limit": "rate_limit_exceeded",
    "daily_quota": "daily_quota_exceeded",
    "busy": "concurrent_idempotent_requests",
    "server_error": "application_error",
    "refuse": "validation_error",
    "invalid_key": "invalid_api_key",
}
HANG_S = 60.0


@dataclass
class Fault:
    """What happens to the next `count` requests; to all of them without a count."""

    mode: FaultMode = "none"
    count: int | None = None
    delay_ms: int = 0
    retry_after_s: int | None = None

    def take(self) -> "Fault":
        """Return what happens to this request."""
        now = Fault(self.mode, None, self.delay_ms, self.retry_after_s)
        if self.count is not None:
            self.count -= 1
            if self.count <= 0:
                self.mode, self.count, self.delay_ms, self.retry_after_s = "none", None, 0, None
        return now

    def refuse(self) -> None:
        """Raise the ResendError of a mode that takes no mail."""
        if self.mode in _REFUSALS:
            after = {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}
            raise ResendError(_REFUSALS[self.mode], headers=after)

    async def before_accepting(self) -> None:
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1000)

    async def after_accepting(self) -> None:
        """Lose the answer to a mail that was taken. Raises ResendError."""
        if self.mode == "hang_after_accept":
            await asyncio.sleep(HANG_S)
        if self.mode in {"error_after_accept", "hang_after_accept"}:
            raise ResendError("application_error")
