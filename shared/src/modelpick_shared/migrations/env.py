from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from modelpick_shared.db import Base, tables
from modelpick_shared.migrations.patience import patiently

assert tables.__all__  # noqa: S101 - importing the module is what registers the tables

# Any number will do, as long as nobody else in the database uses it.
MIGRATION_LOCK = 7_218_001


def run() -> None:
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        patiently(connection, lambda: migrate(connection))
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
    engine.dispose()


def migrate(connection: Connection) -> None:
    """Run what has not been run, each migration in a transaction of its own: its locks end with it."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


run()
