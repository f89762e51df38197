import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from modelpick_shared.db.engine import Database
from modelpick_shared.db.upkeep import HousekeepingRecord
from modelpick_shared.errors import ModelPickError, TransientError
from modelpick_shared.housekeeping.chores import Chore, Kind
from modelpick_shared.housekeeping.metrics import DURATION_SECONDS, FAILED, LAST_SUCCESS, REMOVED

log = structlog.get_logger()

POLL_S = 30.0
# A kind that failed is tried again after this, or at its usual time where that is earlier.
TRY_AGAIN = timedelta(minutes=5)
# So long one kind may keep the others waiting. What it has done by then stays done, and it goes on next time.
LONGEST_S = 900.0
# Names this work among advisory locks: one process at a time does it.
LOCK_KEY = 0x6D70_686F_7573


class BusyError(TransientError):
    """Another process does the housekeeping just now."""


class Done(NamedTuple):
    """What came of one kind: how many were removed, in what time, and what stopped it, if anything did."""

    kind: Kind
    removed: int
    duration_s: float
    error: str | None = None


class Housekeeping:
    """Does every chore when it is due. Any number of processes may run it: one at a time does the work.

    When each kind was last done is kept in the database, so that restarts neither repeat nor forget it.
    """

    def __init__(self, database: Database, chores: Sequence[Chore], *, interval_s: float) -> None:
        self._database = database
        self._chores = chores
        self._interval_s = interval_s

    async def run(self) -> None:
        """Look twice a minute until cancelled; while the database is away, later."""
        while True:
            try:
                await self.run_due()
            except BusyError:
                pass  # somebody does it
            except TransientError as error:
                log.warning("housekeeping.retry", reason=str(error))
            except Exception:
                # It must not take its service down: what it did not record is due again.
                log.exception("housekeeping.failed")
            await asyncio.sleep(POLL_S)

    async def run_due(self) -> list[Done]:
        """Do what is due. Raises BusyError while another process is at it."""
        due = await self._due()
        return await self.run_all(due) if due else []

    async def run_all(self, chores: Iterable[Chore] | None = None) -> list[Done]:
        """Do these chores now, or all; one that fails keeps no other from being done. Raises BusyError."""
        async with self._alone():
            done = []
            for chore in self._chores if chores is None else chores:
                done.append(await self._do(chore))
                await self._record(done[-1])
        return done

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._database.transaction() as lock:
            if not await lock.scalar(select(func.pg_try_advisory_xact_lock(LOCK_KEY))):
                raise BusyError("another process does the housekeeping just now")
            yield

    async def _due(self) -> list[Chore]:
        """Return what is due by the database's clock, and show when each kind was last done."""
        async with self._database.transaction() as session:
            now = (await session.execute(select(func.now()))).scalar_one()
            records = {record.kind: record for record in await session.scalars(select(HousekeepingRecord))}
        for chore in self._chores:
            record = records.get(chore.kind.value)
            done_at = record.finished_at if record else None
            LAST_SUCCESS.labels(kind=chore.kind.value).set(done_at.timestamp() if done_at else 0)
        return [chore for chore in self._chores if self._is_due(chore, records.get(chore.kind.value), now)]

    def _is_due(self, chore: Chore, record: HousekeepingRecord | None, now: datetime) -> bool:
        if record is None:
            return True
        interval = timedelta(seconds=chore.every_s or self._interval_s)
        if record.error is not None:
            return now - record.tried_at >= min(interval, TRY_AGAIN)
        return now - record.tried_at >= interval

    async def _do(self, chore: Chore) -> Done:
        started = time.monotonic()
        try:
            removed, error = await _remove_in_time(chore), None
        except ModelPickError as failure:
            removed, error = 0, str(failure)
            log.warning("housekeeping.stopped", kind=chore.kind.value, reason=error)
        except Exception as failure:
            removed, error = 0, repr(failure)
            log.exception("housekeeping.stopped", kind=chore.kind.value)
        done = Done(chore.kind, removed, round(time.monotonic() - started, 3), error)
        _measure(done)
        return done

    async def _record(self, done: Done) -> None:
        values = {
            "kind": done.kind.value,
            "tried_at": func.now(),
            "removed": done.removed,
            "duration_s": done.duration_s,
            "error": done.error,
        }
        if done.error is None:
            values["finished_at"] = func.now()
        statement = insert(HousekeepingRecord).values(**values)
        async with self._database.transaction() as session:
            await session.execute(
                statement.on_conflict_do_update(index_elements=[HousekeepingRecord.kind], set_=values)
            )


async def _remove_in_time(chore: Chore) -> int:
    try:
        async with asyncio.timeout(LONGEST_S) as limit:
            return await chore.remove()
    except TimeoutError:
        if limit.expired():
            raise TransientError(f"not done after {LONGEST_S:.0f} s") from None
        raise


def _measure(done: Done) -> None:
    kind = done.kind.value
    if done.error is not None:
        FAILED.labels(kind=kind).inc()
        return
    REMOVED.labels(kind=kind).inc(done.removed)
    DURATION_SECONDS.labels(kind=kind).set(done.duration_s)
    LAST_SUCCESS.labels(kind=kind).set_to_current_time()
    if done.removed:
        log.info("housekeeping.done", kind=kind, removed=done.removed, duration_s=done.duration_s)
