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
    `problem`: paid, but in a way that nobody can fulfil (wrong amount, currency or mode; a second payment for
    a draft; refunded or disputed before it was fulfilled); the column of that name says why.
    `settled_at`: since when nothing more is expected of Stripe; until then reconciliation looks the order up.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'paid', 'expired', 'cancelled', 'problem')", name="status"),
        Index("uq_orders_open_draft", "draft_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("uq_orders_paid_draft", "draft_id", unique=True, postgresql_where=text("status = 'paid'")),
        Index("ix_orders_unsettled", "id", postgresql_where=text("settled_at IS NULL")),
        Index("ix_orders_payment_intent_id", "payment_intent_id"),
        Index("ix_orders_unpaid", "settled_at", postgresql_where=text("status IN ('expired', 'cancelled')")),
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
    problem: Mapped[str | None]
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
    received_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class Refund(Base):
    """Money given back for an order, at most once a payment.

    `requested`: Stripe is to be asked, from `next_attempt_at` on; `pending`: Stripe has it and the bank has
    not; `succeeded`; `failed`: an operator must act. `attempt` counts requests that are distinct at Stripe:
    an operator who asks again after a failure begins a new one. `tries` counts how often Stripe was asked.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("state IN ('requested', 'pending', 'succeeded', 'failed')", name="state"),
        Index("ix_refunds_due", "next_attempt_at", postgresql_where=text("state = 'requested'")),
    )

    payment_intent_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), index=True)
    amount_cents: Mapped[int]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(default="requested", server_default=text("'requested'"))
    stripe_refund_id: Mapped[str | None] = mapped_column(unique=True)
    attempt: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    tries: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    settled_at: Mapped[datetime | None]


class Dispute(Base):
    """A payment that its customer contests at the bank; `status` is Stripe's word for how that stands."""

    __tablename__ = "disputes"

    id: Mapped[str] = mapped_column(primary_key=True)
    payment_intent_id: Mapped[str | None] = mapped_column(index=True)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"), index=True)
    amount_cents: Mapped[int]
    reason: Mapped[str | None]
    status: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    closed_at: Mapped[datetime | None]


class Reconciliation(Base):
    """A comparison of our orders with Stripe, asked for by the clock or an operator, and what came of it."""

    __tablename__ = "reconciliations"
    __table_args__ = (
        Index("ix_reconciliations_due", "requested_at", postgresql_where=text("finished_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    looked_up: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    fulfilled: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    closed: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    problems: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    events: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    error: Mapped[str | None]
