import asyncio
import os
import shutil
import signal
import uuid
from collections.abc import Callable

from modelpick_local import containers
from modelpick_local.console import Console
from modelpick_local.errors import LocalError
from modelpick_local.home import Home
from modelpick_local.launcher import Launcher
from modelpick_local.parts import Plan
from modelpick_local.ports import LOOPBACK, is_free
from modelpick_local.postgres_place import elsewhere
from modelpick_local.processes import ProcessId, command_line, listener_on, wait_gone
from modelpick_local.run import Run
from modelpick_local.settings import LauncherSettings, home_path, read_settings
from modelpick_local.single import end_leftovers, only_launcher
from modelpick_local.state import read_state

Planner = Callable[[LauncherSettings, str, Callable[[str], None]], Plan]
_DOWN_TIMEOUT_S = 200.0  # the worker may finish calls of 130 s before the stores stop


def up(planner: Planner) -> int:
    settings = read_settings()
    console = Console()
    launcher = ProcessId.of(os.getpid())
    if launcher is None:
        raise LocalError("this needs Linux: /proc does not tell about processes")
    with only_launcher(settings.home):
        _require_free_port(settings.port)
        run_id = uuid.uuid4().hex
        plan = planner(settings, run_id, console.say)
        run = Run(run_id, launcher, settings.home, console, plan)
        try:
            return asyncio.run(Launcher(plan, run).run())
        finally:
            run.close()


def down() -> int:
    home = Home(home_path())
    state = read_state(home)
    if state is None or not state.is_running:
        end_leftovers(home)
        print("not running")  # noqa: T201
        return 0
    os.kill(state.launcher.pid, signal.SIGTERM)
    if wait_gone([state.launcher.process], _DOWN_TIMEOUT_S):
        raise LocalError(f"the launcher (pid {state.launcher.pid}) is still stopping its parts")
    return 0


def clean() -> int:
    """Stop the system and remove its home, with what it keeps elsewhere."""
    down()
    home = Home(home_path())
    shutil.rmtree(elsewhere(home), ignore_errors=True)
    containers.remove_volumes(home.key)
    shutil.rmtree(home.root, ignore_errors=True)
    return 0


def _require_free_port(port: int) -> None:
    if is_free(port, LOOPBACK):
        return
    pid = listener_on(port)
    by = f" by `{command_line(pid)[:80]}` (pid {pid})" if pid else ""
    raise LocalError(f"port {port} is taken{by}: set PORT to a free one, as in: make up PORT={port + 1}")
