"""An older release's database: its rows come through, and what that release still writes fits."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.db import Base, Database, migrate, tables
from modelpick_shared.db.migrate import upgrade
from modelpick_shared.db.revisions import known_revisions
from modelpick_shared.db.tables import Email, Order, Refund, Report
from modelpick_shared.errors import TransientError
from modelpick_shared.housekeeping.images import ReportImages
from modelpick_shared.migrations import patience

pytestmark = pytest.mark.connected

DUMP = Path(__file__).parent / "dumps" / "release_0005.sql"
INSERT = re.compile(r"^INSERT INTO public\.(\w+) \(([^)]*)\) VALUES", re.MULTILINE)


@pytest.fixture
def older_database_url(empty_database_url):
    """Return a database as the older release left it."""
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(DUMP.read_text())
    return empty_database_url


def columns_then():
    """Return the columns of each table of the older release."""
    found = {table: columns.split(", ") for table, columns in INSERT.findall(DUMP.read_text())}
    del found["alembic_version"]
    return found


def rows_of(url):
    """Return what the columns of the older release hold, in any order of the rows."""
    with psycopg.connect(url) as connection:
        return {
            table: sorted(
                map(repr, connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall())
            )
            for table, columns in columns_then().items()
        }


def test_the_dump_has_rows_in_every_table_that_was_there():
    created_later = {"disputes", "reconciliations", "email_events", "housekeeping"}
    assert columns_then().keys() == Base.metadata.tables.keys() - created_later
    assert tables.__all__


def test_every_row_comes_through_as_it_was(older_database_url):
    before = rows_of(older_database_url)
    upgrade(older_database_url)
    assert rows_of(older_database_url) == before
    with psycopg.connect(older_database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (
            max(known_revisions()),
        )


async def test_the_new_columns_say_what_is_right_for_old_rows(older_database_url):
    upgrade(older_database_url)
    async with Database(older_database_url, application="test") as database, database.snapshot() as session:
        refund = (await session.scalars(select(Refund))).one()
        assert (refund.state, refund.attempt, refund.tries, refund.settled_at) == ("requested", 1, 0, None)
        mails = {mail.key: mail for mail in await session.scalars(select(Email))}
        assert {mail.delivery for mail in mails.values()} == {None}
        assert {mail.uncertain_since for mail in mails.values()} == {None}
        assert {order.problem for order in await session.scalars(select(Order))} == {None}


async def test_this_release_reads_what_the_older_one_wrote(older_database_url):
    upgrade(older_database_url)
    async with Database(older_database_url, application="test") as database:
        async with database.snapshot() as session:
            for mapper in Base.registry.mappers:
                await session.scalars(select(mapper.class_))
            for report in await session.scalars(select(Report)):
                assert ConfigSnapshot.model_validate(report.config_snapshot).total_jobs == report.total_jobs
        assert await ReportImages(database, timedelta(days=90)).remove() == 1


def test_what_the_older_release_still_writes_during_an_upgrade_fits(older_database_url):
    before = rows_of(older_database_url)
    upgrade(older_database_url)
    inserts = [line for line in statements() if "alembic_version" not in line]
    with psycopg.connect(older_database_url) as connection:
        connection.execute(f"TRUNCATE {', '.join(columns_then())} CASCADE")
        connection.execute("SET session_replication_role = replica")  # the dump's order is not the tables'
        connection.execute("\n".join(inserts))
    assert rows_of(older_database_url) == before


def statements():
    """Return the dump's INSERTs, one a line."""
    return [line for line in DUMP.read_text().splitlines() if line.startswith("INSERT INTO public.")]


@pytest.fixture
def short_waits(monkeypatch):
    monkeypatch.setattr(patience, "LOCK_TIMEOUT_S", 0.05)
    monkeypatch.setattr(patience, "PAUSE_S", 0.01)


@pytest.mark.usefixtures("short_waits")
def test_a_table_that_is_in_use_is_waited_for_and_not_kept_from_others(older_database_url, monkeypatch):
    """A back-up is at all tables for as long as it takes; whoever waits behind it holds everybody up."""
    with ThreadPoolExecutor(max_workers=1) as pool, psycopg.connect(older_database_url) as back_up:
        back_up.execute("SELECT count(*) FROM reports")
        waiting = threading.Event()
        monkeypatch.setattr(patience.time, "sleep", lambda _: waiting.set())
        done = pool.submit(upgrade, older_database_url)
        assert waiting.wait(30)
        with psycopg.connect(older_database_url) as customer:
            customer.execute("SET statement_timeout = '30s'")
            customer.execute("SELECT count(*) FROM reports")
        assert not done.done()
        back_up.rollback()
        done.result(30)
    with psycopg.connect(older_database_url) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row == (max(known_revisions()),)


@pytest.mark.usefixtures("short_waits")
def test_a_table_that_is_never_free_is_given_up_with_what_to_do(older_database_url, monkeypatch):
    monkeypatch.setattr(patience, "TRIES", 2)
    with psycopg.connect(older_database_url) as somebody:
        somebody.execute("SELECT count(*) FROM reports")
        with pytest.raises(TransientError, match="in use all the time"):
            upgrade(older_database_url)


def test_the_command_says_in_one_line_why_it_gave_up(empty_database_url, monkeypatch, capsys):
    def give_up(_):
        raise TransientError("migrations: a table has been in use all the time")

    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setattr(migrate, "upgrade", give_up)
    with pytest.raises(SystemExit) as ended:
        migrate.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "migrate: migrations: a table has been in use all the time\n"
