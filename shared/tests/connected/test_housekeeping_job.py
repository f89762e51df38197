"""The one job that does all housekeeping: each kind at its time, by one process, whatever fails."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from modelpick_shared.db import Database
from modelpick_shared.db.tables import HousekeepingRecord
from modelpick_shared.errors import TransientError
from modelpick_shared.housekeeping import Housekeeping, Kind
from modelpick_shared.housekeeping.job import BusyError
from modelpick_shared.housekeeping.metrics import DURATION_SECONDS, FAILED, LAST_SUCCESS, REMOVED
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
def record(database):
    """Give what reads the record of a kind."""

    async def read(kind):
        async with database.transaction() as session:
            return await session.get(HousekeepingRecord, kind.value)

    return read


class Counting:
    """A chore that counts how often it was done, and fails if it is told to."""

    age = None

    def __init__(self, kind, *, every_s=None, error=None):
        self.kind, self.every_s, self.error = kind, every_s, error
        self.times = 0

    async def count(self):
        return 0

    async def remove(self):
        self.times += 1
        if self.error is not None:
            raise self.error
        return 3


def job(database, *chores, interval_s=600):
    return Housekeeping(database, chores, interval_s=interval_s)


@pytest.fixture
def later(database):
    """Give what lets time pass since everything was last tried."""

    async def pass_by(**time):
        async with database.transaction() as session:
            values = {"tried_at": HousekeepingRecord.tried_at - timedelta(**time)}
            await session.execute(update(HousekeepingRecord).values(values))

    return pass_by


async def test_each_kind_is_done_at_its_own_time_also_after_a_restart(database, later):
    often, daily = Counting(Kind.SESSIONS), Counting(Kind.DEAD_LETTERS, every_s=86_400)
    assert len(await job(database, often, daily).run_due()) == 2
    assert await job(database, often, daily).run_due() == []
    await later(minutes=11)
    assert [one.kind for one in await job(database, often, daily).run_due()] == [Kind.SESSIONS]
    await later(hours=24)
    await job(database, often, daily).run_due()
    assert (often.times, daily.times) == (3, 2)


async def test_one_process_at_a_time_does_it(database):
    release = asyncio.Event()
    slow, same = Counting(Kind.SESSIONS), Counting(Kind.SESSIONS)

    async def remove():
        slow.times += 1
        await release.wait()
        return 0

    slow.remove = remove
    first = asyncio.create_task(job(database, slow).run_due())
    await eventually(lambda: slow.times)
    with pytest.raises(BusyError):
        await job(database, same).run_due()
    release.set()
    await first
    assert await job(database, same).run_due() == []
    assert same.times == 0


@pytest.mark.parametrize("error", [TransientError("away"), ValueError("unforeseen")])
async def test_a_kind_that_fails_is_told_of_and_tried_again_and_keeps_no_other_from_being_done(
    database, later, record, error
):
    failing, fine = Counting(Kind.MAILS, error=error), Counting(Kind.SESSIONS)
    failures = FAILED.labels(kind="mails")._value.get()
    first, second = await job(database, failing, fine).run_due()
    assert str(error) in first.error
    assert (second.error, second.removed) == (None, 3)
    assert FAILED.labels(kind="mails")._value.get() == failures + 1
    written = await record(Kind.MAILS)
    assert (written.error, written.finished_at) == (first.error, None)
    assert await job(database, failing, fine).run_due() == []
    await later(minutes=6)
    failing.error = None
    assert [one.kind for one in await job(database, failing, fine).run_due()] == [Kind.MAILS]
    assert (await record(Kind.MAILS)).error is None


async def test_a_kind_that_never_ends_keeps_no_other_from_being_done(database, record, monkeypatch):
    monkeypatch.setattr("modelpick_shared.housekeeping.job.LONGEST_S", 0.01)
    endless, fine = Counting(Kind.DEAD_LETTERS), Counting(Kind.SESSIONS)
    endless.remove = asyncio.Event().wait
    first, second = await job(database, endless, fine).run_due()
    assert (first.error, second.error) == ("not done after 0 s", None)
    assert (await record(Kind.DEAD_LETTERS)).finished_at is None


async def test_it_measures_what_it_did_and_shows_what_other_processes_did(database, record):
    removed = REMOVED.labels(kind="sessions")._value.get()
    chore = Counting(Kind.SESSIONS)
    await job(database, chore).run_due()
    assert REMOVED.labels(kind="sessions")._value.get() == removed + 3
    assert DURATION_SECONDS.labels(kind="sessions")._value.get() >= 0
    LAST_SUCCESS.labels(kind="sessions").set(0)
    await job(database, chore).run_due()
    written = await record(Kind.SESSIONS)
    assert LAST_SUCCESS.labels(kind="sessions")._value.get() == pytest.approx(written.finished_at.timestamp())
    assert (written.removed, written.error) == (3, None)
    assert written.duration_s >= Decimal(0)


async def test_the_loop_goes_on_when_the_work_fails(database, monkeypatch):
    housekeeping = job(database, Counting(Kind.SESSIONS))
    calls = []

    async def due():
        calls.append(1)
        raise [BusyError("busy"), TransientError("away"), ValueError("bug")][min(len(calls), 3) - 1]

    housekeeping.run_due = due
    monkeypatch.setattr("modelpick_shared.housekeeping.job.POLL_S", 0)
    loop = asyncio.create_task(housekeeping.run())
    await eventually(lambda: len(calls) > 4)
    loop.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loop
