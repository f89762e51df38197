import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, Row, Uuid, any_, bindparam, case, func, select, update

from modelpick_shared import faults
from modelpick_shared.broker.connection import backoff_s
from modelpick_shared.broker.publisher import OutgoingMessage, Publisher
from modelpick_shared.db.engine import Database
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.outbox import Outbox
from modelpick_shared.errors import BrokerUnavailableError, TransientError
from modelpick_shared.faults import FaultPoint
from modelpick_shared.telemetry.metrics import OUTBOX_AGE_SECONDS, OUTBOX_BACKLOG, OUTBOX_SENT

log = structlog.get_logger()

BATCH_SIZE = 500
POLL_S = 2.0

# Both are built once: each commit of a service makes its relay ask.
_UNSENT = (
    select(
        OutboxMessage.id,
        OutboxMessage.exchange,
        OutboxMessage.routing_key,
        OutboxMessage.type,
        OutboxMessage.correlation_id,
        OutboxMessage.body,
        OutboxMessage.headers,
    )
    .where(OutboxMessage.source == bindparam("source"), OutboxMessage.sent_at.is_(None))
    .order_by(OutboxMessage.id)
    .limit(BATCH_SIZE)
    .with_for_update(skip_locked=True)
)
_MARK_SENT = (
    update(OutboxMessage)
    .where(OutboxMessage.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .values(sent_at=func.now(), body=case((OutboxMessage.erase_body, None), else_=OutboxMessage.body))
    .execution_options(synchronize_session=False)
)


class OutboxRelay:
    """Publishes a service's outbox rows until the broker has confirmed each.

    Woken after a commit of this process; polls every 2 s for rows that another process left behind.
    """

    def __init__(self, database: Database, publisher: Publisher, outbox: Outbox) -> None:
        self._database = database
        self._publisher = publisher
        self._outbox = outbox
        self._measure_at_s = 0.0
        self._oldest_since_s: float | None = None
        source = outbox.source.value
        OUTBOX_BACKLOG.labels(source=source)
        OUTBOX_SENT.labels(source=source)
        OUTBOX_AGE_SECONDS.labels(source=source).set_function(self._age_s)

    async def run(self) -> None:
        """Relay until cancelled."""
        failures = 0
        while True:
            self._outbox.committed.clear()
            try:
                sent_all = await self.relay_batch()
                if time.monotonic() >= self._measure_at_s:
                    self._measure_at_s = time.monotonic() + POLL_S
                    await self._measure()
            except TransientError as error:
                log.warning("outbox.retry", reason=str(error))
                sent_all = False
            failures = 0 if sent_all else failures + 1
            await self._wait(failures)

    async def relay_batch(self) -> bool:
        """Publish up to 500 unsent rows at once; return whether the broker confirmed them all.

        Rows are locked while they are published, so that replicas do not send the same ones.
        """
        async with self._database.transaction() as session:
            rows = (await session.execute(_UNSENT, {"source": self._outbox.source.value})).all()
            sent = await self._publish(rows)
            if sent:
                faults.reach(FaultPoint.RELAY_PUBLISHED)
                await session.execute(_MARK_SENT, {"ids": sent})
        OUTBOX_SENT.labels(source=self._outbox.source.value).inc(len(sent))
        if len(rows) == BATCH_SIZE:
            self._outbox.committed.set()
        return len(sent) == len(rows)

    async def _measure(self) -> None:
        unsent = (OutboxMessage.source == self._outbox.source.value) & OutboxMessage.sent_at.is_(None)
        age = func.extract("epoch", func.clock_timestamp() - func.min(OutboxMessage.created_at))
        statement = select(func.count(), age).where(unsent)
        async with self._database.transaction() as session:
            backlog, age_s = (await session.execute(statement)).one()
        OUTBOX_BACKLOG.labels(source=self._outbox.source.value).set(backlog)
        self._oldest_since_s = None if age_s is None else time.monotonic() - float(age_s)

    def _age_s(self) -> float:
        """Return the age of the oldest row that was seen last: it goes on growing without a database."""
        return 0.0 if self._oldest_since_s is None else max(0.0, time.monotonic() - self._oldest_since_s)

    async def _wait(self, failures: int) -> None:
        """Wait to be woken, or for the poll; after a failure for the back-off, as waking would not help."""
        if failures:
            await asyncio.sleep(backoff_s(failures))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._outbox.committed.wait()

    async def _publish(self, rows: Sequence[Row[Any]]) -> list[UUID]:
        results = await asyncio.gather(
            *(self._publisher.publish(_outgoing(row)) for row in rows), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, BrokerUnavailableError):
                raise result
        failed = [result for result in results if result is not None]
        if failed:
            log.warning("outbox.unconfirmed", count=len(failed), reason=str(failed[0]))
        return [row.id for row, result in zip(rows, results, strict=True) if result is None]


def _outgoing(row: Row[Any]) -> OutgoingMessage:
    return OutgoingMessage(
        exchange=row.exchange,
        routing_key=row.routing_key,
        body=(row.body or "").encode(),
        type=row.type,
        message_id=str(row.id),
        correlation_id=str(row.correlation_id) if row.correlation_id else None,
        headers={str(name): str(value) for name, value in row.headers.items()},
    )
