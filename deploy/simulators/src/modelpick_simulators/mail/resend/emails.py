"""The mails that were accepted, and their way into the mailbox."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from modelpick_simulators.mail.mailbox import Mailbox
from modelpick_simulators.mail.resend.requests import NewEmail

EPOCH_FORMAT = "%Y-%m-%dT%H:%M:%S.%f"


@dataclass
class AcceptedEmail:
    id: str
    created_at: datetime
    message_id: str
    content: NewEmail
    last_event: str = "queued"

    def as_json(self) -> dict[str, Any]:
        """Return the mail as `GET /emails/{id}` does."""
        return {
            "object": "email",
            "id": self.id,
            "to": self.content.to,
            "from": self.content.sender,
            "created_at": timestamp(self.created_at),
            "subject": self.content.subject,
            "html": self.content.html,
            "text": self.content.text,
            "bcc": self.content.bcc,
            "cc": self.content.cc,
            "reply_to": self.content.reply_to,
            "last_event": self.last_event,
            "scheduled_at": self.content.scheduled_at,
            "tags": [tag.model_dump() for tag in self.content.tags],
        }


@dataclass
class Outgoing:
    """Takes mails, each once, and lays them into the mailbox."""

    mailbox: Mailbox
    emails: dict[str, AcceptedEmail] = field(default_factory=dict)

    def accept(self, content: NewEmail) -> AcceptedEmail:
        email_id = str(uuid.uuid4())
        email = AcceptedEmail(email_id, datetime.now(UTC), f"<{email_id}@resend.simulated>", content)
        self.emails[email_id] = email
        recipients = [parseaddr(each)[1] for each in (*content.to, *content.cc, *content.bcc)]
        self.mailbox.receive(_mime(email).as_bytes(), recipients)
        return email


def timestamp(moment: datetime) -> str:
    """Return a time as Resend writes it."""
    return moment.astimezone(UTC).strftime(EPOCH_FORMAT) + "Z"


def _mime(email: AcceptedEmail) -> EmailMessage:
    content, message = email.content, EmailMessage()
    message["From"], message["To"] = content.sender, ", ".join(content.to)
    message["Subject"] = content.subject
    message["Date"] = format_datetime(email.created_at)
    message["Message-ID"] = email.message_id
    for name, value in content.headers.items():
        message[f"X-Given-{name}"] = value
    message.set_content(content.text or "")
    if content.html is not None:
        message.add_alternative(content.html, subtype="html")
    return message
