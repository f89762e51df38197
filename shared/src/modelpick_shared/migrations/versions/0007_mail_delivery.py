"""keep what became of mails."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = ("sender", "provider_id", "delivery", "delivery_detail")
_TIMES = ("uncertain_since", "delivery_at")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("emails", sa.Column(name, sa.Text(), nullable=True))
    for name in _TIMES:
        op.add_column("emails", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    _change_states("'pending', 'sent', 'failed', 'unknown'")
    op.create_check_constraint(
        op.f("ck_emails_delivery"),
        "emails",
        "delivery IN ('delayed', 'delivered', 'failed', 'suppressed', 'bounced', 'complained')",
    )
    op.create_index("ix_emails_message_id", "emails", ["message_id"])
    for column in ("provider_id", "report_id"):
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_emails_{column}", "emails", [column], postgresql_where=where)
    _create_events()


def downgrade() -> None:
    op.drop_table("email_events")
    for name in ("message_id", "provider_id", "report_id"):
        op.drop_index(f"ix_emails_{name}", table_name="emails")
    op.drop_constraint(op.f("ck_emails_delivery"), "emails", type_="check")
    op.execute("UPDATE emails SET state = 'failed' WHERE state = 'unknown'")
    _change_states("'pending', 'sent', 'failed'")
    for name in (*_COLUMNS, *_TIMES):
        op.drop_column("emails", name)


def _change_states(states: str) -> None:
    op.drop_constraint(op.f("ck_emails_state"), "emails", type_="check")
    op.create_check_constraint(op.f("ck_emails_state"), "emails", f"state IN ({states})")


def _create_events() -> None:
    op.create_table(
        "email_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_key"],
            ["emails.key"],
            name=op.f("fk_email_events_email_key_emails"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_events")),
    )
    op.create_index("ix_email_events_email_key", "email_events", ["email_key"])
    op.create_index("ix_email_events_received_at", "email_events", ["received_at"])
