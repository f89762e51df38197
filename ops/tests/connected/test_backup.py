"""A back-up is whole or not there; restoring it is all or nothing, and never by mistake."""

import os
import stat
import subprocess

import psycopg
import pytest

from modelpick_local.postgres import NativePostgres
from modelpick_local.session_servers import temporary_home
from modelpick_ops.postgres_programs import ProgramError, connection_words, find_programs
from modelpick_shared.db.grants import Role
from modelpick_shared.db.migrate import upgrade
from modelpick_shared.db.revisions import known_revisions
from modelpick_shared.db.roles import establish, remove, role_url

pytestmark = pytest.mark.connected

USER = "INSERT INTO users (id, email) VALUES (gen_random_uuid(), %s)"


@pytest.fixture
def at(monkeypatch):
    """Give what points the operator at a database."""
    return lambda url: monkeypatch.setenv("DATABASE_URL", url)


@pytest.fixture
def people():
    """Give what reads, and what adds, addresses of users."""

    def read(url):
        with psycopg.connect(url) as connection:
            return {email for (email,) in connection.execute("SELECT email FROM users").fetchall()}

    return read


def add_person(url, email):
    with psycopg.connect(url) as connection:
        connection.execute(USER, [email])


@pytest.fixture
async def file(operator, at, fresh_database_url, tmp_path):
    """Return a back-up of a database with one user."""
    add_person(fresh_database_url, "ada@example.com")
    at(fresh_database_url)
    answer = await operator("backup", tmp_path / "file.dump")
    assert answer.exit_code == 0, answer.stderr
    return tmp_path / "file.dump"


async def test_a_back_up_comes_back_in_an_empty_database(operator, at, file, empty_database_url, people):
    at(empty_database_url)
    answer = await operator("restore", file, "--json")
    assert answer.exit_code == 0, answer.stderr
    assert people(empty_database_url) == {"ada@example.com"}
    assert '"images": "not included"' in answer.stdout
    assert '"tables": "00' in answer.stdout


async def test_what_was_restored_can_be_backed_up_and_restored_again(
    operator, at, file, empty_database_url, fresh_database_url, people, tmp_path
):
    at(empty_database_url)
    assert (await operator("restore", file)).exit_code == 0
    assert (await operator("backup", tmp_path / "second.dump")).exit_code == 0
    add_person(fresh_database_url, "bob@example.com")
    at(fresh_database_url)
    answer = await operator("restore", tmp_path / "second.dump", "--replace")
    assert answer.exit_code == 0, answer.stderr
    assert people(fresh_database_url) == {"ada@example.com"}


async def test_the_services_roles_get_their_grants_back(operator, at, file, fresh_database_url):
    establish(fresh_database_url, {Role.NOTIFIER: "secret"})
    at(fresh_database_url)
    answer = await operator("restore", file, "--replace")
    assert answer.exit_code == 0, answer.stderr
    with psycopg.connect(role_url(fresh_database_url, Role.NOTIFIER, "secret")) as connection:
        assert connection.execute("SELECT count(*) FROM emails").fetchone() == (0,)
        policies = connection.execute(
            "SELECT policyname FROM pg_policies WHERE tablename = 'outbox'"
        ).fetchall()
        assert len(policies) == 4
    remove(fresh_database_url)


async def test_it_is_for_its_owner_alone_and_never_overwrites(operator, file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    answer = await operator("backup", file)
    assert (answer.exit_code, file.read_bytes()) == (2, before)
    assert "exists already" in answer.stderr


async def test_a_back_up_that_fails_leaves_no_file(operator, at, tmp_path):
    at("postgresql://nobody:secret@127.0.0.1:1/none")
    answer = await operator("backup", tmp_path / "file.dump")
    assert answer.exit_code == 1
    assert "secret" not in answer.stderr
    assert not list(tmp_path.glob("*.dump*"))
    assert not list(tmp_path.glob(".*dump*"))


async def test_what_an_earlier_back_up_left_half_written_is_not_written_on(operator, file, tmp_path):
    left = tmp_path / ".second.dump.draft"
    left.write_text("half of a back-up, which everybody may read")
    left.chmod(0o644)
    answer = await operator("backup", tmp_path / "second.dump")
    assert answer.exit_code == 0, answer.stderr
    assert stat.S_IMODE((tmp_path / "second.dump").stat().st_mode) == 0o600
    assert left.read_text().startswith("half")


async def test_a_folder_that_is_not_there_is_told_of_in_one_line(operator, at, fresh_database_url, tmp_path):
    at(fresh_database_url)
    answer = await operator("backup", tmp_path / "nowhere" / "file.dump")
    assert (answer.exit_code, len(answer.stderr.strip().splitlines())) == (1, 1)
    assert "No such file or directory" in answer.stderr


async def test_a_dump_of_something_else_gets_no_name(operator, at, empty_database_url, tmp_path):
    at(empty_database_url)
    answer = await operator("backup", tmp_path / "file.dump")
    assert answer.exit_code == 1
    assert "no back-up of this system" in answer.stderr
    assert not list(tmp_path.glob("*.dump*"))
    assert not list(tmp_path.glob(".*dump*"))


async def test_a_database_that_holds_something_is_replaced_only_on_demand(
    operator, file, fresh_database_url, people
):
    add_person(fresh_database_url, "bob@example.com")
    answer = await operator("restore", file)
    assert (answer.exit_code, "--replace" in answer.stderr) == (2, True)
    assert people(fresh_database_url) == {"ada@example.com", "bob@example.com"}
    assert (await operator("restore", file, "--replace")).exit_code == 0
    assert people(fresh_database_url) == {"ada@example.com"}


async def test_nothing_is_restored_under_a_running_service(operator, file, fresh_database_url):
    with psycopg.connect(fresh_database_url, application_name="webhook"):
        answer = await operator("restore", file, "--replace")
    assert answer.exit_code == 1
    assert "webhook" in answer.stderr


async def test_a_file_that_is_cut_short_changes_nothing(operator, file, fresh_database_url, people):
    whole = file.read_bytes()
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute(
            "INSERT INTO users (id, email) SELECT gen_random_uuid(), n::text FROM generate_series(1, 999) n"
        )
    for length in (len(whole) // 2, len(whole) * 9 // 10, len(whole) - 1):
        file.write_bytes(whole[:length])
        answer = await operator("restore", file, "--replace")
        assert answer.exit_code == 1, length
        assert len(people(fresh_database_url)) == 1000


async def test_what_is_no_back_up_is_refused(operator, at, fresh_database_url, tmp_path):
    at(fresh_database_url)
    (tmp_path / "text").write_text("hello")
    assert (await operator("restore", tmp_path / "text", "--replace")).exit_code == 1
    assert (await operator("restore", tmp_path / "nothing")).exit_code == 2


async def test_a_back_up_of_a_newer_release_is_refused(operator, at, fresh_database_url, tmp_path, people):
    at(fresh_database_url)
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert (await operator("backup", tmp_path / "newer.dump")).exit_code == 0
    add_person(fresh_database_url, "ada@example.com")
    answer = await operator("restore", tmp_path / "newer.dump", "--replace")
    assert (answer.exit_code, "newer release" in answer.stderr) == (1, True)
    assert people(fresh_database_url) == {"ada@example.com"}
    with psycopg.connect(fresh_database_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [max(known_revisions())])


async def test_a_stopped_local_run_is_backed_up_and_restored(operator, monkeypatch, tmp_path, people):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with temporary_home() as home:
        monkeypatch.setenv("MODELPICK_HOME", str(home))
        server = NativePostgres(home)
        with server:
            upgrade(server.url)
            add_person(server.url, "ada@example.com")
        assert (await operator("backup", tmp_path / "file.dump")).exit_code == 0
        answer = await operator("restore", tmp_path / "file.dump", "--replace")
        assert answer.exit_code == 0, answer.stderr
        with server:
            assert people(server.url) == {"ada@example.com"}
        server.discard()


def test_programs_older_than_the_server_are_refused():
    with pytest.raises(ProgramError, match=r"PostgreSQL 99.*postgresql-client"):
        find_programs(99)


def test_of_two_the_programs_closer_to_the_servers_version_are_taken(tmp_path, monkeypatch):
    """As in the operators' image: much newer ones write settings that an older server refuses."""
    for name in ("pg_dump", "pg_restore", "psql"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 15.9'\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_programs(15).folder == tmp_path
    assert find_programs(16).folder != tmp_path


def test_the_programs_are_there_and_run():
    programs = find_programs(15)
    for name in ("pg_dump", "pg_restore", "psql"):
        said = subprocess.run([programs.path(name), "--version"], capture_output=True, text=True, check=True)
        assert str(programs.major) in said.stdout


def test_a_password_is_never_a_word_of_a_command():
    words = connection_words("postgresql://ada:s3cret@db.example:5433/shop?sslmode=require")
    assert "s3cret" not in " ".join(words)
    assert "sslmode=require" in words[-1]
    assert os.environ.get("PGPASSWORD") is None


async def test_a_database_that_was_restored_is_not_taken_for_one_as_it_was(
    operator, file, fresh_database_url, postgres_server
):
    """It has lost the grants of the roles that tests use: whoever got it next would be refused."""
    shape = postgres_server.shape(fresh_database_url)
    assert (await operator("restore", file, "--replace")).exit_code == 0
    assert postgres_server.shape(fresh_database_url) != shape
