"""`modelpick payments`: comparing our orders with Stripe, now."""

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID

import typer

from modelpick_ops import payment_problems
from modelpick_ops.errors import fail, run
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import address
from modelpick_shared.db import Database
from modelpick_shared.db.payments import Reconciliation
from modelpick_shared.ids import new_id

app = typer.Typer(help="Compare payments with Stripe.", no_args_is_help=True)

_POLL_S = 0.2
_COLUMNS = ("looked_up", "fulfilled", "closed", "problems", "events")
Timeout = Annotated[float, typer.Option(help="How long to wait for the webhook service, in seconds.", min=1)]


@app.callback()
def commands() -> None:
    """Compare payments with Stripe."""


@app.command()
def reconcile(*, timeout: Timeout = 300, as_json: Json = False) -> None:
    """Look up at Stripe every order that is not settled, and settle it.

    The webhook service, which has the key, does it; `events` are those that had never arrived.
    """
    done = run(_reconcile(timeout))
    if done is None:
        fail("the webhook service has not finished in time; it remembers what it was asked")
    if done.error is not None:
        fail(f"stopped after {done.looked_up} orders: {done.error}")
    show([_row(done)], _COLUMNS, as_json=as_json)


@app.command()
def problems(*, as_json: Json = False) -> None:
    """Show payments that need somebody: what could not be fulfilled, refunds under way, disputes."""
    rows = run(_problems())
    show(rows, ("kind", "id", "order", "state", "problem", "amount_usd", "since"), as_json=as_json)


async def _problems() -> list[dict[str, Any]]:
    async with (
        Database(address("DATABASE_URL"), application="ops") as database,
        database.snapshot() as session,
    ):
        return await payment_problems.read(session)


def _row(done: Reconciliation) -> dict[str, Any]:
    return {name: getattr(done, name) for name in ("id", *_COLUMNS)}


async def _reconcile(timeout_s: float) -> Reconciliation | None:
    ends_at = time.monotonic() + timeout_s
    async with Database(address("DATABASE_URL"), application="ops") as database:
        asked = await _ask(database)
        while time.monotonic() < ends_at:
            async with database.transaction() as session:
                found = await session.get(Reconciliation, asked)
            if found is not None and found.finished_at is not None:
                return found
            await asyncio.sleep(_POLL_S)
    return None


async def _ask(database: Database) -> UUID:
    asked = Reconciliation(id=new_id())
    async with database.transaction() as session:
        session.add(asked)
    return asked.id
