"""What each service's broker user may do: use its own queues and publish its own messages.

Nobody but the broker's owner makes or removes anything that lasts; `provision` does it. A service may declare
the transient queues of its own replicas alone. The default exchange, which leads into every queue, is closed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from modelpick_shared.broker.topology import (
    Exchange,
    Service,
    broadcast_queue,
    dead_letter_queue_name,
    event_queue,
    subscriptions,
)
from modelpick_shared.contracts import (
    MailRequested,
    Message,
    PaymentSeen,
    ReportCompleted,
    ReportFailed,
    ReportPaid,
    ReportProgressed,
    RunFinished,
    WorkerAlive,
    WorkerClock,
)

_SLUG = "[A-Za-z0-9-]+"
_MODEL_QUEUES = rf"jobs\.{_SLUG}"
_REPLICA = "[0-9a-f-]{32,36}"


@dataclass(frozen=True)
class TopicRights:
    """Routing keys that may be published to an exchange, and bound to it; regular expressions."""

    exchange: Exchange
    write: str
    read: str


@dataclass(frozen=True)
class Rights:
    """Permissions of a user in a virtual host, as RabbitMQ spells them: regular expressions of names."""

    configure: str
    write: str
    read: str
    topics: tuple[TopicRights, ...]


@dataclass(frozen=True)
class _Work:
    """What a service does with messages. `hears` are events that every replica is to see."""

    publishes: tuple[type[Message], ...] = ()
    hears: tuple[type[Message], ...] = ()
    requests_runs: bool = False
    runs_models: bool = False
    keeps_house: bool = False


_WORK = {
    Service.CHECKOUT: _Work(publishes=(PaymentSeen, MailRequested)),
    Service.WEBHOOK: _Work(publishes=(ReportPaid, MailRequested)),
    # Housekeeping, which removes old dead letters of all queues, runs in the orchestrator's process.
    Service.ORCHESTRATOR: _Work(
        publishes=(ReportCompleted, ReportFailed, ReportProgressed, WorkerClock),
        hears=(WorkerAlive,),
        requests_runs=True,
        keeps_house=True,
    ),
    Service.MODEL_WORKER: _Work(
        publishes=(RunFinished, WorkerAlive), hears=(WorkerAlive, WorkerClock), runs_models=True
    ),
    Service.NOTIFIER: _Work(),
    Service.REPORTS: _Work(hears=(ReportProgressed, ReportCompleted, ReportFailed)),
}
# Operators' commands use the owner's address: they look into every queue and move what lies there.
USERS = tuple(_WORK)


def user_name(prefix: str, service: Service) -> str:
    return f"{prefix}-{service.value}"


def user_url(url: str, name: str, password: str) -> str:
    """Return the owner's address of a broker, of each host of a cluster, with a user in the owner's place."""
    return ",".join(_with_user(host.strip(), name, password) for host in url.split(","))


def _with_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(name, safe='')}:{quote(password, safe='')}@{host}"))


def rights_of(service: Service) -> Rights:
    """Return what a service's user may do, and nothing beyond it."""
    work = _WORK[service]
    own = [re.escape(event_queue(service, message).name) for message in subscriptions(service)]
    own += [_MODEL_QUEUES] if work.runs_models else []
    heard = [re.escape(broadcast_queue(service, "", message).name) + _REPLICA for message in work.hears]
    dead = [rf".+{re.escape(dead_letter_queue_name(''))}"] if work.keeps_house else []
    topics = _topics(work, own, lays_down_all=work.keeps_house)
    written = [re.escape(topic.exchange.value) for topic in topics if topic.write != _NOTHING]
    bound = [re.escape(topic.exchange.value) for topic in topics if topic.read != _NOTHING]
    return Rights(
        configure=_any_of(heard),
        write=_any_of([*heard, *written]),
        read=_any_of([*own, *heard, *dead, *bound]),
        topics=topics,
    )


def _topics(work: _Work, own: list[str], *, lays_down_all: bool) -> tuple[TopicRights, ...]:
    """Return the rights of every exchange: one without an entry would be open to all keys."""
    published = _any_of(re.escape(message.TYPE) for message in work.publishes)
    heard = _any_of(re.escape(message.TYPE) for message in work.hears)
    return (
        TopicRights(Exchange.EVENTS, write=published, read=heard),
        TopicRights(Exchange.JOBS, write=_any_of([_SLUG] if work.requests_runs else []), read=_NOTHING),
        TopicRights(Exchange.DEAD, write=_any_of([".+"] if lays_down_all else own), read=_NOTHING),
    )


_NOTHING = "^$"


def _any_of(patterns: Iterable[str]) -> str:
    patterns = list(patterns)
    return f"^({'|'.join(patterns)})$" if patterns else _NOTHING
