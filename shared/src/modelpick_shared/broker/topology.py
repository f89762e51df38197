"""Names and arguments of everything on the broker, as values. No other module spells a queue name."""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from modelpick_shared.contracts import (
    MailRequested,
    Message,
    PaymentSeen,
    ReportCancelRequested,
    ReportCompleted,
    ReportFailed,
    ReportPaid,
    ReportResumeRequested,
    RunFinished,
    RunReplayRequested,
    RunRequested,
)

# Every reconnect counts as a delivery (measured: with a limit of 3 and prefetch 50 healthy messages were
# dead-lettered), so the broker's own limit is only a backstop; consumers cap their attempts themselves.
DELIVERY_LIMIT = 100
# A reader that hangs must not fill the broker's memory; the oldest messages go first.
TRANSIENT_LIMIT = 10_000


class Exchange(StrEnum):
    """The durable topic exchanges."""

    EVENTS = "modelpick.events"
    JOBS = "modelpick.jobs"
    DEAD = "modelpick.dead"


class Service(StrEnum):
    CHECKOUT = "checkout"
    WEBHOOK = "webhook"
    ORCHESTRATOR = "orchestrator"
    MODEL_WORKER = "model-worker"
    NOTIFIER = "notifier"
    REPORTS = "reports"
    OPS = "ops"


@dataclass(frozen=True)
class QueueSpec:
    """A queue, the exchange it is bound to and the key it is bound by.

    Durable queues are quorum queues with an explicit delivery limit and a dead-letter queue of their own;
    a transient one is a classic queue that lives as long as its connection.
    """

    name: str
    exchange: Exchange
    routing_key: str
    single_active_consumer: bool = False
    transient: bool = False

    @property
    def arguments(self) -> dict[str, str | int | bool]:
        """Return arguments that RabbitMQ 3.10 and 4.x understand alike."""
        if self.transient:
            return {"x-max-length": TRANSIENT_LIMIT}
        arguments: dict[str, str | int | bool] = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": Exchange.DEAD.value,
            "x-dead-letter-routing-key": self.name,
        }
        if self.single_active_consumer:
            arguments["x-single-active-consumer"] = True
        return arguments

    @property
    def label(self) -> str:
        """Return what metrics call it: its name, of a transient queue without the replica that owns it."""
        return self.name.rpartition(".")[0] if self.transient else self.name


def event_queue(service: Service, message_type: type[Message]) -> QueueSpec:
    """Return the queue in which a service receives an event: `<service>.<event>`."""
    return QueueSpec(f"{service}.{message_type.TYPE}", Exchange.EVENTS, message_type.TYPE)


def model_slug(model_id: str) -> str:
    """Return a model id with every character other than letters and digits replaced by `-`."""
    return re.sub(r"[^A-Za-z0-9]", "-", model_id)


def model_queue(model_id: str) -> QueueSpec:
    """Return the job queue of a model; its consumer's prefetch is the model's concurrency, fleet-wide."""
    slug = model_slug(model_id)
    return QueueSpec(f"jobs.{slug}", Exchange.JOBS, slug, single_active_consumer=True)


def work_queues(model_ids: Iterable[str]) -> list[QueueSpec]:
    """Return every durable work queue that there is: those of events, and those of these models."""
    events = [event_queue(service, message) for service, messages in _SUBSCRIPTIONS for message in messages]
    return events + [model_queue(model_id) for model_id in model_ids]


def subscribers_of(*message_types: type[Message]) -> list[QueueSpec]:
    """Return the queues in which services receive these events.

    Whoever publishes an event sees to it that they are there, so that none is lost before its consumer has
    first run.
    """
    return [
        event_queue(service, message_type)
        for service, messages in _SUBSCRIPTIONS
        for message_type in messages
        if message_type in message_types
    ]


def subscriptions(service: Service) -> tuple[type[Message], ...]:
    """Return the events that a service receives in durable queues of its own."""
    return next((messages for subscriber, messages in _SUBSCRIPTIONS if subscriber == service), ())


_SUBSCRIPTIONS: tuple[tuple[Service, tuple[type[Message], ...]], ...] = (
    (Service.WEBHOOK, (PaymentSeen, ReportFailed)),
    (
        Service.ORCHESTRATOR,
        (ReportPaid, RunFinished, RunReplayRequested, ReportResumeRequested, ReportCancelRequested),
    ),
    (Service.NOTIFIER, (ReportPaid, ReportCompleted, ReportFailed, MailRequested)),
    (Service.REPORTS, (ReportCompleted, ReportFailed)),
)


def broadcast_queue(service: Service, replica: str, message_type: type[Message]) -> QueueSpec:
    """Return a replica's own transient queue for an event that every replica is to see."""
    return QueueSpec(
        f"{service}.{message_type.TYPE}.{replica}", Exchange.EVENTS, message_type.TYPE, transient=True
    )


def dead_letter_queue_name(queue_name: str) -> str:
    return f"{queue_name}.dead"


def dead_letter_queue(queue: QueueSpec) -> QueueSpec:
    """Return where a queue's dead letters lie; it has no dead letters of its own."""
    return QueueSpec(dead_letter_queue_name(queue.name), Exchange.DEAD, queue.name)


@functools.lru_cache(maxsize=1024)
def destinations(exchange: str, routing_key: str) -> tuple[str, ...]:
    """Return the labels of the queues that a message goes to; of events that none keeps, their type."""
    if exchange == Exchange.JOBS:
        return (f"jobs.{routing_key}",)
    if exchange == Exchange.DEAD:
        return (dead_letter_queue_name(routing_key),)
    queues = tuple(
        event_queue(service, message_type).name
        for service, messages in _SUBSCRIPTIONS
        for message_type in messages
        if exchange == Exchange.EVENTS and routing_key == message_type.TYPE
    )
    return queues or (routing_key,)


def route(message: Message) -> tuple[Exchange, str]:
    """Return the exchange and routing key by which a message travels."""
    if isinstance(message, RunRequested):
        return Exchange.JOBS, model_slug(message.model_id)
    return Exchange.EVENTS, message.TYPE
