"""keep budgets, pauses, late results and refunds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reports", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("reports", sa.Column("paused_s", sa.Numeric(), server_default=sa.text("0"), nullable=False))
    op.add_column("report_models", sa.Column("provider", sa.Text(), nullable=True))
    op.add_column("report_models", sa.Column("max_tokens", sa.Integer(), nullable=True))
    op.add_column(
        "benchmark_jobs", sa.Column("calls", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "benchmark_jobs",
        sa.Column("worst_case_usd", sa.Numeric(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("attempts", sa.Column("late_result", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "platform_pauses",
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("platform", name=op.f("pk_platform_pauses")),
    )
    op.create_table(
        "refunds",
        sa.Column("payment_intent_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refunds_order_id_orders")),
        sa.PrimaryKeyConstraint("payment_intent_id", name=op.f("pk_refunds")),
    )
    op.create_index(op.f("ix_refunds_order_id"), "refunds", ["order_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_refunds_order_id"), table_name="refunds")
    op.drop_table("refunds")
    op.drop_table("platform_pauses")
    op.drop_column("attempts", "late_result")
    op.drop_column("benchmark_jobs", "worst_case_usd")
    op.drop_column("benchmark_jobs", "calls")
    op.drop_column("report_models", "max_tokens")
    op.drop_column("report_models", "provider")
    op.drop_column("reports", "paused_s")
    op.drop_column("reports", "paused_at")
