"""What operators do with dead letters."""

from typing import Any, NamedTuple
from uuid import UUID

from modelpick_shared.broker import (
    BrokerConnector,
    Delivery,
    Exchange,
    HeldLetter,
    OutgoingMessage,
    Publisher,
    QueueBrowser,
    QueueSpec,
    Service,
    dead_letter_queue,
    event_queue,
    model_queue,
    work_queues,
)
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import RunReplayRequested, RunRequested
from modelpick_shared.errors import InvalidMessageError

Row = dict[str, Any]

_UNREADABLE = "unreadable"


class Filter(NamedTuple):
    """Which letters to move; None is any."""

    report_id: UUID | None = None
    model_id: str | None = None
    limit: int | None = None


def all_queues() -> list[QueueSpec]:
    return work_queues(model.id for model in load_catalog())


def dead_name(queue: QueueSpec) -> str:
    return dead_letter_queue(queue).name


def queue_called(name: str) -> QueueSpec:
    """Return the work queue of that name, or whose dead-letter queue has it.

    A model that has left the catalogue may have left dead letters, so its queue is returned as well; see
    `exists`. Raises KeyError for what cannot be a queue's name.
    """
    for queue in (*all_queues(), *_of_former_model(name)):
        if name in {queue.name, dead_name(queue)}:
            return queue
    raise KeyError(name)


def _of_former_model(name: str) -> list[QueueSpec]:
    slug = name.partition(".")[2].partition(".")[0]
    return [model_queue(slug)] if slug else []


async def exists(browser: QueueBrowser, queue: QueueSpec) -> bool:
    """Say whether a queue is one of the topology's, or is found at the broker."""
    if queue in all_queues():
        return True
    return (await browser.counts([dead_name(queue)]))[dead_name(queue)] is not None


async def overview(browser: QueueBrowser) -> list[Row]:
    """Return every work queue with its counts; a queue that nobody declared yet has none."""
    queues = all_queues()
    counts = await browser.counts([name for queue in queues for name in (queue.name, dead_name(queue))])
    rows = []
    for queue in queues:
        work, dead = counts[queue.name], counts[dead_name(queue)]
        rows.append(
            {
                "queue": queue.name,
                "ready": work.ready if work else None,
                "consumers": work.consumers if work else None,
                "dead": dead.ready if dead else None,
            }
        )
    return rows


async def peek(browser: QueueBrowser, queue: QueueSpec, *, limit: int) -> list[Row]:
    """Describe a queue's dead letters; all of them stay."""
    async with browser.letters(dead_name(queue), limit=limit) as letters:
        return [describe(letter.delivery) async for letter in letters]


async def replay(
    browser: QueueBrowser, connector: BrokerConnector, queue: QueueSpec, wanted: Filter, *, dry_run: bool
) -> list[Row]:
    """Move the wanted letters; return them, each with what became of it.

    A letter is acknowledged once the broker has its successor: dying in between moves it twice, which
    everybody bears. What does not match, or cannot be read, stays.
    """
    rows: list[Row] = []
    async with (
        Publisher(connector, queues=[_goes_to(queue)]) as publisher,
        browser.letters(dead_name(queue)) as letters,
    ):
        async for letter in letters:
            if matches(letter.delivery, wanted):
                outcome = await _move(letter, queue, publisher, dry_run=dry_run)
                rows.append({"outcome": outcome} | describe(letter.delivery))
            if sum(row["outcome"] != _UNREADABLE for row in rows) == wanted.limit:
                break
    return rows


def _goes_to(queue: QueueSpec) -> QueueSpec:
    if queue.exchange is Exchange.JOBS:
        return event_queue(Service.ORCHESTRATOR, RunReplayRequested)
    return queue


async def _move(letter: HeldLetter, queue: QueueSpec, publisher: Publisher, *, dry_run: bool) -> str:
    successor = successor_of(letter.delivery, queue)
    if successor is None:
        return _UNREADABLE
    if dry_run:
        return "would move"
    await publisher.publish(successor)
    await letter.settle()
    return "moved"


def successor_of(delivery: Delivery, queue: QueueSpec) -> OutgoingMessage | None:
    """Return what to publish for a letter; None when its body cannot be read.

    A job is not put back itself: its attempt may be long over, so the orchestrator decides.
    """
    if queue.exchange is not Exchange.JOBS:
        return delivery.sent_again(queue.name)
    run = _run_of(delivery)
    if run is None:
        return None
    return OutgoingMessage.of(RunReplayRequested(**run.job_key._asdict(), attempt_token=run.attempt_token))


def matches(delivery: Delivery, wanted: Filter) -> bool:
    if wanted.report_id is not None and _report_of(delivery) != str(wanted.report_id):
        return False
    return wanted.model_id is None or _field(delivery, "model_id") == wanted.model_id


def describe(delivery: Delivery) -> Row:
    """Return a letter for people: what it is about, why it is here and since when."""
    job = [_field(delivery, name) for name in ("model_id", "image_index", "run_index")]
    return {
        "message_id": delivery.message_id,
        "type": delivery.type,
        "report": _report_of(delivery),
        "job": " ".join(map(str, job)) if None not in job else None,
        "queue": delivery.headers.get("x-queue"),
        "reason": delivery.headers.get("x-reason"),
        "attempts": delivery.headers.get("x-attempts"),
        "first_failed_at": delivery.headers.get("x-first-failed-at"),
        "last_failed_at": delivery.headers.get("x-last-failed-at"),
    }


def _report_of(delivery: Delivery) -> str | None:
    if delivery.report_id is not None:
        return str(delivery.report_id)
    named = _field(delivery, "report_id")
    return str(named) if named else None


def _run_of(delivery: Delivery) -> RunRequested | None:
    try:
        return delivery.open(RunRequested)
    except InvalidMessageError:
        return None


def _field(delivery: Delivery, name: str) -> Any:
    try:
        return delivery.envelope().data.get(name)
    except InvalidMessageError:
        return None
