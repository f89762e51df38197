"""Where the system is: by the environment, by `.env`, or by what a running system of this checkout says."""

from modelpick_local.home import Home
from modelpick_local.settings import home_path, read_settings
from modelpick_local.state import read_state
from modelpick_ops.errors import USAGE, fail


def address(name: str) -> str:
    """Return the value of DATABASE_URL, RABBITMQ_URL or another setting; ends with status 2 without one."""
    value = optional(name)
    if not value:
        fail(f"{name} is not set, and no system of this checkout is running", code=USAGE)
    return value


def optional(name: str) -> str:
    """Return a setting, empty when nothing says it."""
    given = read_settings().given(name)
    if given:
        return given
    state = read_state(Home(home_path()))
    return state.variables.get(name, "") if state and state.is_running else ""
