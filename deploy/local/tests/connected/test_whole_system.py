"""The launcher with the real database and broker, as whoever runs the tests and as an ordinary user."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import psycopg
import pytest

from modelpick_local.health import is_healthy
from modelpick_local.home import find_checkout
from modelpick_local.processes import marked, wait_gone
from modelpick_local.state import Phase, read_state
from modelpick_local.system import System

pytestmark = pytest.mark.connected

LAUNCHER = str(Path(__file__).parent / "stand_ins" / "launcher.py")
NATIVE = {"STORES": "true", "DATABASE_URL": "", "RABBITMQ_URL": ""}
AS_NOBODY = (sys.executable, str(Path(LAUNCHER).with_name("as_nobody.py")))


def test_database_and_broker_come_back_after_a_kill_and_leave_nothing(eventually):
    with System(command=(sys.executable, LAUNCHER), env=NATIVE) as system:
        mark = read_state(system.home).run_id
        for name in ("database", "broker"):
            system.kill(name)
        for name in ("database", "broker"):
            assert eventually(
                lambda name=name: (
                    system.parts()[name].restarts == 1 and system.parts()[name].phase == Phase.READY
                )
            )

        with psycopg.connect(system.variables()["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

        assert system.stop() == 0
        assert marked(mark) == []


def test_nothing_survives_a_killed_launcher(eventually):
    with System(command=(sys.executable, LAUNCHER), env=NATIVE) as system:
        mark, parts = read_state(system.home).run_id, system.parts()

        system.kill_launcher()

        assert eventually(lambda: not marked(mark))
        # One that is going has lost its environment, and so its mark, a moment before it is gone.
        assert wait_gone((part.process.process for part in parts.values()), timeout_s=5.0) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_needs_nothing_but_the_home():
    python = python_for_nobody()
    system = System(command=(*AS_NOBODY, python, LAUNCHER), env={**NATIVE, **paths()})
    for folder in (system.home.root, system.home.run, system.home.logs):
        shutil.chown(folder, 65534, 65534)

    with system:
        mark = read_state(system.home).run_id
        assert all(is_healthy(part.health_url) for part in system.parts().values())
        assert Path(f"/proc/{system.pid('database')}").stat().st_uid == 65534

        assert system.stop() == 0
        assert marked(mark) == []


def python_for_nobody():
    """Ours may lie where others cannot look; then one of the same version with our packages does as well."""
    for python in (sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin")):
        tried = subprocess.run(
            [*AS_NOBODY, python or "", "-c", "import modelpick_local.commands"],
            env={**os.environ, **paths()},
            capture_output=True,
            check=False,
        )
        if tried.returncode == 0:
            return python
    return pytest.skip("an ordinary user has no interpreter here that can load the packages")


def paths():
    checkout = find_checkout()
    folders = (
        Path(sysconfig.get_path("purelib")),
        checkout / "deploy" / "local" / "src",
        checkout / "shared" / "src",
    )
    return {"PYTHONPATH": ":".join(map(str, folders)), "PYTHONDONTWRITEBYTECODE": "1"}
