"""What the database lets each role do is what the declaration says, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from modelpick_shared.db.grants import Privilege, Role, privileges_of
from modelpick_shared.db.roles import establish, granted, remove, role_name, role_url
from modelpick_shared.db.tables import Report
from modelpick_shared.errors import SettingsError

TABLES = sorted(Report.metadata.tables)
SCRIPT = Path(__file__).parents[3] / "deploy/postgres/roles.sql"
FORBIDDEN = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def owner(fresh_database_url):
    with psycopg.connect(fresh_database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def named(postgres_server):
    return lambda role: role_name(postgres_server.role_prefix, role)


@pytest.fixture
def as_role(database_url_as):
    """Give what runs a statement as a role."""

    def run(role, statement):
        with psycopg.connect(database_url_as(role)) as connection:
            return connection.execute(statement)

    return run


@pytest.mark.parametrize("role", Role)
def test_the_database_says_what_the_declaration_says(role, owner, named):
    assert granted(owner, named(role)) == privileges_of(role)


@pytest.mark.parametrize("role", Role)
def test_a_role_is_nothing_but_somebody_who_may_log_in(role, owner, named):
    rights = "rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin"
    row = owner.execute(f"SELECT {rights} FROM pg_roles WHERE rolname = %s", [named(role)]).fetchone()

    assert row == (False, False, False, False, False, True)
    memberships = owner.execute(
        "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole", [named(role)]
    )
    assert memberships.fetchone() == (0,)


@pytest.mark.parametrize("role", Role)
def test_a_role_makes_no_tables(role, as_role):
    with pytest.raises(FORBIDDEN):
        as_role(role, "CREATE TABLE own (id int)")


@pytest.mark.parametrize("role", Role)
def test_a_role_sees_no_table_that_it_was_not_given(role, as_role):
    given = {privilege.table for privilege in privileges_of(role)}

    for table in {*TABLES, "alembic_version"} - given:
        with pytest.raises(FORBIDDEN):
            as_role(role, f"SELECT count(*) FROM {table}")


def test_the_model_worker_and_the_operators_have_no_role():
    assert {role.value for role in Role} == {
        *("checkout", "webhook", "orchestrator", "notifier", "reports", "simulator")
    }


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.REPORTS, "UPDATE reports SET status = 'complete'"),
        (Role.REPORTS, "SELECT email FROM reports"),
        (Role.REPORTS, "DELETE FROM benchmark_runs"),
        (Role.CHECKOUT, "UPDATE reports SET spent_usd = 0"),
        (Role.CHECKOUT, "INSERT INTO reports (id) VALUES (gen_random_uuid())"),
        (Role.CHECKOUT, "UPDATE orders SET amount_cents = 1"),
        (Role.CHECKOUT, "UPDATE orders SET problem = NULL"),
        (Role.WEBHOOK, "UPDATE reports SET status = 'complete'"),
        (Role.WEBHOOK, "SELECT token_hash FROM sessions"),
        (Role.WEBHOOK, "UPDATE orders SET amount_cents = 1"),
        (Role.ORCHESTRATOR, "UPDATE reports SET share_token = 'mine'"),
        (Role.ORCHESTRATOR, "UPDATE reports SET ceiling_usd = 1000"),
        (Role.ORCHESTRATOR, "UPDATE benchmark_runs SET passed = true"),
        (Role.ORCHESTRATOR, "SELECT token_hash FROM sign_in_tokens"),
        (Role.ORCHESTRATOR, "INSERT INTO refunds (payment_intent_id) VALUES ('pi_1')"),
        (Role.NOTIFIER, "SELECT * FROM outbox"),
        (Role.NOTIFIER, "UPDATE reports SET email = 'eve@example.com'"),
        (Role.SIMULATOR, "SELECT storage_key FROM draft_images"),
    ],
)
def test_what_belongs_to_others_is_refused(role, statement, as_role):
    with pytest.raises(FORBIDDEN):
        as_role(role, statement)


@pytest.mark.parametrize(
    ("table", "writers"),
    [
        ("reports", {Role.WEBHOOK}),
        ("benchmark_runs", {Role.ORCHESTRATOR}),
        ("attempts", {Role.ORCHESTRATOR}),
        ("refunds", {Role.WEBHOOK}),
        ("stripe_events", {Role.WEBHOOK}),
        ("orders", {Role.CHECKOUT}),
        ("emails", {Role.NOTIFIER}),
        ("sessions", {Role.CHECKOUT}),
        ("report_exports", {Role.REPORTS}),
        ("outbox", {Role.CHECKOUT, Role.WEBHOOK, Role.ORCHESTRATOR}),
    ],
)
def test_rows_are_inserted_by_one_service_alone(table, writers):
    assert {role for role in Role if Privilege("INSERT", table) in privileges_of(role)} == writers


def test_a_privilege_too_many_or_too_few_is_mended(owner, named, fresh_database_url, postgres_server):
    name = named(Role.REPORTS)
    owner.execute(f"GRANT UPDATE (status), DELETE ON reports TO {name}; REVOKE SELECT ON refunds FROM {name}")
    assert granted(owner, name) != privileges_of(Role.REPORTS)

    establish(fresh_database_url, {}, prefix=postgres_server.role_prefix)

    assert granted(owner, name) == privileges_of(Role.REPORTS)


@pytest.mark.parametrize(
    "too_much",
    [
        "GRANT SELECT ON refunds TO {0} WITH GRANT OPTION",
        "GRANT UPDATE (share_token) ON reports TO {0} WITH GRANT OPTION",
        "GRANT CREATE ON SCHEMA public TO {0}",
        "GRANT TRUNCATE ON reports TO {0}",
        "CREATE TABLE later (id int); GRANT SELECT ON later TO {0}",
        "CREATE TABLE later (id serial); GRANT USAGE ON SEQUENCE later_id_seq TO {0}",
    ],
)
def test_a_role_keeps_nothing_that_lets_it_give_or_make_more(
    too_much, owner, named, fresh_database_url, postgres_server
):
    name = named(Role.REPORTS)
    owner.execute(too_much.format(name))

    establish(fresh_database_url, {}, prefix=postgres_server.role_prefix)

    assert granted(owner, name) == privileges_of(Role.REPORTS)
    may = owner.execute("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [name]).fetchone()
    assert may == (False,)
    owner.execute("DROP TABLE IF EXISTS later")


def test_a_table_of_a_later_release_is_nobodys(owner, named):
    owner.execute("CREATE TABLE later (id serial)")

    for role in Role:
        rights = "has_any_column_privilege(%s, 'later', 'SELECT'), has_table_privilege(%s, 'later', 'INSERT')"
        assert owner.execute(f"SELECT {rights}", [named(role)] * 2).fetchone() == (False, False)
    owner.execute("DROP TABLE later")


def statements_on(table):
    """Return, for each privilege that there may be on a table, a statement that needs it and no other."""
    yield Privilege("DELETE", table.name), f"DELETE FROM {table.name}"
    for column in table.columns:
        name = column.name
        yield Privilege("SELECT", table.name, name), f"SELECT {name} FROM {table.name} LIMIT 0"
        yield Privilege("INSERT", table.name, name), f"INSERT INTO {table.name} ({name}) SELECT NULL LIMIT 0"
        yield Privilege("UPDATE", table.name, name), f"UPDATE {table.name} SET {name} = DEFAULT"


def is_let(connection, statement):
    try:
        connection.execute(statement)
    except FORBIDDEN:
        return False
    return True


@pytest.mark.parametrize("role", Role)
def test_whatever_a_role_was_not_given_is_refused_on_every_table_and_column(role, database_url_as):
    given = privileges_of(role)
    with psycopg.connect(database_url_as(role), autocommit=True) as connection:
        let = {
            privilege
            for table in Report.metadata.tables.values()
            for privilege, statement in statements_on(table)
            if is_let(connection, statement)
        }

    whole = {privilege[:2] for privilege in given if privilege.column is None}
    declared = {
        privilege
        for table in Report.metadata.tables.values()
        for privilege, _ in statements_on(table)
        if privilege in given or privilege[:2] in whole
    }
    assert let == declared


def test_a_new_password_takes_the_place_of_the_old_one(fresh_database_url):
    establish(fresh_database_url, {Role.NOTIFIER: "old"})
    establish(fresh_database_url, {Role.NOTIFIER: "new: @/%"})

    with psycopg.connect(role_url(fresh_database_url, Role.NOTIFIER, "new: @/%")):
        pass
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(role_url(fresh_database_url, Role.NOTIFIER, "old"))
    remove(fresh_database_url)


def test_an_owner_that_may_make_no_roles_is_told_what_to_do(owner, fresh_database_url):
    owner.execute("CREATE ROLE plain_owner LOGIN PASSWORD 'plain'")
    plain = fresh_database_url.replace(fresh_database_url.split("//")[1].split("@")[0], "plain_owner:plain")

    with pytest.raises(SettingsError, match=r"plain_owner may not make .*CREATEROLE.*DATABASE_ROLES=owner"):
        establish(plain, {Role.NOTIFIER: "secret"})

    owner.execute("DROP ROLE plain_owner")


def test_a_role_that_somebody_made_beforehand_gets_its_grants_of_a_plain_owner(owner, fresh_database_url):
    prefix = fresh_database_url.rpartition("/")[2]
    owner.execute(f"CREATE ROLE plain_owner LOGIN PASSWORD 'plain'; GRANT {owner.info.user} TO plain_owner")
    owner.execute(f"CREATE ROLE {prefix}_notifier LOGIN PASSWORD 'theirs'")
    plain = fresh_database_url.replace(fresh_database_url.split("//")[1].split("@")[0], "plain_owner:plain")

    establish(plain, {Role.NOTIFIER: "ours, which nobody sets"})

    with psycopg.connect(role_url(fresh_database_url, Role.NOTIFIER, "theirs")) as notifier:
        notifier.execute("SELECT count(*) FROM emails")
    remove(fresh_database_url)
    owner.execute("DROP ROLE plain_owner")


def test_an_administrators_script_makes_the_roles_that_migrations_then_use(fresh_database_url):
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("psql is not installed")
    prefix = fresh_database_url.rpartition("/")[2]
    values = [f"prefix={prefix}", *(f"{role}_password=it's {role}" for role in Role)]
    words = [word for value in values for word in ("-v", value)]
    for _ in range(2):
        subprocess.run(
            [psql, fresh_database_url, "-q", *words, "-f", SCRIPT], check=True, capture_output=True
        )

    establish(fresh_database_url, {})

    for role in Role:
        url = role_url(fresh_database_url, role, f"it's {role}")
        with psycopg.connect(url) as connection:
            assert granted(connection, role_name(prefix, role)) == privileges_of(role)
    remove(fresh_database_url)


def test_long_names_of_databases_give_roles_of_their_own():
    long, longer = "a" * 60, "a" * 61

    assert len(role_name(long, Role.ORCHESTRATOR)) < 64
    assert role_name(long, Role.ORCHESTRATOR) != role_name(longer, Role.ORCHESTRATOR)
