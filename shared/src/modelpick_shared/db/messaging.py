"""Tables of what goes out: broker messages and mails."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from modelpick_shared.db.base import Base
from modelpick_shared.ids import new_id


class OutboxMessage(Base):
    """A message to publish, committed with the change that it tells of.

    `source` names the service that wrote it, and only that service relays it. `erase_body` removes the body
    once it is sent, for messages that carry a secret.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_unsent", "source", "id", postgresql_where=text("sent_at IS NULL")),
        Index("ix_outbox_sent_at", "sent_at", postgresql_where=text("sent_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str]
    exchange: Mapped[str]
    routing_key: Mapped[str]
    type: Mapped[str]
    correlation_id: Mapped[UUID | None]
    body: Mapped[str | None]
    headers: Mapped[dict[str, Any]]
    erase_body: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]


class Email(Base):
    """A mail to send once. `key` is its idempotency key; texts that hold a token are erased once sent.

    `uncertain_since` is the first attempt of which nobody knows whether the mail was taken. A mail for which
    that is too long ago to repeat it safely is `unknown` and waits for an operator. `provider_id` is the mail
    service's own id, and `delivery` the gravest thing that the service has told of the mail since.
    """

    __tablename__ = "emails"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'sent', 'failed', 'unknown')", name="state"),
        CheckConstraint(
            "delivery IN ('delayed', 'delivered', 'failed', 'suppressed', 'bounced', 'complained')",
            name="delivery",
        ),
        Index("ix_emails_pending", "next_attempt_at", postgresql_where=text("state = 'pending'")),
        Index("ix_emails_message_id", "message_id"),
        Index("ix_emails_provider_id", "provider_id", postgresql_where=text("provider_id IS NOT NULL")),
        Index("ix_emails_report_id", "report_id", postgresql_where=text("report_id IS NOT NULL")),
        Index("ix_emails_ended", "created_at", postgresql_where=text("state IN ('sent', 'failed')")),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    template: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    text_body: Mapped[str | None]
    html_body: Mapped[str | None]
    erase_body: Mapped[bool] = mapped_column(default=False)
    report_id: Mapped[UUID | None]
    message_id: Mapped[str]
    sender: Mapped[str | None]
    state: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None]
    uncertain_since: Mapped[datetime | None]
    provider_id: Mapped[str | None]
    delivery: Mapped[str | None]
    delivery_detail: Mapped[str | None]
    delivery_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]


class EmailEvent(Base):
    """The inbox of what the mail service tells of mails: one row an event, however often it is delivered."""

    __tablename__ = "email_events"
    __table_args__ = (Index("ix_email_events_received_at", "received_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    email_key: Mapped[str] = mapped_column(ForeignKey("emails.key", ondelete="CASCADE"), index=True)
    type: Mapped[str]
    detail: Mapped[str | None]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
