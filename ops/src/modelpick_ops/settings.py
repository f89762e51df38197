"""Where the system is: by the environment, a secret file, `.env`, or what a running system here says."""

import os

from modelpick_local.errors import SettingError
from modelpick_local.home import Home
from modelpick_local.settings import home_path, read_settings
from modelpick_local.state import read_state
from modelpick_ops.errors import USAGE, fail
from modelpick_shared.secret_files import secret_file


def address(name: str) -> str:
    """Return DATABASE_URL or RABBITMQ_URL; ends with status 2 without a usable one."""
    value = given(name) or of_running_system(name)
    if not value:
        fail(f"{name} is not set, and no system of this checkout is running", code=USAGE)
    if "://" not in value:
        fail(f"{name} is not an address", code=USAGE)
    return value


def given(name: str) -> str:
    """Return a setting of the environment or `.env`, or nothing; ends with status 2 when `.env` is wrong."""
    # Where the environment says it, neither a checkout nor a home is needed: think of a container.
    value = os.environ.get(name, "").strip() or secret_file(name)
    try:
        return value or read_settings().given(name)
    except SettingError as error:
        fail(str(error), code=USAGE)


def of_running_system(name: str) -> str:
    """Return what the running system of this checkout found or made for its parts, empty without one."""
    state = read_state(Home(home_path()))
    return state.variables.get(name, "") if state and state.is_running else ""
