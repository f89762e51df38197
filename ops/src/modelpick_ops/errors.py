"""How a command fails: in one line, with the exit code that the contract gives it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import typer
from sqlalchemy.exc import SQLAlchemyError

from modelpick_shared.errors import ModelPickError
from modelpick_shared.telemetry import redact

T = TypeVar("T")

FAILED = 1
USAGE = 2


def fail(message: str, *, code: int = FAILED) -> NoReturn:
    typer.echo(redact(" ".join(message.split())), err=True)
    raise typer.Exit(code)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end; what went wrong outside ends the command with status 1."""
    try:
        return asyncio.run(work)
    except ModelPickError as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fail(f"database: {error.__class__.__name__}")
    except KeyboardInterrupt:
        fail("interrupted: what was not moved yet is where it was")
