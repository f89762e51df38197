import argparse
import sys
from collections.abc import Callable

from modelpick_local.commands import clean, down, up
from modelpick_local.errors import LocalError
from modelpick_local.planning import make_plan


def main() -> None:
    commands = {"up": lambda: up(make_plan), "down": down, "clean": clean}
    parser = argparse.ArgumentParser(
        prog="modelpick-local", description="Run the whole system on this machine."
    )
    parser.add_argument("command", choices=commands, help="up runs in the foreground until Ctrl-C")
    sys.exit(reporting(commands[parser.parse_args().command]))


def reporting(command: Callable[[], int]) -> int:
    """Run a command; show what its user can act on as one line."""
    try:
        return command()
    except LocalError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    main()
