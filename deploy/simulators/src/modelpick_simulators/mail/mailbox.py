"""The mails that came in, newest first."""

import email
import email.policy
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

KEPT_MAILS = 1000


@dataclass(frozen=True)
class Mail:
    id: int
    received_at: datetime
    message_id: str
    sender: str
    recipients: list[str]
    subject: str
    text: str
    html: str
    headers: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "message_id": self.message_id,
            "from": self.sender,
            "to": self.recipients,
            "subject": self.subject,
            "text": self.text,
            "html": self.html,
            "headers": self.headers,
            "received_at": self.received_at.isoformat().replace("+00:00", "Z"),
        }


class Mailbox:
    """Keeps the latest mails; ids go on counting."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=KEPT_MAILS)
        self._last_id = 0

    def receive(self, raw: bytes, recipients: list[str]) -> Mail:
        self._last_id += 1
        mail = _read_mail(self._last_id, raw, recipients)
        self._mails.appendleft(mail)
        return mail

    def mails(self, *, to: str = "", subject: str = "") -> list[Mail]:
        """Select by a part of a recipient's address and a part of the subject, in any case."""
        return [
            mail
            for mail in self._mails
            if to.lower() in ", ".join(mail.recipients).lower() and subject.lower() in mail.subject.lower()
        ]

    def mail(self, mail_id: int) -> Mail | None:
        return next((mail for mail in self._mails if mail.id == mail_id), None)

    def clear(self) -> None:
        self._mails.clear()


def _read_mail(mail_id: int, raw: bytes, recipients: list[str]) -> Mail:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    return Mail(
        id=mail_id,
        received_at=datetime.now(UTC),
        message_id=_header(message, "Message-ID"),
        sender=_header(message, "From"),
        recipients=[_clean(each) for each in recipients],
        subject=_header(message, "Subject"),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        headers={_clean(name): _clean(str(value)) for name, value in message.items()},
    )


def _header(message: EmailMessage, name: str) -> str:
    return _clean(str(message.get(name, "")))


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body(preferencelist=(subtype,))
    if part is None:
        return ""
    try:
        return _clean(str(part.get_content()))
    except LookupError:  # a character set that nobody knows
        return _clean(str(part.get_payload()))


def _clean(text: str) -> str:
    # Bytes outside the declared character set arrive as lone surrogates, which no JSON or page can carry.
    return text.encode("utf-8", "replace").decode()
