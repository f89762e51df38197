"""Two consumers take turns on a single-active-consumer queue that never runs empty."""

import asyncio
from collections import Counter
from dataclasses import replace

import aio_pika
import pytest

from modelpick_shared.broker import BrokerConnector, Consumer, Publisher, Service, Verdict, event_queue
from modelpick_shared.broker import consumer as consumer_module
from modelpick_shared.contracts import ReportPaid
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

PREFETCH = 3
TURNS = 40
WAITING = 200
QUEUE = replace(
    event_queue(Service.ORCHESTRATOR, ReportPaid), name="orchestrator.turns", single_active_consumer=True
)


class Shift:
    """What both consumers did with the messages, and the most that they had in hand together."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.sent = self.running = self.most = 0

    async def work(self, _: ReportPaid) -> Verdict:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        self.running -= 1
        return self._end("done")

    async def redelivered(self, _: ReportPaid) -> Verdict:
        return self._end("redelivered")

    async def not_started(self, _: ReportPaid) -> Verdict:
        return self._end("not_started")

    def _end(self, how: str) -> Verdict:
        self.ended[how] += 1
        return Verdict.ACK

    async def feed(self, publisher: Publisher) -> None:
        while True:
            await eventually(lambda: self.sent - self.ended.total() < WAITING)
            await asyncio.gather(*(publisher.send(ReportPaid(report_id=new_id())) for _ in range(20)))
            self.sent += 20

    def consumer(self, publisher: Publisher) -> Consumer[ReportPaid]:
        return Consumer(
            QUEUE,
            ReportPaid,
            self.work,
            prefetch=PREFETCH,
            publisher=publisher,
            redelivered=self.redelivered,
            not_started=self.not_started,
        )


async def take_turns(connection, first: Consumer, second: Consumer) -> None:
    """Start both, and let the active one go to the end of the line again and again."""
    channels = [await connection.channel(), await connection.channel()]
    await first.start(channels[0])
    await second.start(channels[1])
    for turn in range(TURNS):
        leaving = (first, second)[turn % 2]
        await leaving.drain(5)
        await channels[turn % 2].close()
        channels[turn % 2] = await connection.channel()
        await leaving.start(channels[turn % 2])
    await asyncio.gather(first.drain(5), second.drain(5))


async def test_changing_hands_under_load_never_exceeds_the_prefetch_nor_marks_a_message_as_redelivered(
    fresh_broker_url, monkeypatch
):
    # A broker on a busy machine may take longer than the second that a hand-over waits for it.
    monkeypatch.setattr(consumer_module, "LAST_DELIVERY_S", 20.0)
    shift = Shift()
    connector = BrokerConnector(fresh_broker_url, name="test")
    async with Publisher(connector, queues=[QUEUE]) as publisher:
        feeding = asyncio.create_task(shift.feed(publisher))
        await eventually(lambda: shift.sent)
        async with await aio_pika.connect(fresh_broker_url) as connection:
            await take_turns(connection, shift.consumer(publisher), shift.consumer(publisher))
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    assert shift.most == PREFETCH
    assert shift.ended["done"] > TURNS
    assert not shift.ended["redelivered"]
