"""A service tells whether the database's tables are as new as its release needs."""

from contextlib import contextmanager
from importlib import resources

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import event

from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.db.migrate import upgrade
from modelpick_shared.db.revisions import known_revisions, newest_revision
from modelpick_shared.db.roles import role_name

pytestmark = pytest.mark.connected


@pytest.fixture
def migrated_url(fresh_database_url):
    """Return a database whose revision may be changed: it is put right for whoever gets it next."""
    yield fresh_database_url
    set_revision(fresh_database_url, newest_revision())


@pytest.fixture
async def database(migrated_url):
    async with Database(migrated_url, application="test") as database:
        yield database


def set_revision(url, revision):
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])


@contextmanager
def away(server, url):
    """Let nobody connect to a database, nor go on with it."""
    name = url.rpartition("/")[2]
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        yield
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def test_the_files_say_what_the_migrations_are():
    scripts = ScriptDirectory(str(resources.files("modelpick_shared") / "migrations"))

    assert known_revisions() == {script.revision for script in scripts.walk_revisions()}
    assert scripts.get_heads() == [newest_revision()]


@pytest.mark.parametrize("revision", sorted(known_revisions() - {newest_revision()}))
async def test_the_tables_of_any_older_release_are_not_enough(database, migrated_url, revision):
    set_revision(migrated_url, revision)

    assert await database.ping() == (
        f"database: the schema has revision {revision}, this release needs {newest_revision()}:"
        " run its migrations"
    )


@pytest.mark.parametrize("revision", [newest_revision(), "9999", "of_a_later_release"])
async def test_those_of_this_release_and_of_every_later_one_are(database, migrated_url, revision):
    set_revision(migrated_url, revision)

    assert await database.ping() is None


async def test_a_database_without_tables_is_ready_once_it_was_migrated(empty_database_url):
    async with Database(empty_database_url, application="test") as database:
        said = await database.ping()
        upgrade(empty_database_url)

        assert await database.ping() is None
    assert said is not None
    assert said.startswith("database: the schema has no revision that this service may see, ")


async def test_a_role_without_the_grants_of_this_release_is_told_to_migrate(postgres_server, migrated_url):
    url = postgres_server.url_as(Role.NOTIFIER, migrated_url)
    with psycopg.connect(migrated_url) as owner:
        name = role_name(postgres_server.role_prefix, Role.NOTIFIER)
        owner.execute(f"REVOKE SELECT (version_num) ON alembic_version FROM {name}")
    async with Database(url, application="test") as database:
        said = await database.ping()
        postgres_server.admit_services(migrated_url)

        assert await database.ping() is None
    assert said == (
        f"database: the schema has no revision that this service may see, this release needs"
        f" {newest_revision()}: run its migrations"
    )


async def test_tables_that_suffice_are_not_asked_about_again_before_the_database_was_away(
    database, migrated_url, postgres_server
):
    asked = []

    @event.listens_for(database._engine.sync_engine, "before_cursor_execute")
    def note(*arguments):
        asked.append("alembic_version" in arguments[2])

    for _ in range(3):
        assert await database.ping() is None
    assert asked == [True, False, False]

    set_revision(migrated_url, min(known_revisions()))
    with away(postgres_server, migrated_url):
        assert await database.ping() == "database: OperationalError"
    said = await database.ping()
    assert said is not None
    assert f"the schema has revision {min(known_revisions())}" in said
