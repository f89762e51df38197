"""`modelpick reports`: how a report stands, running what it lacks, and ending it."""

import asyncio
from typing import Any
from uuid import UUID

import typer

from modelpick_ops import report_facts
from modelpick_ops.errors import fail
from modelpick_ops.printing import Json, show
from modelpick_ops.report_facts import ReportFacts
from modelpick_ops.settings import address
from modelpick_shared.broker import BrokerConnector, Publisher, Service, event_queue
from modelpick_shared.contracts import Message, ReportCancelRequested, ReportResumeRequested
from modelpick_shared.db import Database
from modelpick_shared.errors import TransientError

app = typer.Typer(help="Look at reports, resume and cancel them.", no_args_is_help=True)


@app.command("show")
def show_report(report_id: UUID, *, as_json: Json = False) -> None:
    """Show a report's state, money and counts."""
    facts = _run(_facts(report_id))
    if as_json:
        typer.echo(facts.model_dump_json())
        return
    rows = [{"field": name, "value": value} for name, value in facts.model_dump(exclude={"models"}).items()]
    show(rows, ("field", "value"), as_json=False)
    models = [model.model_dump() for model in facts.models]
    show(models, ("id", "total", "done", "passed", "failed", "unmeasured", "provider"), as_json=False)


@app.command()
def resume(report_id: UUID) -> None:
    """Run what an ended report left unmeasured, under the same ceiling, with a new deadline."""
    facts = _run(_facts(report_id))
    if facts.refunded:
        fail("the report was refunded, so it is not resumed")
    if facts.is_active:
        fail(f"the report is {facts.status}: only an ended one can be resumed")
    if not facts.unmeasured:
        fail("the report has nothing unmeasured")
    _run(_ask(ReportResumeRequested(report_id=report_id)))
    typer.echo(f"asked for {sum(facts.unmeasured.values())} runs")


@app.command()
def cancel(report_id: UUID) -> None:
    """End a report that waits or runs with what it has."""
    facts = _run(_facts(report_id))
    if not facts.is_active:
        fail(f"the report is {facts.status} already")
    _run(_ask(ReportCancelRequested(report_id=report_id)))
    typer.echo("asked to end it")


async def _facts(report_id: UUID) -> ReportFacts:
    database = Database(address("DATABASE_URL"), application="ops")
    async with database, database.snapshot() as session:
        facts = await report_facts.read(session, report_id)
    return facts or fail(f"there is no report {report_id}")


async def _ask(message: Message) -> None:
    connector = BrokerConnector(address("RABBITMQ_URL"), name="ops")
    queue = event_queue(Service.ORCHESTRATOR, type(message))
    async with Publisher(connector, queues=[queue]) as publisher:
        await publisher.send(message)


def _run(work: Any) -> Any:
    try:
        return asyncio.run(work)
    except TransientError as error:
        fail(str(error))
