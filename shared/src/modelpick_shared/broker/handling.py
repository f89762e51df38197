"""What happens around a handler: trace, log context, metrics, retries and dead letters."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count as numbers
from typing import NamedTuple

import structlog

from modelpick_shared.broker.connection import backoff_s
from modelpick_shared.broker.delivery import Delivery, Verdict
from modelpick_shared.broker.publisher import Publisher
from modelpick_shared.broker.topology import QueueSpec
from modelpick_shared.errors import BrokerUnavailableError, PermanentError, TransientError
from modelpick_shared.telemetry import bind_report, redact, traces_are_recorded
from modelpick_shared.telemetry.metrics import CONSUMED, DEAD_LETTERED, HANDLER_SECONDS, RETRIED
from modelpick_shared.telemetry.tracing import SpanKind, continue_trace

log = structlog.get_logger()

# A handler that fails in a way nobody foresaw is tried this often before its message is laid down.
MAX_UNFORESEEN_FAILURES = 5


class Ending(NamedTuple):
    verdict: Verdict
    reason: str = ""
    foreseen: bool = True


async def attempt(name: str, work: Callable[[], Awaitable[Verdict]]) -> Ending:
    """Run a handler once and say how it ended. Only cancellation is raised."""
    started = time.perf_counter()
    try:
        return Ending(await work())
    except PermanentError as error:
        return Ending(Verdict.DEAD_LETTER, str(error))
    except TransientError as error:
        log.warning("handler.retry", type=name, reason=str(error))
        return Ending(Verdict.RETRY, str(error))
    except Exception as error:
        log.exception("handler.failed", type=name)
        return Ending(Verdict.RETRY, repr(error), foreseen=False)
    finally:
        HANDLER_SECONDS.labels(type=name).observe(time.perf_counter() - started)


async def settle(
    name: str,
    work: Callable[[], Awaitable[Verdict]],
    *,
    queue: QueueSpec,
    still_ours: Callable[[], bool],
    unforeseen_limit: int = MAX_UNFORESEEN_FAILURES,
) -> tuple[Ending, int]:
    """Run a handler until its message is done with; return how it ended and after how many attempts.

    A transient failure is tried again for as long as the delivery is ours: the database or the broker being
    away says nothing about the message. An unforeseen one is tried `unforeseen_limit` times.
    """
    unforeseen = 0
    for number in numbers(1):
        ending = await attempt(name, work)
        unforeseen += not ending.foreseen
        if unforeseen >= unforeseen_limit:
            ending = Ending(Verdict.DEAD_LETTER, ending.reason)
        if ending.verdict is not Verdict.RETRY or not still_ours():
            return ending, number
        reason = "transient" if ending.foreseen else "unforeseen"
        RETRIED.labels(queue=queue.label, reason=reason).inc()
        await asyncio.sleep(backoff_s(number))
    raise AssertionError


def count(queue: QueueSpec, verdict: Verdict, deliveries: int = 1) -> None:
    """Count deliveries that are done with, or were given back."""
    CONSUMED.labels(queue=queue.label, verdict=verdict.value).inc(deliveries)


async def lay_down(
    publisher: Publisher, queue_name: str, delivery: Delivery, ending: Ending, attempts: int
) -> None:
    """Publish a delivery to its dead-letter queue and return once the broker has it."""
    reason = redact(ending.reason)
    log.error("message.dead_lettered", queue=queue_name, type=delivery.type, reason=reason)
    letter = delivery.as_dead_letter(queue_name, reason, attempts)
    for number in numbers():
        try:
            await publisher.publish(letter)
        except BrokerUnavailableError as error:
            log.warning("dead_letter.retry", queue=queue_name, reason=str(error))
            await asyncio.sleep(backoff_s(number))
        else:
            DEAD_LETTERED.labels(queue=queue_name).inc()
            return


async def in_context(queue: QueueSpec, delivery: Delivery, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` in the trace that the delivery belongs to, with its report id in every log line."""
    attributes = _attributes(queue, delivery) if traces_are_recorded() else None
    with (
        continue_trace(
            f"consume {delivery.type}", delivery.headers, kind=SpanKind.CONSUMER, attributes=attributes
        ),
        bind_report(delivery.report_id),
    ):
        await work()


def _attributes(queue: QueueSpec, delivery: Delivery) -> dict[str, str]:
    return {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": queue.label,
        "messaging.message.id": delivery.message_id,
        "modelpick.report_id": delivery.correlation_id or "",
    }
