import asyncio
from dataclasses import dataclass, replace

import structlog

from modelpick_shared.db import Database
from modelpick_shared.errors import TransientError
from modelpick_shared.telemetry import trace_headers
from modelpick_shared.telemetry.tracing import TRACEPARENT, SpanKind, join_traces
from modelpick_webhook.schemas import Event
from modelpick_webhook.service import Payments, Result, Task, task_of

log = structlog.get_logger()

MOST_AT_ONCE = 64


@dataclass(frozen=True)
class _Waiting:
    task: Task
    result: asyncio.Future[Result]
    headers: dict[str, str]


class Intake:
    """Stores events that arrive at the same time in one transaction.

    While one transaction runs, the events that come wait for the next one; an event alone waits for nobody.
    With 50 connections this takes about five times as many events a second as one transaction each does
    (`python -m benchmarks webhook`).
    """

    def __init__(self, database: Database, payments: Payments) -> None:
        self._database = database
        self._payments = payments
        self._waiting: list[_Waiting] = []
        self._storing: asyncio.Task[None] | None = None

    async def take(self, event: Event) -> Result:
        """Do once what an event asks for; when this returns, it is durable.

        Raises InvalidEventError, and TransientError when the database is away.
        """
        task = task_of(event)
        if task is None:
            return Result.IGNORED
        headers = trace_headers()
        task = replace(task, traceparent=headers.get(TRACEPARENT))
        waiting = _Waiting(task, asyncio.get_running_loop().create_future(), headers)
        self._waiting.append(waiting)
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_all())
        return await waiting.result

    async def _store_all(self) -> None:
        structlog.contextvars.unbind_contextvars("request_id")  # of the one request that began this
        try:
            while self._waiting:
                await asyncio.sleep(0)  # requests that are ready now join this batch
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._store(batch)
        finally:
            self._storing = None

    async def _store(self, batch: list[_Waiting]) -> None:
        try:
            with join_traces("store events", [each.headers for each in batch], kind=SpanKind.INTERNAL):
                results = await self._transaction([each.task for each in batch])
        except asyncio.CancelledError:
            _fail(batch, TransientError("the service stops"))
            raise
        except TransientError as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - each request hears of its own
            await self._store_each(batch, error)
        else:
            for each, result in zip(batch, results, strict=True):
                _settle(each, result)

    async def _store_each(self, batch: list[_Waiting], error: Exception) -> None:
        """Store the events of a batch that failed one by one, so that only the culprit fails."""
        if len(batch) == 1:
            _fail(batch, error)
            return
        log.warning("events.batch_failed", count=len(batch), reason=error.__class__.__name__)
        for each in batch:
            await self._store([each])

    async def _transaction(self, tasks: list[Task]) -> list[Result]:
        async with self._database.transaction() as session:
            return await self._payments.take(session, tasks)


def _settle(waiting: _Waiting, result: Result) -> None:
    if not waiting.result.done():
        waiting.result.set_result(result)


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for each in batch:
        if not each.result.done():
            each.result.set_exception(error)
