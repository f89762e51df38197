import os
import signal
import stat
import subprocess

import psycopg
import pytest

from modelpick_local import postgres_place
from modelpick_local.home import Home
from modelpick_local.postgres import NativePostgres
from modelpick_local.processes import ProcessId, wait_gone
from modelpick_local.session_servers import temporary_home

pytestmark = pytest.mark.connected


@pytest.fixture
def home():
    with temporary_home() as folder:
        yield folder


def test_it_serves_utf8_over_a_password_protected_loopback_port(home):
    with NativePostgres(home) as server, psycopg.connect(server.url) as connection:
        row = connection.execute("SHOW server_encoding").fetchone()

        assert row == ("UTF8",)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"host=127.0.0.1 port={server.port} user=modelpick dbname=modelpick")


def test_what_is_committed_survives_a_kill(home):
    with NativePostgres(home) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (1)")
        os.kill(server.pid, signal.SIGKILL)

        server.start()

        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_a_second_server_on_the_same_data_ends_the_orphan_first(home):
    orphan = NativePostgres(home).start()
    process = ProcessId.of(orphan.pid)

    with NativePostgres(home) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert wait_gone([process], timeout_s=1) == []

    orphan.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_keeps_the_data_elsewhere_when_the_home_is_closed(home):
    home.chmod(stat.S_IRWXU)
    try:
        with NativePostgres(home) as server, psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert server.is_elsewhere()
            assert not any(Home(home).folder("postgres").iterdir())
    finally:
        server.discard()
    assert not server.is_elsewhere()


def test_nothing_is_left_when_it_stops(home):
    with NativePostgres(home) as server:
        process = ProcessId.of(server.pid)

    assert not process.is_alive()


def test_copied_programs_find_their_libraries(tmp_path):
    installed = postgres_place._installed_programs()
    postgres_place._copy_package(installed.parent, tmp_path)
    initdb = tmp_path / installed.parent.name / installed.name / "bin" / "initdb"
    assert subprocess.run([initdb, "--version"], check=True, capture_output=True).stdout
