"""In the outbox, each service sees and writes what is its own: links that are to be mailed lie there."""

import psycopg
import pytest

from modelpick_shared.db.grants import Privilege, Role, privileges_of
from modelpick_shared.ids import new_id

pytestmark = pytest.mark.connected

WRITERS = [role for role in Role if Privilege("INSERT", "outbox") in privileges_of(role)]
INSERT = """
INSERT INTO outbox (id, source, exchange, routing_key, type, body, headers, erase_body, sent_at)
VALUES (%s, %s, '', '', 't', 'a link', '{}', false, CASE WHEN %s THEN now() END)
"""
OTHERS = [(role, other) for role in WRITERS for other in WRITERS if role is not other]


@pytest.fixture
def owner(fresh_database_url):
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def messages(owner):
    """Return two messages of each source, by source and whether they were sent."""
    ids = {(role.value, sent): new_id() for role in WRITERS for sent in (False, True)}
    for (source, sent), message_id in ids.items():
        owner.execute(INSERT, [message_id, source, sent])
    return ids


@pytest.fixture
def connection_of(database_url_as):
    return lambda role: psycopg.connect(database_url_as(role), autocommit=True)


def seen(connection, statement="SELECT source, sent_at IS NOT NULL FROM outbox"):
    return set(connection.execute(statement).fetchall())


@pytest.mark.parametrize("role", WRITERS)
def test_a_service_reads_its_own_messages_and_no_others(role, messages, connection_of):
    own = {(role.value, False), (role.value, True)}
    sent = {key for key in messages if key[1]} if role is Role.ORCHESTRATOR else set()

    with connection_of(role) as connection:
        assert seen(connection) == own | sent


@pytest.mark.parametrize(("role", "other"), OTHERS)
def test_nobody_speaks_with_anothers_voice(role, other, connection_of, owner):
    with connection_of(role) as connection:
        connection.execute(INSERT, [new_id(), role.value, False])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(INSERT, [new_id(), other.value, False])

    assert seen(owner) == {(role.value, False)}


@pytest.mark.parametrize("role", WRITERS)
def test_nobody_changes_what_another_says(role, messages, connection_of, owner):
    with connection_of(role) as connection:
        connection.execute("UPDATE outbox SET body = 'mine' WHERE sent_at IS NULL")

    changed = owner.execute("SELECT source FROM outbox WHERE body = 'mine'").fetchall()
    assert changed == [(role.value,)]


def test_not_even_what_was_sent_is_changed_by_housekeeping(messages, connection_of):
    with (
        connection_of(Role.ORCHESTRATOR) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("UPDATE outbox SET sent_at = NULL WHERE source = 'checkout'")


def test_housekeeping_lets_go_of_what_was_sent_by_anybody_and_of_nothing_else(messages, connection_of, owner):
    with connection_of(Role.ORCHESTRATOR) as connection:
        connection.execute("DELETE FROM outbox WHERE source <> 'orchestrator'")

    assert seen(owner) == {key for key in messages if not key[1] or key[0] == "orchestrator"}


def test_the_relay_finds_what_is_unsent_by_its_index(connection_of, messages):
    statement = "SELECT * FROM outbox WHERE source = 'checkout' AND sent_at IS NULL ORDER BY id LIMIT 500"
    with connection_of(Role.CHECKOUT) as connection:
        connection.execute("SET enable_seqscan = off; SET enable_sort = off")
        plan = connection.execute(f"EXPLAIN {statement} FOR UPDATE SKIP LOCKED").fetchall()

    assert "ix_outbox_unsent" in str(plan)
