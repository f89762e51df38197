"""`modelpick reports`: how a report stands, running what it lacks, and ending it."""

from typing import Annotated, Any
from uuid import UUID

import typer

from modelpick_ops import refunds, report_facts
from modelpick_ops.errors import fail, run
from modelpick_ops.printing import Json, show
from modelpick_ops.report_facts import ListedReport, ReportFacts
from modelpick_ops.settings import address
from modelpick_shared.broker import BrokerConnector, Publisher, Service, event_queue
from modelpick_shared.contracts import Message, ReportCancelRequested, ReportResumeRequested, ReportStatus
from modelpick_shared.db import Database

app = typer.Typer(help="Look at reports, resume, cancel and refund them.", no_args_is_help=True)


@app.command("list")
def list_reports(
    *,
    status: Annotated[ReportStatus | None, typer.Option(help="Only those of this status.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=10_000)] = 20,
    as_json: Json = False,
) -> None:
    """List reports, the newest first."""
    rows = [listed.model_dump(mode="json") for listed in run(_list(status, limit))]
    columns = ("id", "status", "created_at", "started_at", "deadline_at", "completed_jobs", "total_jobs")
    show(rows, (*columns, "spent_usd", "failure_reason"), as_json=as_json)


@app.command("show")
def show_report(report_id: UUID, *, as_json: Json = False) -> None:
    """Show a report's state, money and counts."""
    facts = run(_facts(report_id))
    if as_json:
        typer.echo(facts.model_dump_json())
        return
    rows = [{"field": name, "value": value} for name, value in facts.model_dump(exclude={"models"}).items()]
    show(rows, ("field", "value"), as_json=False)
    models = [model.model_dump() for model in facts.models]
    show(models, ("id", "total", "done", "passed", "failed", "unmeasured", "provider"), as_json=False)


@app.command()
def resume(report_id: UUID, *, as_json: Json = False) -> None:
    """Run what an ended report left unmeasured, under the same ceiling, with a new deadline."""
    facts = run(_facts(report_id))
    if facts.refunded:
        fail("the report was refunded, so it is not resumed")
    if facts.is_active:
        fail(f"the report is {facts.status}: only an ended one can be resumed")
    if not facts.unmeasured:
        fail("the report has nothing unmeasured")
    if facts.images_removed_at is not None:
        fail("the report's images are no longer kept, so there is nothing to run")
    run(_ask(ReportResumeRequested(report_id=report_id)))
    _say_asked(facts, ReportResumeRequested, runs=sum(facts.unmeasured.values()), as_json=as_json)


@app.command()
def cancel(report_id: UUID, *, as_json: Json = False) -> None:
    """End a report that waits or runs with what it has."""
    facts = run(_facts(report_id))
    if not facts.is_active:
        fail(f"the report is {facts.status} already")
    run(_ask(ReportCancelRequested(report_id=report_id)))
    left = facts.total_jobs - facts.completed_jobs
    _say_asked(facts, ReportCancelRequested, runs=left, as_json=as_json)


@app.command()
def refund(report_id: UUID, *, as_json: Json = False) -> None:
    """Give the customer back what was paid for a report; it cannot be resumed then."""
    asked = run(_request_refund(report_id))
    show([asked], tuple(asked), as_json=as_json)


def _say_asked(facts: ReportFacts, request: type[Message], *, runs: int, as_json: bool) -> None:
    """Tell what the orchestrator was asked for, and how many runs it is about."""
    asked = {"report": str(facts.id), "status": facts.status, "asked": request.TYPE, "runs": runs}
    show([asked], tuple(asked), as_json=as_json)


async def _facts(report_id: UUID) -> ReportFacts:
    database = Database(address("DATABASE_URL"), application="ops")
    async with database, database.snapshot() as session:
        facts = await report_facts.read(session, report_id)
    return facts or fail(f"there is no report {report_id}")


async def _list(status: ReportStatus | None, limit: int) -> list[ListedReport]:
    async with (
        Database(address("DATABASE_URL"), application="ops") as database,
        database.snapshot() as session,
    ):
        return await report_facts.newest(session, status, limit)


async def _request_refund(report_id: UUID) -> dict[str, Any]:
    database = Database(address("DATABASE_URL"), application="ops")
    async with database, database.transaction() as session:
        return await refunds.request(session, report_id)


async def _ask(message: Message) -> None:
    connector = BrokerConnector(address("RABBITMQ_URL"), name="ops")
    queue = event_queue(Service.ORCHESTRATOR, type(message))
    async with Publisher(connector, queues=[queue]) as publisher:
        await publisher.send(message)
