import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modelpick_local.errors import PartFailedError
from modelpick_local.health import is_healthy, wait_healthy
from modelpick_local.home import Home
from modelpick_local.ports import free_port
from modelpick_local.processes import marked
from modelpick_local.state import Phase, RunState, read_state
from modelpick_local.system import System

pytestmark = pytest.mark.connected

COMMAND = (sys.executable, str(Path(__file__).parent / "stand_ins" / "launcher.py"))
DEADLINE_S = 20.0


def stand_in(**env):
    return System(command=COMMAND, env=env, ready_timeout_s=DEADLINE_S)


def run_id(system):
    return read_state(system.home).run_id


def test_it_says_ready_once_every_part_answers():
    with stand_in() as system:
        parts = system.parts()

        assert list(parts) == ["stripe-simulator", "one", "two", "gateway"]
        assert all(part.phase == Phase.READY and is_healthy(part.health_url) for part in parts.values())
        assert system.simulators() == {"stripe": parts["stripe-simulator"].address}
        lines = system.log.read_text().splitlines()
        assert lines.index("migrate              migrated") < lines.index("one                  listening")
        assert lines[-1] == f"ready {system.site_url}"
        assert (system.home.logs / "one.log").read_text() == "listening\n"


def test_a_crashed_part_comes_back_on_its_port(eventually):
    with stand_in() as system:
        before = system.parts()["one"]

        system.kill("one")

        assert eventually(lambda: system.parts()["one"].restarts == 1)
        assert eventually(lambda: system.parts()["one"].phase == Phase.READY)
        after = system.parts()["one"]
        assert (after.port, after.pid != before.pid) == (before.port, True)
        assert system.parts()["two"].restarts == 0


def test_a_part_that_is_gone_is_not_signalled_under_its_old_id(eventually):
    with stand_in() as system:
        pid = system.pid("one")
        state = system.home.state_file.read_text()
        system.kill("one")
        assert eventually(lambda: system.parts()["one"].pid != pid)
        system.parts = lambda: {part.name: part for part in RunState.model_validate_json(state).parts}

        with pytest.raises(PartFailedError, match="is not running"):
            system.kill("one")


def test_each_crash_makes_the_wait_longer(eventually):
    with stand_in() as system:
        for crash in range(1, 4):
            system.kill("one")
            assert eventually(
                lambda crash=crash: (
                    system.parts()["one"].restarts == crash and system.parts()["one"].phase == Phase.READY
                )
            )

        log = system.log.read_text()
        assert [f"starts again in {delay_s} s" in log for delay_s in (0.2, 0.4, 0.8)] == [True] * 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_in_order(number):
    with stand_in() as system:
        mark = run_id(system)
        os.kill(system.launcher_pid, number)

        assert system.stop() == 0
        assert marked(mark) == []
        assert read_state(system.home) is None


def test_a_part_that_does_not_listen_is_killed():
    with stand_in(DEAF="1") as system:
        mark = run_id(system)

        assert system.stop() == 0
        assert marked(mark) == []
        assert "does not end in time" in system.log.read_text()


def test_a_second_signal_does_not_wait(eventually):
    # Longer than the test waits for the launcher, which it would have to kill.
    with stand_in(DEAF="1", PATIENCE_S="600") as system:
        os.kill(system.launcher_pid, signal.SIGINT)
        assert eventually(lambda: "stopping" in system.log.read_text())

        assert system.stop() == 0


def test_nothing_survives_a_killed_launcher(eventually):
    with stand_in() as system:
        mark = run_id(system)
        assert len(marked(mark)) == 8  # four parts, each with a child

        system.kill_launcher()

        assert eventually(lambda: not marked(mark))


def test_the_next_start_ends_what_a_killed_launcher_and_its_watchdog_left():
    with stand_in() as system:
        mark, left = run_id(system), system.parts()
        children = subprocess.run(
            ["pgrep", "--parent", str(system.launcher_pid), "--full", "modelpick_local.watchdog"],
            capture_output=True,
            text=True,
            check=True,
        )
        os.kill(int(children.stdout), signal.SIGKILL)
        system.kill_launcher()
        assert is_healthy(left["one"].health_url)

        system.start()

        assert marked(mark) == []
        assert system.parts()["one"].phase == Phase.READY


def test_a_taken_port_is_named_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        pytest_itself = f"(pid {os.getpid()})"
        line = last_run(port=port)
        assert f"port {port} is taken" in line
        assert pytest_itself in line
        assert f"PORT={port + 1}" in line


def test_a_bad_setting_stops_everything_with_one_line_and_status_two():
    finished = run_to_its_end(SETTING="bad")

    assert finished.returncode == 2
    assert finished.stderr == "one: SETTING: must not be bad\n"


def test_a_home_runs_once():
    with stand_in() as system:
        finished = run_to_its_end(MODELPICK_HOME=str(system.home.root))

        assert finished.returncode == 1
        assert finished.stderr.startswith(f"this home is already running on {system.site_url}")


def test_two_homes_run_side_by_side():
    with stand_in() as first, stand_in() as second:
        assert wait_healthy(first.parts()["gateway"].health_url, 1)
        assert wait_healthy(second.parts()["gateway"].health_url, 1)

        first.stop()

        assert all(is_healthy(part.health_url) for part in second.parts().values())


def test_down_stops_the_system_from_outside():
    with stand_in() as system:
        mark = run_id(system)

        assert local("down", system.home).returncode == 0

        assert marked(mark) == []
        assert local("down", system.home).stdout == "not running\n"


def test_status_tells_each_parts_health_for_programs():
    with stand_in() as system:
        finished = status(system.home)
        items = json.loads(finished.stdout)["items"]

        assert finished.returncode == 0
        assert [(item["name"], item["health"]) for item in items] == [
            (name, "healthy") for name in ("stripe-simulator", "one", "two", "gateway")
        ]
        assert {item["name"]: item["pid"] for item in items}["one"] == system.pid("one")

        os.kill(system.pid("two"), signal.SIGSTOP)
        assert status(system.home).returncode == 1
        os.kill(system.pid("two"), signal.SIGCONT)


def status(home: Home):
    return run_module("modelpick_ops.main", home, "status", "--json")


def local(word, home: Home):
    return run_module("modelpick_local.main", home, word)


def run_module(module, home: Home, *words):
    return subprocess.run(
        [sys.executable, "-c", f"from {module} import main; main()", *words],
        env={**os.environ, "MODELPICK_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )


def last_run(port):
    return run_to_its_end(PORT=str(port)).stderr


def run_to_its_end(**env):
    with_home = {"PORT": str(free_port())} | env
    system = System(command=COMMAND)
    try:
        return subprocess.run(
            COMMAND,
            env={**os.environ, "MODELPICK_HOME": str(system.home.root), **with_home},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        system.close()
