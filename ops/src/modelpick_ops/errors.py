"""How a command fails: in one line, with the exit code that the contract gives it."""

from typing import NoReturn

import typer

FAILED = 1
USAGE = 2


def fail(message: str, *, code: int = FAILED) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
