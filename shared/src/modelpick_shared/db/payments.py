"""Tables of orders and payments. Checkout opens orders; the webhook service writes all else here."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from modelpick_shared.db.base import Base
from modelpick_shared.ids import new_id


class Order(Base):
    """One intent to pay for one draft; its id is Stripe's idempotency key.

    `open`: may be paid; `paid`: settled; `expired` and `cancelled`: will not be paid any more;
    `problem`: paid, but in a way that nobody can fulfil (wrong amount, currency or mode).
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'paid', 'expired', 'cancelled', 'problem')", name="status"),
        Index("uq_orders_open_draft", "draft_id", unique=True, postgresql_where=text("status = 'open'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    draft_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(default="open")
    amount_cents: Mapped[int]
    currency: Mapped[str] = mapped_column(default="usd")
    snapshot: Mapped[dict[str, Any]]
    stripe_session_id: Mapped[str | None] = mapped_column(unique=True)
    session_url: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StripeEvent(Base):
    """The inbox of Stripe's events: one row an event, however often it is delivered."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    session_id: Mapped[str | None] = mapped_column(index=True)
    problem: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Refund(Base):
    """Money given back for an order, at most once a payment."""

    __tablename__ = "refunds"

    payment_intent_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), index=True)
    amount_cents: Mapped[int]
    reason: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
