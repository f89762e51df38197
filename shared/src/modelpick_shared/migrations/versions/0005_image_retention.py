"""remember which images are to be removed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "image_deletions",
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("storage_key", name=op.f("pk_image_deletions")),
    )
    op.create_index(op.f("ix_image_deletions_due_at"), "image_deletions", ["due_at"], unique=False)
    op.add_column("reports", sa.Column("images_removed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_reports_images_kept",
        "reports",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("images_removed_at IS NULL"),
    )
    op.create_index(
        "ix_drafts_unpaid",
        "drafts",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("status <> 'paid'"),
    )


def downgrade() -> None:
    op.drop_index("ix_drafts_unpaid", table_name="drafts")
    op.drop_index("ix_reports_images_kept", table_name="reports")
    op.drop_column("reports", "images_removed_at")
    op.drop_index(op.f("ix_image_deletions_due_at"), table_name="image_deletions")
    op.drop_table("image_deletions")
