"""What became of mails after they were sent, as the mail service tells."""

from enum import StrEnum

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from modelpick_notifier import repository
from modelpick_notifier.schemas import Event
from modelpick_shared.db.tables import Email

log = structlog.get_logger()

# From the least grave to the gravest: what comes late or twice never hides something graver.
KEPT = {
    "email.delivery_delayed": "delayed",
    "email.delivered": "delivered",
    "email.failed": "failed",
    "email.suppressed": "suppressed",
    "email.bounced": "bounced",
    "email.complained": "complained",
}
_GRAVITY = {delivery: gravity for gravity, delivery in enumerate(KEPT.values())}
_GRAVE = frozenset({"failed", "suppressed", "bounced", "complained"})


class Result(StrEnum):
    """What taking an event did."""

    RECORDED = "recorded"
    REPEATED = "repeated"
    UNKNOWN_MAIL = "unknown_mail"
    IGNORED = "ignored"


async def record(session: AsyncSession, event_id: str, event: Event, *, domain: str) -> Result:
    """Keep an event of a type in `KEPT` with its mail; one that was kept before changes nothing."""
    tag = event.data.mail_tag
    mail = await repository.lock_told_of(
        session, message_id=f"<{tag}@{domain}>" if tag else None, provider_id=event.data.email_id
    )
    if mail is None:
        return Result.UNKNOWN_MAIL
    if not await _is_new(session, event_id, mail, event):
        return Result.REPEATED
    _write(mail, event)
    return Result.RECORDED


async def _is_new(session: AsyncSession, event_id: str, mail: Email, event: Event) -> bool:
    return await repository.note_event(
        session,
        event_id=event_id,
        key=mail.key,
        event_type=event.type,
        detail=event.data.detail,
        occurred_at=event.created_at,
    )


def _write(mail: Email, event: Event) -> None:
    delivery = KEPT[event.type]
    if mail.delivery is not None and _GRAVITY[delivery] <= _GRAVITY[mail.delivery]:
        return
    mail.delivery, mail.delivery_at, mail.delivery_detail = delivery, event.created_at, event.data.detail
    if delivery in _GRAVE:
        log.warning("mail.undelivered", key=mail.key, delivery=delivery)
