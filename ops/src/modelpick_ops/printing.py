"""Answers as tables for people and as JSON for programs."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 240

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, none: str = "") -> None:
    """Print rows; a table has only `columns`, with `none` for what is not there; JSON has all there is."""
    if as_json:
        typer.echo(json.dumps({"items": list(rows)}, default=str))
        return
    table = Table()
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name), none) for name in columns))
    Console(width=_width()).print(table)


def _width() -> int | None:
    """Return None for the terminal's own width; what is piped on is read by line, so ids stay whole."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH


def _cell(value: Any, none: str) -> Text:
    # Not a string: what strangers wrote into a message is neither markup nor a terminal's command.
    return Text("".join(mark if mark.isprintable() else " " for mark in _plain(value, none)))


def _plain(value: Any, none: str) -> str:
    if value is None:
        return none
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
