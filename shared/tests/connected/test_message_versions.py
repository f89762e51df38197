"""Consumers are upgraded before producers: versions N and N-1 are understood, others are laid down."""

import asyncio
import json
from typing import ClassVar
from uuid import UUID

import pytest

from modelpick_shared.broker import (
    BatchConsumer,
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    OutgoingMessage,
    Publisher,
    QueueBrowser,
    Service,
    Verdict,
    dead_letter_queue,
    event_queue,
)
from modelpick_shared.contracts import MESSAGES, Envelope, Message, ReportPaid
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

QUEUE = event_queue(Service.ORCHESTRATOR, ReportPaid)


class NextReportPaid(Message):
    """`report.paid` as a later release might have it: a field more, which older messages lack."""

    TYPE: ClassVar[str] = ReportPaid.TYPE
    SCHEMA_VERSION: ClassVar[int] = ReportPaid.SCHEMA_VERSION + 1

    report_id: UUID
    priority: int = 0


class Handler:
    def __init__(self):
        self.seen = []

    async def one(self, message):
        self.seen.append(message)
        return Verdict.ACK

    async def many(self, messages):
        self.seen.extend(messages)
        return Verdict.ACK


def reader(kind, message_type, handler, publisher):
    if kind is BatchConsumer:
        return BatchConsumer(QUEUE, message_type, handler.many, batch_size=10, publisher=publisher)
    return Consumer(QUEUE, message_type, handler.one, prefetch=10, publisher=publisher)


@pytest.fixture
async def publisher(fresh_broker_url):
    async with Publisher(BrokerConnector(fresh_broker_url, name="test"), queues=[QUEUE]) as publisher:
        await publisher.connect()
        yield publisher


@pytest.fixture
async def consumed(fresh_broker_url, publisher):
    """Give what consumes bodies as one type, and returns what was handled and what was laid down."""
    connector = BrokerConnector(fresh_broker_url, name="test consumer")

    async def letters():
        name = dead_letter_queue(QUEUE).name
        async with QueueBrowser(connector) as browser, browser.letters(name) as found:
            return [letter.delivery async for letter in found]

    async def consume(kind, message_type, *messages):
        for message in messages:
            await publisher.publish(message)
        handler = Handler()
        group = ConsumerGroup(connector, [reader(kind, message_type, handler, publisher)])
        task = asyncio.create_task(group.run())
        try:

            async def all_done():
                dead = await letters()
                return (handler.seen, dead) if len(handler.seen) + len(dead) == len(messages) else None

            return await eventually(all_done)
        finally:
            await group.drain(1)
            task.cancel()
            await asyncio.wait([task])

    return consume


def sent(message, **changes):
    """Return a message as it is published, with its envelope changed."""
    body = json.loads(OutgoingMessage.of(message).body) | changes
    outgoing = OutgoingMessage.of(message)
    return OutgoingMessage(**{**vars(outgoing), "body": json.dumps(body).encode()})


@pytest.mark.parametrize("kind", [Consumer, BatchConsumer])
async def test_this_release_and_the_next_one_understand_what_this_one_sends(kind, consumed):
    message = ReportPaid(report_id=new_id())
    handled, dead = await consumed(kind, NextReportPaid, sent(message))
    assert (handled, dead) == ([NextReportPaid(report_id=message.report_id, priority=0)], [])


@pytest.mark.parametrize("kind", [Consumer, BatchConsumer])
async def test_old_and_new_messages_lie_in_one_queue_during_an_upgrade(kind, consumed):
    old, new = ReportPaid(report_id=new_id()), NextReportPaid(report_id=new_id(), priority=3)
    handled, dead = await consumed(kind, NextReportPaid, sent(old), sent(new), sent(old))
    ids = [message.report_id for message in handled]
    assert (sorted(ids), dead) == (sorted([old.report_id, new.report_id, old.report_id]), [])


@pytest.mark.parametrize("kind", [Consumer, BatchConsumer])
async def test_versions_that_are_too_new_or_too_old_wait_as_dead_letters(kind, consumed):
    known, *strange = (ReportPaid(report_id=new_id()) for _ in range(3))
    versions = [
        sent(message, schema_version=version) for message, version in zip(strange, (-1, 3), strict=True)
    ]
    handled, dead = await consumed(kind, ReportPaid, sent(known), *versions)
    assert [message.report_id for message in handled] == [known.report_id]
    assert all("is not understood" in letter.headers["x-reason"] for letter in dead)


@pytest.mark.parametrize("message_type", MESSAGES, ids=lambda message: message.TYPE)
def test_fields_that_a_later_release_adds_are_ignored_in_every_message(message_type):
    class Later(message_type):
        a_new_field: int = 1

    Later.__name__ = message_type.__name__
    fields = {name: field for name, field in Later.model_fields.items() if name != "a_new_field"}
    message = Later.model_construct(**dict.fromkeys(fields))
    body = json.loads(Envelope.encode(message, message_id=new_id()))
    assert body["data"].keys() - message_type.model_fields.keys() == {"a_new_field"}
    assert message_type.model_config["extra"] == "ignore"
