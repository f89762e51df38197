"""One launcher a home: the lock, and what a launcher that died without a word has left."""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from modelpick_local.errors import LocalError
from modelpick_local.home import Home
from modelpick_local.state import read_state, remove_state
from modelpick_local.watchdog import end_all


@contextmanager
def only_launcher(home: Home) -> Iterator[None]:
    """Hold the home's lock, which the kernel frees whatever happens to us."""
    with home.lock_file.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(_already_running(home)) from None
        end_leftovers(home)
        try:
            yield
        finally:
            remove_state(home)


def end_leftovers(home: Home) -> bool:
    """End the parts of a run whose launcher is dead; return whether there was such a run."""
    state = read_state(home)
    if state is None or state.is_running:
        return False
    noted = {part.process.process: signal.SIGTERM.value for part in state.parts if part.process}
    end_all(state.run_id, noted)
    remove_state(home)
    return True


def _already_running(home: Home) -> str:
    state = read_state(home)
    where = f" on {state.site_url} (pid {state.launcher.pid})" if state else ""
    return (
        f"this home is already running{where}: stop it with `make down`,"
        " or set MODELPICK_HOME and PORT for a second system"
    )
