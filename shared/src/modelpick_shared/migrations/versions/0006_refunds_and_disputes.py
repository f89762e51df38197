"""keep how refunds and disputes stand, and what reconciliations found."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_REFUND_STATES = "state IN ('requested', 'pending', 'succeeded', 'failed')"


def upgrade() -> None:
    _orders()
    _refunds()
    _disputes()
    _reconciliations()


def downgrade() -> None:
    op.drop_table("reconciliations")
    op.drop_table("disputes")
    op.drop_index("ix_refunds_due", table_name="refunds")
    op.drop_constraint(op.f("uq_refunds_stripe_refund_id"), "refunds")
    op.drop_constraint(op.f("ck_refunds_state"), "refunds")
    columns = ("settled_at", "last_error", "next_attempt_at", "tries", "attempt", "stripe_refund_id", "state")
    for column in columns:
        op.drop_column("refunds", column)
    op.drop_index("ix_orders_payment_intent_id", table_name="orders")
    op.drop_index("ix_orders_unsettled", table_name="orders")
    op.drop_index("uq_orders_paid_draft", table_name="orders")
    op.drop_column("orders", "problem")


def _orders() -> None:
    op.add_column("orders", sa.Column("problem", sa.Text(), nullable=True))
    paid = sa.text("status = 'paid'")
    op.create_index("uq_orders_paid_draft", "orders", ["draft_id"], unique=True, postgresql_where=paid)
    unsettled = sa.text("settled_at IS NULL")
    op.create_index("ix_orders_unsettled", "orders", ["id"], postgresql_where=unsettled)
    op.create_index("ix_orders_payment_intent_id", "orders", ["payment_intent_id"])


def _refunds() -> None:
    for column in (
        sa.Column("state", sa.Text(), server_default=sa.text("'requested'"), nullable=False),
        sa.Column("stripe_refund_id", sa.Text(), nullable=True),
        _count("attempt", 1),
        _count("tries", 0),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _time("settled_at"),
    ):
        op.add_column("refunds", column)
    op.create_check_constraint(op.f("ck_refunds_state"), "refunds", _REFUND_STATES)
    op.create_unique_constraint(op.f("uq_refunds_stripe_refund_id"), "refunds", ["stripe_refund_id"])
    due = sa.text("state = 'requested'")
    op.create_index("ix_refunds_due", "refunds", ["next_attempt_at"], postgresql_where=due)


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        _time("closed_at"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_order_id_orders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index(op.f("ix_disputes_order_id"), "disputes", ["order_id"])
    op.create_index(op.f("ix_disputes_payment_intent_id"), "disputes", ["payment_intent_id"])


def _reconciliations() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        _time("started_at"),
        _time("finished_at"),
        *(_count(name, 0) for name in ("looked_up", "fulfilled", "closed", "problems", "events")),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    unfinished = sa.text("finished_at IS NULL")
    op.create_index(
        "ix_reconciliations_due", "reconciliations", ["requested_at"], postgresql_where=unfinished
    )


def _count(name: str, initial: int) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text(str(initial)), nullable=False)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)
