"""let a service see and write its own messages alone.

A message in the outbox may hold a mailed link, and whoever adds one speaks with the voice of its source. The
rows say whose they are, and a role is named after its service, so that no name is written here: the policies
are part of every back-up, whatever its roles were called. Housekeeping, in the orchestrator, looks for what
was sent and lets it go. The owner of the table is bound by none of this.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# In a subquery, which is run once a statement and not once a row.
_SERVICE = "(SELECT substring(current_user FROM '[^_]*$'))"
_OWN = f"source = {_SERVICE}"
_SENT = f"sent_at IS NOT NULL AND {_SERVICE} = 'orchestrator'"


def upgrade() -> None:
    op.execute("ALTER TABLE outbox ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_messages ON outbox USING ({_OWN}) WITH CHECK ({_OWN})")
    op.execute(f"CREATE POLICY sent_are_found ON outbox FOR SELECT USING ({_SENT})")
    op.execute(f"CREATE POLICY sent_are_held ON outbox FOR UPDATE USING ({_SENT}) WITH CHECK (false)")
    op.execute(f"CREATE POLICY sent_go ON outbox FOR DELETE USING ({_SENT})")


def downgrade() -> None:
    for name in ("sent_go", "sent_are_held", "sent_are_found", "own_messages"):
        op.execute(f"DROP POLICY {name} ON outbox")
    op.execute("ALTER TABLE outbox DISABLE ROW LEVEL SECURITY")
