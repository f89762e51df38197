from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail as it is sent, the same at every attempt. `key` is its idempotency key."""

    key: str
    message_id: str
    recipient: str
    subject: str
    text: str
    html: str


class MailTransport(Protocol):
    """Hands mails to a mail service."""

    async def send(self, mail: OutgoingMail) -> None:
        """Return once the service has taken the mail. Raises MailUnavailableError, MailRefusedError."""

    async def close(self) -> None:
        """Give back what the transport holds."""
