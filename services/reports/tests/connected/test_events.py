import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import httpx
import pytest

from modelpick_shared.broker import BrokerConnector, Publisher, Service
from modelpick_shared.contracts import ReportCompleted, ReportProgressed
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

# Leaves nothing but the broker's messages to move a stream.
NEVER_S = 3600


class Stream:
    """An open event stream, read event by event."""

    def __init__(self, response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, within_s=10):
        """Return the next event, None at the end of the stream; comments are skipped."""
        fields = {}
        async with asyncio.timeout(within_s):
            async for line in self._lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    return SimpleNamespace(
                        event=fields["event"], id=fields["id"], data=json.loads(fields["data"])
                    )
        return None


@asynccontextmanager
async def watching(world, report, address, **headers):
    cookies = await world.session_of(report)
    async with (
        httpx.AsyncClient(base_url=address, cookies=cookies, timeout=30) as client,
        client.stream("GET", f"/api/reports/{report.id}/events", headers=headers) as response,
    ):
        yield Stream(response)


async def broker_is_connected(address):
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:

        async def connected():
            return (await client.get("/readyz")).json()["broker"] == "connected"

        await eventually(connected)


def progressed(report) -> ReportProgressed:
    return ReportProgressed(report_id=report.id, revision=1, models=[], spent_usd=Decimal(0))


def completed(report) -> ReportCompleted:
    return ReportCompleted(report_id=report.id, status="complete", email="somebody@example.com")


async def test_a_stream_goes_from_snapshot_over_progress_to_complete(world, fresh_broker_url, broker_url_as):
    report = await world.a_report()
    connector = BrokerConnector(fresh_broker_url, name="test")
    async with (
        world.serving(broker_url_as(Service.REPORTS), poll_s=NEVER_S) as (_, address),
        Publisher(connector) as publisher,
    ):
        await broker_is_connected(address)
        async with watching(world, report, address) as stream:
            assert stream.response.headers["content-type"].startswith("text/event-stream")
            first = await stream.next()
            assert (first.event, first.id, first.data["completed_jobs"]) == ("snapshot", "0", 0)
            await world.change(report, completed_jobs=3)
            await publisher.send(progressed(report), persistent=False)
            second = await stream.next()
            assert (second.event, second.id, second.data["completed_jobs"]) == ("progress", "1", 3)
            await world.change(report, completed_jobs=8, status="complete", completed_at=datetime.now(UTC))
            await publisher.send(completed(report), persistent=False)
            third = await stream.next()
            assert (third.event, third.id, third.data["status"]) == ("complete", "2", "complete")
            assert await stream.next() is None
        cookies = await world.session_of(report)
        async with httpx.AsyncClient(base_url=address, cookies=cookies, timeout=30) as client:
            assert (await client.get(f"/api/reports/{report.id}")).json() == third.data


async def test_a_lost_message_still_reaches_the_browser(world):
    report = await world.a_report()
    async with world.serving(poll_s=0.2) as (_, address), watching(world, report, address) as stream:
        assert (await stream.next()).event == "snapshot"
        await world.change(report, completed_jobs=5)
        assert (await stream.next()).data["completed_jobs"] == 5


async def test_a_report_that_has_ended_sends_snapshot_and_complete_and_ends(world):
    report = await world.a_report(status="failed", failure_reason="Nothing could be measured.", revision=7)
    async with world.serving() as (_, address), watching(world, report, address) as stream:
        events = [await stream.next(), await stream.next()]
        assert [(event.event, event.id, event.data["status"]) for event in events] == [
            ("snapshot", "7", "failed"),
            ("complete", "7", "failed"),
        ]
        assert await stream.next() is None


@pytest.mark.parametrize("seen", ["0", "12345", "nonsense"])
async def test_a_browser_that_comes_back_gets_a_snapshot_whatever_it_saw_last(world, seen):
    report = await world.a_report()
    async with (
        world.serving() as (_, address),
        watching(world, report, address, **{"Last-Event-ID": seen}) as stream,
    ):
        assert (await stream.next()).event == "snapshot"


async def test_open_streams_end_promptly_when_the_service_stops(world):
    report = await world.a_report()
    async with world.serving() as (server, address), watching(world, report, address) as stream:
        assert (await stream.next()).event == "snapshot"
        server.should_exit = True
        assert await stream.next(within_s=1) is None


async def test_a_burst_is_read_once_however_many_watch(world, fresh_broker_url, broker_url_as):
    report = await world.a_report()
    connector = BrokerConnector(fresh_broker_url, name="test")
    async with (
        world.serving(broker_url_as(Service.REPORTS), poll_s=NEVER_S) as (_, address),
        Publisher(connector) as publisher,
    ):
        await broker_is_connected(address)
        async with watching(world, report, address) as one, watching(world, report, address) as other:
            assert [(await one.next()).event, (await other.next()).event] == ["snapshot", "snapshot"]
            before = await reads(address)
            await world.change(report, completed_jobs=5)
            await asyncio.gather(*(publisher.send(progressed(report), persistent=False) for _ in range(50)))
            for stream in (one, other):
                assert (await stream.next()).data["completed_jobs"] == 5
            assert await reads(address) - before <= 3
            assert await metric(address, "modelpick_event_streams") == 2

        async def nobody_watches():
            return await metric(address, "modelpick_event_streams") == 0

        await eventually(nobody_watches)


async def reads(address):
    return await metric(address, "modelpick_event_states_read_total")


async def metric(address, name):
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))
