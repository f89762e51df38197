"""What an operator sees of housekeeping, and does by hand."""

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from modelpick_shared.housekeeping.job import LOCK_KEY

pytestmark = pytest.mark.connected

KINDS = 12


@pytest.fixture(autouse=True)
def database(monkeypatch, fresh_database_url):
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        for days in (89, 91, 200):
            received_at = datetime.now(UTC) - timedelta(days=days)
            values = [f"evt_{days}", received_at]
            connection.execute(
                "INSERT INTO stripe_events (id, type, received_at) VALUES (%s, 't', %s)", values
            )
        yield connection


def of_kind(items, kind):
    return next(item for item in items if item["kind"] == kind)


def events(database):
    return {event_id for (event_id,) in database.execute("SELECT id FROM stripe_events").fetchall()}


async def test_a_dry_run_counts_what_is_due_and_changes_nothing(modelpick, database):
    items = await modelpick("housekeeping", "run", "--dry-run")
    due = of_kind(items, "stripe_events")
    assert (len(items), due["due"], due["older_than_days"]) == (KINDS, 2, 90)
    assert len(events(database)) == 3
    assert database.execute("SELECT count(*) FROM housekeeping").fetchone() == (0,)


async def test_a_run_removes_what_is_due_once(modelpick, database):
    assert of_kind(await modelpick("housekeeping", "run"), "stripe_events")["removed"] == 2
    assert events(database) == {"evt_89"}
    assert of_kind(await modelpick("housekeeping", "run"), "stripe_events")["removed"] == 0
    assert database.execute("SELECT count(*) FROM housekeeping").fetchone() == (KINDS,)


async def test_the_ages_are_settings(modelpick, monkeypatch, database):
    monkeypatch.setenv("STRIPE_EVENT_RETENTION_DAYS", "150")
    assert of_kind(await modelpick("housekeeping", "run"), "stripe_events")["removed"] == 1
    monkeypatch.setenv("STRIPE_EVENT_RETENTION_DAYS", "1")
    assert of_kind(await modelpick("housekeeping", "run", "--dry-run"), "stripe_events")["due"] == 2


async def test_without_a_broker_all_else_is_done_and_the_command_fails(operator, monkeypatch, database):
    monkeypatch.setenv("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:1/")
    answer = await operator("housekeeping", "run", "--json")
    items = json.loads(answer.stdout)["items"]
    assert answer.exit_code == 1
    assert [item["kind"] for item in items if item["error"]] == ["dead_letters"]
    assert events(database) == {"evt_89"}


async def test_dead_letters_that_are_young_stay(modelpick, lay_down, a_job, dead, jobs):
    await lay_down(a_job(), a_job())
    assert of_kind(await modelpick("housekeeping", "run"), "dead_letters")["removed"] == 0
    assert len(await dead(jobs)) == 2


async def test_it_is_done_by_one_at_a_time(operator, fresh_database_url):
    with psycopg.connect(fresh_database_url) as busy:
        busy.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
        answer = await operator("housekeeping", "run")
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert "another process does the housekeeping just now" in answer.stderr
