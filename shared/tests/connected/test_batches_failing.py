"""A reader of batches that fails in a way nobody foresaw is seen, and begins anew."""

import asyncio

import pytest
from structlog.testing import capture_logs

from modelpick_shared.broker import (
    BatchConsumer,
    BrokerConnector,
    ConsumerGroup,
    Publisher,
    Service,
    Verdict,
    event_queue,
)
from modelpick_shared.contracts import ReportPaid
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

QUEUE = event_queue(Service.ORCHESTRATOR, ReportPaid)


class Readiness:
    """A consumer group that remembers every change of `ready`."""

    def __init__(self, group):
        self.group = group
        self.changes = []

    async def watch(self):
        while True:
            if not self.changes or self.changes[-1] != self.group.ready:
                self.changes.append(self.group.ready)
            await asyncio.sleep(0)


class FailingPublisher:
    """A publisher with a bug."""

    async def publish(self, message):
        raise KeyError("a bug")


@pytest.fixture
async def publisher(fresh_broker_url):
    async with Publisher(BrokerConnector(fresh_broker_url, name="test"), queues=[QUEUE]) as publisher:
        yield publisher


async def test_an_unforeseen_failure_of_the_loop_is_seen_and_no_message_is_left_behind(
    fresh_broker_url, publisher
):
    seen, verdicts = [], [Verdict.DEAD_LETTER] * 2

    async def handle(messages):
        seen.extend(message.report_id for message in messages)
        return verdicts.pop() if verdicts else Verdict.ACK

    reader = BatchConsumer(QUEUE, ReportPaid, handle, batch_size=10, publisher=FailingPublisher())
    group = ConsumerGroup(BrokerConnector(fresh_broker_url, name="test consumer"), [reader])
    readiness = Readiness(group)
    tasks = [asyncio.create_task(group.run()), asyncio.create_task(readiness.watch())]
    await eventually(lambda: group.ready)
    first, later = new_id(), new_id()
    with capture_logs() as logs:
        await publisher.send(ReportPaid(report_id=first))
        await eventually(lambda: seen == [first] * 3)
        await publisher.send(ReportPaid(report_id=later))
        await eventually(lambda: seen[-1] == later)
    failures = [line for line in logs if line["event"] == "consumer.failed"]
    assert [line["queue"] for line in failures] == [QUEUE.name] * 2
    assert readiness.changes[-3:] == [True, False, True]
    await group.drain(1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
