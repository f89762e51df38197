"""A database that closes while its connections are in use."""

import asyncio
import gc

import pytest
from sqlalchemy import text

from modelpick_shared.db import Database

pytestmark = pytest.mark.connected


async def _work(database):
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_sleep(0.05)"))


# From before the connection is there to after it was given back.
@pytest.mark.parametrize("after_s", [0, 0.002, 0.005, 0.01, 0.03, 0.08])
async def test_closing_waits_for_transactions_that_run(empty_database_url, after_s):
    async with Database(empty_database_url, application="test") as database:
        work = asyncio.create_task(_work(database))
        await asyncio.sleep(after_s)
    await work
    del database, work
    gc.collect()  # a connection left open would warn here, which fails the test


async def test_closing_waits_for_a_transaction_that_was_cancelled(empty_database_url):
    async with Database(empty_database_url, application="test") as database:
        work = asyncio.create_task(_work(database))
        await asyncio.sleep(0.03)
        work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    del database, work
    gc.collect()
