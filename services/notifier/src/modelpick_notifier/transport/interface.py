from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail as it is sent, the same at every attempt. `key` is its idempotency key."""

    key: str
    message_id: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    written_at: datetime


class MailTransport(Protocol):
    """Hands mails to a mail service."""

    @property
    def repeatable_for(self) -> timedelta | None:
        """For how long a mail of unknown result may be sent again; None where there is no such limit."""

    async def send(self, mail: OutgoingMail) -> str | None:
        """Return the service's id of the mail, where it has one, once it has taken the mail.

        Raises MailUnavailableError, MailUncertainError, MailRefusedError.
        """

    async def close(self) -> None:
        """Give back what the transport holds."""
