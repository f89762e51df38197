"""let nobody but the owner make tables.

Databases that were made before PostgreSQL 15 let everybody. What each service may do is not a migration: it
is declared in `modelpick_shared.db.grants` and brought in line after the migrations, whenever they run.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def downgrade() -> None:
    """Leave it: a newer PostgreSQL has it so from the start."""
