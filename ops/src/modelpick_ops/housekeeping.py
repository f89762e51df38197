"""`modelpick housekeeping`: letting go now of what is not needed any more."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from modelpick_ops.errors import FAILED, run
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import address, given
from modelpick_shared.broker import BrokerConnector
from modelpick_shared.catalog import load_catalog
from modelpick_shared.db import Database
from modelpick_shared.errors import ModelPickError
from modelpick_shared.housekeeping import Chore, Housekeeping, all_chores
from modelpick_shared.settings import HousekeepingSettings, load_settings

app = typer.Typer(help="Let go of what is not needed any more.", no_args_is_help=True)

Rows = list[dict[str, Any]]


@app.callback()
def commands() -> None:
    """Let go of what is not needed any more."""


@app.command("run")
def run_now(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is due; change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Do all housekeeping now, as the orchestrator does by itself. Exit code 1: something was not done."""
    rows = run(_work(dry_run=dry_run))
    counted = "due" if dry_run else "removed"
    show(rows, ("kind", "older_than_days", counted, "error"), as_json=as_json)
    if any(row["error"] for row in rows):
        raise typer.Exit(FAILED)


async def _work(*, dry_run: bool) -> Rows:
    settings = load_settings(HousekeepingSettings, "modelpick", **_from_checkout())
    connector = BrokerConnector(address("RABBITMQ_URL"), name="ops")
    async with Database(address("DATABASE_URL"), application="ops") as database:
        chores = all_chores(database, connector, load_catalog(), settings)
        if dry_run:
            return [await _counted(chore) for chore in chores]
        return await _removed(database, chores, settings)


def _from_checkout() -> dict[str, str]:
    """Return the settings of the checkout's `.env`, from wherever the command is called."""
    named = {name: given(name.upper()) for name in HousekeepingSettings.model_fields}
    return {name: value for name, value in named.items() if value}


async def _counted(chore: Chore) -> dict[str, Any]:
    try:
        due, error = await chore.count(), None
    except ModelPickError as failure:
        due, error = None, str(failure)
    return _facts(chore) | {"due": due, "error": error}


async def _removed(database: Database, chores: Sequence[Chore], settings: HousekeepingSettings) -> Rows:
    job = Housekeeping(database, chores, interval_s=settings.housekeeping_interval_s)
    done = await job.run_all()
    return [
        _facts(chore) | {"removed": one.removed, "duration_s": one.duration_s, "error": one.error}
        for chore, one in zip(chores, done, strict=True)
    ]


def _facts(chore: Chore) -> dict[str, Any]:
    return {
        "kind": chore.kind.value,
        "older_than_days": chore.age // timedelta(days=1) if chore.age else None,
    }
