import asyncio

import pytest
from sqlalchemy import select, text

from modelpick_shared.db import Database
from modelpick_shared.db.customers import RequestCount
from modelpick_shared.http import Problem
from modelpick_shared.http.rate_limits import LimitName, RateLimits
from modelpick_shared.settings import RateLimitSettings

pytestmark = pytest.mark.connected


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
def passes(database):
    """Give what counts a request and tells whether it passed, else how long to wait."""

    async def count(limit, subject="ada", name=LimitName.UPLOADS, database=database):
        limits = RateLimits(RateLimitSettings(_env_file=None, **{f"rate_limit_{name}": limit}))
        try:
            async with database.transaction() as session:
                await limits.count(session, name, subject)
        except Problem as problem:
            return int(problem.headers["Retry-After"])
        return True

    return count


@pytest.fixture
def later(database):
    """Give what lets time pass for the counts."""

    async def pass_by(seconds):
        statement = text("""
            UPDATE rate_limits SET expires_at = expires_at - make_interval(secs => :s),
            admitted_at = ARRAY(SELECT t - make_interval(secs => :s) FROM unnest(admitted_at) AS t ORDER BY t)
        """)
        async with database.transaction() as session:
            await session.execute(statement, {"s": seconds})

    return pass_by


@pytest.fixture
def rows(database):
    async def stored():
        async with database.transaction() as session:
            return list(await session.scalars(select(RequestCount)))

    return stored


async def test_a_limit_lets_its_events_pass_and_then_tells_how_long_to_wait(passes, later):
    assert [await passes("3/h") for _ in range(3)] == [True] * 3
    await later(1000)
    assert await passes("3/h") in {2600, 2599}
    await later(2598.5)
    assert await passes("3/h") in {2, 1}
    await later(1.5)
    assert [await passes("3/h") for _ in range(3)] == [True] * 3
    assert await passes("3/h") in {3600, 3599}


async def test_no_window_wherever_it_begins_sees_more_than_the_limit(passes, later):
    admitted_at = []
    for now_s in range(0, 7200, 300):
        while await passes("5/h") is True:
            admitted_at.append(now_s)
        await later(300)
    busiest = max(sum(start <= at < start + 3600 for at in admitted_at) for start in admitted_at)
    assert busiest == 5
    assert len(admitted_at) == 10


async def test_the_wait_is_as_long_as_told(passes, later):
    for _ in range(4):
        assert await passes("4/min") is True
        await later(10)
    wait_s = await passes("4/min")
    assert wait_s in {20, 19}
    await later(wait_s)
    assert await passes("4/min") is True
    assert await passes("4/min") in {10, 9}


async def test_a_refused_request_does_not_prolong_the_wait(passes, later):
    await passes("1/h")
    for _ in range(3):
        await later(1000)
        await passes("1/h")
    assert await passes("1/h") <= 600


async def test_subjects_and_limits_count_apart(passes):
    assert await passes("1/h", "ada") is True
    assert await passes("1/h", "bob") is True
    assert await passes("1/h", "ada", LimitName.CHECKOUTS) is True
    assert await passes("1/h", "ada") is not True


async def test_a_changed_setting_counts_what_was_before(passes):
    for _ in range(4):
        await passes("5/h")
    assert await passes("2/h") is not True
    assert await passes("5/h") is True
    assert await passes("5/h") is not True


async def test_nought_turns_a_limit_off_and_counts_nothing(passes, rows):
    assert {await passes("0") for _ in range(50)} == {True}
    assert await rows() == []


async def test_what_is_rolled_back_does_not_count(database, passes):
    limits = RateLimits(RateLimitSettings(_env_file=None, rate_limit_uploads="1/h"))
    async with database.transaction() as session:
        await limits.count(session, LimitName.UPLOADS, "ada")
        await session.rollback()
    assert await passes("1/h") is True


async def test_of_many_at_once_from_two_replicas_exactly_the_limit_passes(
    passes, database, fresh_database_url
):
    async with Database(fresh_database_url, application="test") as other:
        requests = [passes("20/h", database=(database, other)[number % 2]) for number in range(100)]
        outcomes = await asyncio.gather(*requests)
    assert outcomes.count(True) == 20


async def test_personal_subjects_are_stored_hashed_and_rows_stay_small(passes, rows, later):
    for _ in range(20):
        await passes("3/h", "ada@example.com")
        await later(700)
    (row,) = await rows()
    assert len(row.subject) == 32
    assert b"ada" not in row.subject
    assert len(row.admitted_at) <= 3


async def test_of_a_generous_limit_only_the_window_is_kept(passes, rows, later):
    for _ in range(12):
        await passes("100000/h")
        await later(700)
    (row,) = await rows()
    assert len(row.admitted_at) == 6
