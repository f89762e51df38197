"""`python -m modelpick_local.demo`: the whole story on a system of its own; what `make demo` runs."""

import asyncio
import signal
import sys
import time

import httpx

from modelpick_local.demo.errors import DemoError
from modelpick_local.demo.options import Options, read_options
from modelpick_local.demo.show import Screen, new_console
from modelpick_local.demo.story import tell
from modelpick_local.demo.vendors import NO_VENDORS
from modelpick_local.errors import LocalError
from modelpick_local.home import Home
from modelpick_local.main import reporting
from modelpick_local.settings import LauncherSettings, read_settings
from modelpick_local.state import read_state
from modelpick_local.system import System

_INTERRUPTED_EXIT_CODE = 130
_POLL_S = 0.5
_STOP_TIMEOUT_S = 160.0  # the worker may finish calls of 130 s


def main() -> None:
    # Whatever asks the demo to end ends it like Ctrl-C: with its system stopped.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        sys.exit(reporting(demo))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED_EXIT_CODE)


def demo() -> int:
    options = read_options()
    settings = read_settings()
    screen = Screen(new_console())
    _refuse_second_system(settings.home)
    screen.step(f"starting the system (logs: {settings.home.logs})")
    with _system(settings) as system:
        screen.step(f"ready at {system.site_url}")
        screen.step(f"the report: {_told(system, options, screen)}")
        if options.keeps_running:
            _keep_running(system, options, screen)
    return 0


def _told(system: System, options: Options, screen: Screen) -> str:
    try:
        return asyncio.run(tell(system.site_url, system.simulators()["mail"], options, screen))
    except httpx.HTTPError as error:
        raise DemoError(f"the site does not answer: {error!r} (logs: {system.home.logs})") from error


def _system(settings: LauncherSettings) -> System:
    return System(
        settings.home.root,
        port=settings.port,
        env={**NO_VENDORS, "SITE_URL": settings.site_url},
        ready_timeout_s=600.0,  # the first start may have to install the broker
        stop_timeout_s=_STOP_TIMEOUT_S,
    )


def _refuse_second_system(home: Home) -> None:
    state = read_state(home)
    if state is not None and state.is_running:
        raise LocalError(
            f"a system of this home is running on {state.site_url}: stop it with `make down`,"
            " or set MODELPICK_HOME and PORT for a second one"
        )


def _keep_running(system: System, options: Options, screen: Screen) -> None:
    screen.step(f"the system goes on running on {system.site_url}; Ctrl-C stops it")
    screen.step(f"sign in there as {options.email}; simulators:")
    for vendor, address in system.simulators().items():
        screen.step(f"  {vendor:10} {address}")
    try:
        while system.parts():  # until `make down` stops it from elsewhere
            time.sleep(_POLL_S)
    except KeyboardInterrupt:
        screen.step("stopping")


if __name__ == "__main__":
    main()
