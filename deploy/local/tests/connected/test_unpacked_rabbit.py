"""Somebody who may not install packages gets RabbitMQ unpacked into the home, and it runs."""

import os
import pwd
import re
import shutil
import subprocess
import traceback
from pathlib import Path

import pytest

from modelpick_local import rabbit_install
from modelpick_local.debian_unpack import STATUS, can_unpack, unpack
from modelpick_local.errors import LocalError
from modelpick_local.health import wait_healthy
from modelpick_local.home import Home
from modelpick_local.processes import sweep
from modelpick_local.rabbit import NativeRabbit
from modelpick_local.rabbit_install import find, unpack_rabbit, unpacked_root, unpacked_variables
from modelpick_local.session_servers import temporary_home

pytestmark = [
    pytest.mark.connected,
    pytest.mark.skipif(not can_unpack(), reason="no apt-get and dpkg-deb on this machine"),
]
NOBODY = pwd.getpwnam("nobody")
_TO_REMOVE = re.compile(r"Package: (rabbitmq-server|erlang-\S+)\n")


@pytest.fixture
def home():
    """Return a home that is an ordinary user's."""
    with temporary_home() as folder:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
        yield folder


@pytest.fixture
def bare_machine(monkeypatch):
    """Make this machine look as if it had neither RabbitMQ nor Erlang, to whoever reads its package status.

    Not in pytest's own temporary folders: each session that starts closes them to other users.
    """
    kept = [entry for entry in STATUS.read_text().split("\n\n") if not _TO_REMOVE.match(entry)]
    with temporary_home() as folder:
        status = folder / "status"
        status.write_text("\n\n".join(kept))
        monkeypatch.setattr(rabbit_install, "_SYSTEM", folder / "no-system")
        yield status


def as_an_ordinary_user(work):
    """Do something in a child of this process that is not root; return what it said when it failed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        said = _attempted(work)
        os.write(writing, said.encode()[-4000:])
        os._exit(bool(said))
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def _attempted(work) -> str:
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY.pw_gid)
            os.setuid(NOBODY.pw_uid)
        os.chdir("/")
        os.environ["HOME"] = "/nonexistent"
        work()
    except BaseException:  # noqa: BLE001 - the child must end here, whatever it was
        return traceback.format_exc()
    return ""


def test_an_ordinary_user_unpacks_it_and_it_runs(home, bare_machine, monkeypatch):
    def unpack_from_the_bare_machine(root, *, say):
        unpack_rabbit(root, say=say, status=bare_machine)

    monkeypatch.setattr(rabbit_install, "unpack_rabbit", unpack_from_the_bare_machine)
    told = []

    def work():
        assert os.geteuid() != 0
        rabbit = NativeRabbit(home, disposable=True, say=told.append)
        command = rabbit.prepare().with_mark(rabbit.mark)
        assert str(unpacked_root(rabbit.home)) in command.argv[0]
        with rabbit.log.open("ab") as log:
            running = subprocess.Popen(command.argv, stdout=log, stderr=log, **command.popen_arguments())
        try:
            assert wait_healthy(rabbit.health_url, 60), rabbit.log.read_text()
            assert "RabbitMQ" in rabbit.ctl("status")
            assert _its_erlang(running.pid).startswith(str(unpacked_root(rabbit.home)))
        finally:
            running.kill()
            running.wait()
            sweep(rabbit.mark)

    assert as_an_ordinary_user(work) == ""


def _its_erlang(pid):
    return str(Path(f"/proc/{pid}/exe").readlink())


def test_what_was_unpacked_is_found_and_not_unpacked_again(home, bare_machine):
    scripts = unpacked_root(Home.at(home)) / "usr/lib/rabbitmq/lib/rabbitmq_server-4.0.5/sbin"
    scripts.mkdir(parents=True)
    (scripts / "rabbitmq-server").touch()

    found = find(Home.at(home))

    assert found.scripts == scripts
    assert found.variables["PATH"].startswith(str(unpacked_root(Home.at(home)) / "usr/lib/erlang/bin"))


def test_the_machines_own_comes_first(home):
    if shutil.which("rabbitmqctl") is None:
        pytest.skip("RabbitMQ is not installed")
    found = find(Home.at(home))

    assert found.scripts.is_relative_to("/usr/lib/rabbitmq")
    assert not found.variables


def test_a_download_that_fails_leaves_nothing_half_done(home):
    with pytest.raises(LocalError, match="apt-get failed"):
        unpack("no-such-package-at-all", home / "debian", print)

    assert not (home / "debian").exists()


def test_libraries_that_came_along_are_found(tmp_path):
    library = tmp_path / "usr/lib/x86_64-linux-gnu/libtinfo.so.6"
    library.parent.mkdir(parents=True)
    library.touch()

    assert unpacked_variables(tmp_path)["LD_LIBRARY_PATH"] == str(library.parent)
