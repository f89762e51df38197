"""`modelpick queues`: what lies where, and putting dead letters back."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from modelpick_ops import dead_letters
from modelpick_ops.dead_letters import Filter
from modelpick_ops.errors import USAGE, fail
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import address
from modelpick_shared.broker import BrokerConnector, QueueBrowser, QueueSpec
from modelpick_shared.errors import BrokerUnavailableError

T = TypeVar("T")
app = typer.Typer(help="Look into queues, and replay dead letters.", no_args_is_help=True)

Queue = Annotated[str, typer.Argument(help="A queue, or its dead-letter queue: both mean the dead letters.")]
Report = Annotated[UUID | None, typer.Option("--report", help="Only letters about this report.")]
Model = Annotated[str | None, typer.Option("--model", help="Only letters about this model.")]
LETTERS = ("message_id", "type", "report", "job", "reason", "attempts", "first_failed_at", "last_failed_at")


@app.command("list")
def list_queues(*, as_json: Json = False) -> None:
    """List every queue with its ready messages, dead letters and consumers."""
    rows = _with_broker(dead_letters.overview)
    show(rows, ("queue", "ready", "consumers", "dead"), as_json=as_json)


@app.command()
def peek(
    queue: Queue,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many letters to show.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the dead letters of a queue, and leave them where they are."""
    spec = _known(queue)
    rows = _with_broker(lambda browser, _: dead_letters.peek(browser, spec, limit=limit))
    show(rows, LETTERS, as_json=as_json)


@app.command()
def replay(
    queue: Queue,
    *,
    report: Report = None,
    model: Model = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Move at most so many.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would move.")] = False,
    as_json: Json = False,
) -> None:
    """Put the dead letters of a queue back; for a job, ask the orchestrator to dispatch it again."""
    spec = _known(queue)
    wanted = Filter(report, model, limit)
    rows = _with_broker(
        lambda browser, connector: dead_letters.replay(browser, connector, spec, wanted, dry_run=dry_run)
    )
    show(rows, ("outcome", *LETTERS), as_json=as_json)


@app.command()
def purge(
    queue: Queue,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Drop the dead letters of a queue for good."""
    spec = _known(queue)
    name = dead_letters.dead_name(spec)
    if not yes:
        typer.confirm(f"Drop everything in {name}?", abort=True)
    dropped = _with_broker(lambda browser, _: browser.purge(name))
    show([{"queue": name, "dropped": dropped}], ("queue", "dropped"), as_json=as_json)


def _known(queue: str) -> QueueSpec:
    try:
        return dead_letters.queue_called(queue)
    except KeyError:
        fail(f"no queue is called {queue}; see `modelpick queues list`", code=USAGE)


def _with_broker(work: Any) -> Any:
    connector = BrokerConnector(address("RABBITMQ_URL"), name="ops")

    async def run() -> Any:
        async with QueueBrowser(connector) as browser:
            return await work(browser, connector)

    return _run(run())


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except BrokerUnavailableError as error:
        fail(str(error))
