"""remember what housekeeping did, and find what is due."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UNPAID = "status IN ('expired', 'cancelled')"
_ENDED = "state IN ('sent', 'failed')"


def upgrade() -> None:
    op.create_table(
        "housekeeping",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Numeric(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_housekeeping")),
    )
    op.create_index(op.f("ix_sign_in_tokens_expires_at"), "sign_in_tokens", ["expires_at"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    op.create_index(op.f("ix_stripe_events_received_at"), "stripe_events", ["received_at"])
    op.create_index("ix_orders_unpaid", "orders", ["settled_at"], postgresql_where=sa.text(_UNPAID))
    op.create_index("ix_emails_ended", "emails", ["created_at"], postgresql_where=sa.text(_ENDED))


def downgrade() -> None:
    op.drop_index("ix_emails_ended", table_name="emails")
    op.drop_index("ix_orders_unpaid", table_name="orders")
    op.drop_index(op.f("ix_stripe_events_received_at"), table_name="stripe_events")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_index(op.f("ix_sign_in_tokens_expires_at"), table_name="sign_in_tokens")
    op.drop_table("housekeeping")
