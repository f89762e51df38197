import json
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from modelpick_local.health import is_healthy
from modelpick_local.home import Home
from modelpick_local.settings import home_path
from modelpick_local.state import PartState, RunState, read_state

_HEALTHY = "healthy"
_UNHEALTHY = "unhealthy"
_FAILED = 1


class PartStatus(NamedTuple):
    name: str
    port: int
    pid: int | None
    health: str
    restarts: int


def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False
) -> None:
    """Show every running part with its port, process id and health."""
    run = _running()
    parts = ask_parts(run) if run else []
    if as_json:
        typer.echo(json.dumps({"items": [part._asdict() for part in parts]}))
    elif run:
        _show_table(run, parts)
    if run is None:
        typer.echo("not running: start it with `make up`", err=True)
    if run is None or any(part.health != _HEALTHY for part in parts):
        raise typer.Exit(_FAILED)


def ask_parts(run: RunState) -> list[PartStatus]:
    """Ask every part now, all at once."""
    with ThreadPoolExecutor(max_workers=max(1, len(run.parts))) as pool:
        return list(pool.map(_ask, run.parts))


def _ask(part: PartState) -> PartStatus:
    process = part.process.process if part.process else None
    alive = process is not None and process.is_alive()
    health = _HEALTHY if alive and is_healthy(part.health_url) else _UNHEALTHY
    return PartStatus(part.name, part.port, part.pid if alive else None, health, part.restarts)


def _running() -> RunState | None:
    state = read_state(Home(home_path()))
    return state if state and state.is_running else None


def _show_table(run: RunState, parts: list[PartStatus]) -> None:
    table = Table("part", "port", "pid", "health", "restarts", title=run.site_url, title_justify="left")
    for part in parts:
        colour = "green" if part.health == _HEALTHY else "red"
        pid = "-" if part.pid is None else str(part.pid)
        table.add_row(part.name, str(part.port), pid, f"[{colour}]{part.health}[/]", str(part.restarts))
    Console().print(table)
