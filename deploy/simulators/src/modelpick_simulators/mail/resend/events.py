"""What becomes of accepted mails, and the events that tell of it (https://resend.com/docs/webhooks/event-types)."""

from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any, Literal

from modelpick_simulators.mail.resend.delivery import Event
from modelpick_simulators.mail.resend.emails import AcceptedEmail, timestamp

EventType = Literal[
    "email.sent",
    "email.delivered",
    "email.delivery_delayed",
    "email.bounced",
    "email.complained",
    "email.failed",
    "email.suppressed",
    "email.opened",
]
# Resend's own test addresses (https://resend.com/docs/dashboard/emails/send-test-emails), with any `+label`.
_TEST_DOMAIN = "resend.dev"
_FATES: dict[str, tuple[EventType, ...]] = {
    "delivered": ("email.sent", "email.delivered"),
    "bounced": ("email.sent", "email.bounced"),
    "complained": ("email.sent", "email.delivered", "email.complained"),
    "suppressed": ("email.suppressed",),
}
_DETAILS: dict[str, dict[str, Any]] = {
    "email.bounced": {
        "bounce": {
            "type": "Permanent",
            "subType": "General",
            "message": "The recipient's email provider sent a hard bounce message.",
        }
    },
    "email.failed": {"failed": {"reason": "reached_daily_quota"}},
    "email.suppressed": {
        "suppressed": {
            "type": "OnAccountSuppressionList",
            "message": "The recipient is on the suppression list.",
        }
    },
}


def fate_of(email: AcceptedEmail) -> tuple[EventType, ...]:
    """Return the types of the events that a mail leads to, in order."""
    name, _, domain = parseaddr(email.content.to[0])[1].partition("@")
    fate = name.partition("+")[0] if domain == _TEST_DOMAIN else "delivered"
    return _FATES.get(fate, _FATES["delivered"])


def event_of(email: AcceptedEmail, event_type: EventType) -> Event:
    """Return an event about a mail, which from now on is its last one."""
    email.last_event = event_type.removeprefix("email.")
    data = {
        "created_at": timestamp(email.created_at),
        "email_id": email.id,
        "message_id": email.message_id,
        "from": email.content.sender,
        "to": email.content.to,
        "subject": email.content.subject,
        "tags": {tag.name: tag.value for tag in email.content.tags},
        **_DETAILS.get(event_type, {}),
    }
    return Event(event_type, {"type": event_type, "created_at": timestamp(datetime.now(UTC)), "data": data})
