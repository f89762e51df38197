"""`modelpick queues`: what lies where, and putting dead letters back."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, NoReturn, TypeVar
from uuid import UUID

import typer

from modelpick_ops import dead_letters
from modelpick_ops.dead_letters import Filter
from modelpick_ops.errors import USAGE, fail, run
from modelpick_ops.printing import Json, show
from modelpick_ops.settings import address
from modelpick_shared.broker import BrokerConnector, QueueBrowser, QueueSpec

T = TypeVar("T")
app = typer.Typer(help="Look into queues, and replay dead letters.", no_args_is_help=True)

Queue = Annotated[str, typer.Argument(help="A queue, or its dead-letter queue: both mean the dead letters.")]
DeadQueue = Annotated[str, typer.Argument(help="A dead-letter queue, by its own name.")]
Report = Annotated[UUID | None, typer.Option("--report", help="Only letters about this report.")]
Model = Annotated[str | None, typer.Option("--model", help="Only letters about this model.")]
LETTERS = ("message_id", "type", "report", "job", "reason", "attempts", "first_failed_at", "last_failed_at")


@app.command("list")
def list_queues(*, as_json: Json = False) -> None:
    """List every queue with its ready messages, consumers and dead letters."""

    async def work() -> list[dead_letters.Row]:
        async with QueueBrowser(_connector()) as browser:
            return await dead_letters.overview(browser)

    show(run(work()), ("queue", "ready", "consumers", "dead"), as_json=as_json, none="absent")


@app.command()
def peek(
    queue: Queue,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many letters to show.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the dead letters of a queue, oldest first, and leave them where they are."""
    rows = _with_queue(queue, lambda browser, _, spec: dead_letters.peek(browser, spec, limit=limit))
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
    wanted = Filter(report, model, limit)
    rows = _with_queue(
        queue,
        lambda browser, connector, spec: dead_letters.replay(
            browser, connector, spec, wanted, dry_run=dry_run
        ),
    )
    show(rows, ("outcome", *LETTERS), as_json=as_json)


@app.command()
def purge(
    queue: DeadQueue,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Drop the dead letters of a queue for good. Work is never dropped."""
    dead_name = dead_letters.dead_name(_known(queue))
    if queue != dead_name:
        fail(f"{queue} holds work, which is never dropped; its dead letters are in {dead_name}", code=USAGE)
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Drop everything in {dead_name}?", abort=True, err=True)
    dropped = _with_queue(queue, lambda browser, *_: browser.purge(dead_name))
    show([{"queue": dead_name, "dropped": dropped}], ("queue", "dropped"), as_json=as_json)


def _connector() -> BrokerConnector:
    return BrokerConnector(address("RABBITMQ_URL"), name="ops")


def _known(name: str) -> QueueSpec:
    try:
        return dead_letters.queue_called(name)
    except KeyError:
        _fail_unknown(name)


def _fail_unknown(name: str) -> NoReturn:
    fail(f"no queue is called {name}; see `modelpick queues list`", code=USAGE)


def _with_queue(name: str, work: Callable[[QueueBrowser, BrokerConnector, QueueSpec], Awaitable[T]]) -> T:
    queue, connector = _known(name), _connector()

    async def find_and_work() -> T:
        async with QueueBrowser(connector) as browser:
            if not await dead_letters.exists(browser, queue):
                _fail_unknown(name)
            return await work(browser, connector, queue)

    return run(find_and_work())
