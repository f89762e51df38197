import asyncio
from uuid import uuid4

import pytest

from modelpick_reports.hub import Hub, State
from modelpick_shared.errors import TransientError
from modelpick_shared.testing import eventually

REPORT = uuid4()


class Reader:
    """States by report, read by the hub; counts how often."""

    def __init__(self) -> None:
        self.revisions = {REPORT: 0}
        self.reads: list[list] = []
        self.failures = 0

    async def read(self, report_ids):
        self.reads.append(list(report_ids))
        if self.failures:
            self.failures -= 1
            raise TransientError("away")
        return {
            report_id: State(self.revisions[report_id], f"{self.revisions[report_id]}", ended=False)
            for report_id in report_ids
            if report_id in self.revisions
        }


@pytest.fixture
async def reader():
    return Reader()


@pytest.fixture
async def hub(reader):
    hub = Hub(reader.read)
    task = asyncio.create_task(hub.run())
    yield hub
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_slow_watcher_gets_the_latest_state_only(hub, reader):
    with hub.watch(REPORT) as watch:
        assert (await watch.next()).revision == 0
        for revision in (1, 2, 3):
            reader.revisions[REPORT] = revision
            reads = len(reader.reads)
            hub.moved(REPORT)
            await eventually(lambda reads=reads: len(reader.reads) > reads)
        assert (await watch.next()).revision == 3


async def test_many_who_come_at_once_cost_one_read(hub, reader):
    with hub.watch(REPORT) as one, hub.watch(REPORT) as other:
        for _ in range(100):
            hub.moved(REPORT)
        assert (await one.next()) is (await other.next())
        assert reader.reads == [[REPORT]]


async def test_what_nobody_watches_is_not_read(hub, reader):
    hub.moved(REPORT)
    hub.moved(uuid4())
    with hub.watch(REPORT) as watch:
        await watch.next()
    hub.moved(REPORT)
    assert hub._channels == {}
    assert reader.reads == [[REPORT]]


async def test_a_state_that_did_not_change_is_not_sent_again(hub, reader):
    with hub.watch(REPORT) as watch:
        await watch.next()
        hub.moved(REPORT)
        await eventually(lambda: len(reader.reads) == 2)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await watch.next()


async def test_a_database_that_is_away_is_asked_again(hub, reader):
    reader.failures = 1
    with hub.watch(REPORT) as watch:
        assert (await watch.next()).revision == 0


async def test_closing_ends_every_watch(hub):
    with hub.watch(REPORT) as watch:
        await watch.next()
        waiting = asyncio.create_task(watch.next())
        await asyncio.sleep(0)
        hub.close()
        assert await waiting is None
        assert await watch.next() is None
