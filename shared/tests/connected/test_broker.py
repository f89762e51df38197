import asyncio
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import aio_pika
import pytest

from modelpick_shared.broker import (
    BatchConsumer,
    BrokerConnector,
    Consumer,
    ConsumerGroup,
    OutgoingMessage,
    Publisher,
    QueueSpec,
    Service,
    Verdict,
    dead_letter_queue,
    event_queue,
)
from modelpick_shared.contracts import PaymentSeen, ReportPaid
from modelpick_shared.errors import BrokerUnavailableError, PermanentError, TransientError
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

QUEUE = event_queue(Service.ORCHESTRATOR, ReportPaid)
DEAD = dead_letter_queue(QUEUE)


class Recorder:
    """A handler that remembers what it saw and answers as told."""

    def __init__(self, *answers: Verdict | Exception) -> None:
        self.seen: list[UUID] = []
        self.batches: list[int] = []
        self.poison: UUID | None = None
        self._answers = list(answers)

    async def one(self, message: ReportPaid) -> Verdict:
        self.seen.append(message.report_id)
        return self._answer()

    async def many(self, messages: Sequence[ReportPaid]) -> Verdict:
        self.batches.append(len(messages))
        await asyncio.sleep(0.01)  # as long as a small transaction takes
        if self.poison in [message.report_id for message in messages]:
            raise KeyError("poison")
        self.seen.extend(message.report_id for message in messages)
        return self._answer()

    def _answer(self) -> Verdict:
        answer = self._answers.pop(0) if self._answers else Verdict.ACK
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
async def publisher(fresh_broker_url):
    async with Publisher(BrokerConnector(fresh_broker_url, name="test"), queues=[QUEUE]) as publisher:
        yield publisher


@asynccontextmanager
async def consuming(url, *readers):
    group = ConsumerGroup(BrokerConnector(url, name="test consumer"), readers)
    task = asyncio.create_task(group.run())
    try:
        await eventually(lambda: group.ready)
        yield group
    finally:
        await group.drain(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def consumer(handler, publisher, *, prefetch=10, queue=QUEUE):
    return Consumer(queue, ReportPaid, handler, prefetch=prefetch, publisher=publisher)


async def take(url, queue: QueueSpec):
    """Take one message off a queue, or return None."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        declared = await channel.get_queue(queue.name, ensure=False)
        return await declared.get(no_ack=True, fail=False)


async def depth(url, queue: QueueSpec) -> int:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        declared = await channel.declare_queue(queue.name, passive=True)
        return declared.declaration_result.message_count


async def test_a_message_reaches_its_handler_once(fresh_broker_url, publisher):
    recorder = Recorder()
    message = ReportPaid(report_id=new_id())
    async with consuming(fresh_broker_url, consumer(recorder.one, publisher)):
        await publisher.send(message)
        await eventually(lambda: recorder.seen)
    assert recorder.seen == [message.report_id]
    assert await depth(fresh_broker_url, QUEUE) == 0


async def test_amqp_properties_repeat_the_envelope(fresh_broker_url, publisher):
    outgoing = OutgoingMessage.of(ReportPaid(report_id=new_id()))
    await publisher.publish(outgoing)
    incoming = await eventually(lambda: take(fresh_broker_url, QUEUE))
    assert incoming.message_id == outgoing.message_id
    assert incoming.type == "report.paid"
    assert incoming.correlation_id == outgoing.correlation_id
    assert incoming.timestamp is not None
    assert incoming.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


async def test_what_is_published_at_once_is_written_at_once(publisher, monkeypatch):
    writes: list[int] = []
    write = asyncio.StreamWriter.write

    def counted(self: asyncio.StreamWriter, data: bytes) -> None:
        writes.append(len(data))
        write(self, data)

    await publisher.send(ReportPaid(report_id=new_id()))
    monkeypatch.setattr(asyncio.StreamWriter, "write", counted)
    await asyncio.gather(*(publisher.send(ReportPaid(report_id=new_id())) for _ in range(100)))

    assert len(writes) <= 10


async def test_a_message_that_no_queue_takes_is_an_error(fresh_broker_url):
    async with Publisher(BrokerConnector(fresh_broker_url, name="test")) as publisher:
        with pytest.raises(BrokerUnavailableError, match="no queue"):
            await publisher.send(PaymentSeen(session_id="cs_test_1"))


async def test_a_transient_message_may_reach_nobody(fresh_broker_url):
    async with Publisher(BrokerConnector(fresh_broker_url, name="test")) as publisher:
        await publisher.send(PaymentSeen(session_id="cs_test_1"), persistent=False)


@pytest.mark.parametrize("body", [b"not json", b'{"data": {}}', b"\xff\xfe", b"[" * 10_000])
async def test_what_does_not_parse_is_laid_down_with_its_reason_and_stops_nobody(
    fresh_broker_url, publisher, body
):
    recorder = Recorder()
    good = ReportPaid(report_id=new_id())
    async with consuming(fresh_broker_url, consumer(recorder.one, publisher)):
        await publisher.publish(replace(OutgoingMessage.of(good), body=body))
        await publisher.send(good)
        await eventually(lambda: recorder.seen)
        letter = await eventually(lambda: take(fresh_broker_url, DEAD))
    assert recorder.seen == [good.report_id]
    assert letter.body == body
    assert "envelope" in letter.headers["x-reason"]
    assert letter.headers["x-queue"] == QUEUE.name
    assert letter.headers["x-attempts"] == "1"
    assert letter.headers["x-first-failed-at"]


async def test_another_type_of_message_is_laid_down(fresh_broker_url, publisher):
    recorder = Recorder()
    other = OutgoingMessage.of(PaymentSeen(session_id="cs_test_1"))
    async with consuming(fresh_broker_url, consumer(recorder.one, publisher)):
        await publisher.publish(replace(other, routing_key=ReportPaid.TYPE))
        letter = await eventually(lambda: take(fresh_broker_url, DEAD))
    assert "expected report.paid" in letter.headers["x-reason"]
    assert not recorder.seen


async def test_a_permanent_error_is_laid_down_at_once_and_a_transient_one_is_tried_again(
    fresh_broker_url, publisher
):
    permanent, transient = ReportPaid(report_id=new_id()), ReportPaid(report_id=new_id())
    refusing = Recorder(PermanentError("no such report"))
    async with consuming(fresh_broker_url, consumer(refusing.one, publisher)):
        await publisher.send(permanent)
        letter = await eventually(lambda: take(fresh_broker_url, DEAD))
    assert letter.headers["x-reason"] == "no such report"
    hesitant = Recorder(TransientError("away"), Verdict.RETRY)
    async with consuming(fresh_broker_url, consumer(hesitant.one, publisher)):
        await publisher.send(transient)
        await eventually(lambda: len(hesitant.seen) == 3)
    assert set(hesitant.seen) == {transient.report_id}
    assert await depth(fresh_broker_url, DEAD) == 0


async def test_an_unforeseen_error_is_tried_five_times_and_then_laid_down(
    fresh_broker_url, publisher, monkeypatch
):
    monkeypatch.setattr("modelpick_shared.broker.handling.backoff_s", lambda _: 0.01)
    recorder = Recorder(*[KeyError("bug")] * 9)
    async with consuming(fresh_broker_url, consumer(recorder.one, publisher)):
        await publisher.send(ReportPaid(report_id=new_id()))
        letter = await eventually(lambda: take(fresh_broker_url, DEAD))
    assert letter.headers["x-attempts"] == "5"
    assert len(recorder.seen) == 5


async def test_a_batch_takes_what_lies_in_the_queue(fresh_broker_url, publisher):
    recorder = Recorder()
    messages = [ReportPaid(report_id=new_id()) for _ in range(250)]
    await asyncio.gather(*(publisher.send(message) for message in messages))
    reader = BatchConsumer(QUEUE, ReportPaid, recorder.many, batch_size=100, publisher=publisher)
    async with consuming(fresh_broker_url, reader):
        await eventually(lambda: len(recorder.seen) == 250)
    assert set(recorder.seen) == {message.report_id for message in messages}
    assert len(recorder.batches) < 30
    assert max(recorder.batches) <= 100
    assert await depth(fresh_broker_url, QUEUE) == 0


async def test_a_batch_waits_for_what_is_expected_and_not_for_more(fresh_broker_url, publisher):
    recorder = Recorder()
    reader = BatchConsumer(
        QUEUE,
        ReportPaid,
        recorder.many,
        batch_size=100,
        publisher=publisher,
        linger_s=3600,
        expected=lambda: 3,
    )
    async with consuming(fresh_broker_url, reader):
        for count in range(6):
            assert len(recorder.seen) == count // 3 * 3
            await publisher.send(ReportPaid(report_id=new_id()))
            await eventually(lambda expected=(count + 1) // 3 * 3: len(recorder.seen) == expected)
    assert recorder.batches == [3, 3]
    assert await depth(fresh_broker_url, QUEUE) == 0


async def test_a_batch_ends_when_nothing_comes_for_a_fifth_of_the_time(fresh_broker_url, publisher):
    recorder = Recorder()
    reader = BatchConsumer(
        QUEUE, ReportPaid, recorder.many, batch_size=100, publisher=publisher, linger_s=5, expected=lambda: 3
    )
    async with consuming(fresh_broker_url, reader):
        await asyncio.gather(*(publisher.send(ReportPaid(report_id=new_id())) for _ in range(2)))
        await eventually(lambda: recorder.batches == [2])


async def test_of_a_failing_batch_only_the_culprit_is_laid_down(fresh_broker_url, publisher, monkeypatch):
    monkeypatch.setattr("modelpick_shared.broker.handling.backoff_s", lambda _: 0.01)
    recorder = Recorder()
    messages = [ReportPaid(report_id=new_id()) for _ in range(20)]
    recorder.poison = messages[7].report_id
    await asyncio.gather(*(publisher.send(message) for message in messages))
    reader = BatchConsumer(QUEUE, ReportPaid, recorder.many, batch_size=50, publisher=publisher)
    async with consuming(fresh_broker_url, reader):
        letter = await eventually(lambda: take(fresh_broker_url, DEAD))
        await eventually(lambda: len(set(recorder.seen)) == 19)
    assert str(recorder.poison).encode() in letter.body
    assert recorder.poison not in recorder.seen
    assert await depth(fresh_broker_url, QUEUE) == 0


async def test_a_single_active_consumer_never_exceeds_its_prefetch_while_it_hands_over(
    fresh_broker_url, publisher
):
    queue = replace(QUEUE, name="orchestrator.report.paid.single", single_active_consumer=True)
    running = most = done = 0

    async def handler(_: ReportPaid) -> Verdict:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        done += 1
        return Verdict.ACK

    first = consumer(handler, publisher, prefetch=3, queue=queue)
    second = consumer(handler, publisher, prefetch=3, queue=queue)
    async with consuming(fresh_broker_url, first) as leaving, consuming(fresh_broker_url, second):
        await asyncio.gather(*(publisher.send(ReportPaid(report_id=new_id())) for _ in range(60)))
        await eventually(lambda: done >= 15)
        await leaving.drain(5)
        await eventually(lambda: done >= 60)
    assert most <= 3
    assert done == 60


async def test_consumers_come_back_after_their_connection_was_closed(fresh_broker_url, publisher):
    recorder = Recorder()
    reader = consumer(recorder.one, publisher)
    async with consuming(fresh_broker_url, reader) as group:
        await group._channels[0].close()
        await eventually(lambda: not group.ready)
        await publisher.send(ReportPaid(report_id=new_id()))
        await eventually(lambda: group.ready and recorder.seen)


async def test_the_first_host_that_answers_is_used(fresh_broker_url):
    connector = BrokerConnector(f"amqp://nobody@127.0.0.1:9,{fresh_broker_url}", name="test")
    connection = await connector.connect()
    await connection.close()


async def test_no_host_at_all_is_an_error_within_seconds():
    connector = BrokerConnector("amqp://nobody@127.0.0.1:9", name="test")
    started = time.monotonic()
    with pytest.raises(BrokerUnavailableError):
        await connector.connect()
    assert time.monotonic() - started < 6


async def test_what_comes_while_a_consumer_parks_is_answered_at_once_and_only_then_acknowledged(
    fresh_broker_url, publisher
):
    running, end, not_started = [], asyncio.Event(), []

    async def handler(message: ReportPaid) -> Verdict:
        running.append(message.report_id)
        await end.wait()
        return Verdict.ACK

    async def answer(message: ReportPaid) -> Verdict:
        not_started.append(message.report_id)
        return Verdict.ACK

    reader = Consumer(QUEUE, ReportPaid, handler, prefetch=3, publisher=publisher, not_started=answer)
    async with consuming(fresh_broker_url, reader):
        await publisher.send(ReportPaid(report_id=new_id()))
        await eventually(lambda: running)
        draining = asyncio.create_task(reader.drain(10))
        await asyncio.gather(*(publisher.send(ReportPaid(report_id=new_id())) for _ in range(5)))
        await eventually(lambda: len(not_started) == 2)
        assert not draining.done()
        end.set()
        await draining
    assert len(running) == 1
    assert len(not_started) == 2
    left = [await take(fresh_broker_url, QUEUE) for _ in range(4)]
    assert [message.redelivered for message in left[:3]] == [False] * 3
    assert left[3] is None


async def test_what_is_redelivered_goes_to_its_own_handler_even_while_the_consumer_parks(
    fresh_broker_url, publisher
):
    first, again = Recorder(), Recorder()
    message = ReportPaid(report_id=new_id())
    await publisher.send(message)
    async with await aio_pika.connect(fresh_broker_url) as connection:
        taken = await (await (await connection.channel()).get_queue(QUEUE.name, ensure=False)).get()
        await taken.nack(requeue=True)
    reader = Consumer(
        QUEUE,
        ReportPaid,
        first.one,
        prefetch=3,
        publisher=publisher,
        redelivered=again.one,
        not_started=first.one,
    )
    async with consuming(fresh_broker_url, reader):
        await eventually(lambda: again.seen)
    assert again.seen == [message.report_id]
    assert not first.seen


async def test_a_consumer_can_be_started_and_drained_many_times(fresh_broker_url, publisher):
    recorder = Recorder()
    reader = consumer(recorder.one, publisher)
    async with await aio_pika.connect(fresh_broker_url) as connection:
        for number in range(1, 4):
            await reader.start(await connection.channel())
            await publisher.send(ReportPaid(report_id=new_id()))
            await eventually(lambda number=number: len(recorder.seen) == number)
            await reader.drain(5)
    assert await depth(fresh_broker_url, QUEUE) == 0


async def test_a_message_that_could_not_be_answered_while_parking_is_answered_when_it_can(
    fresh_broker_url, publisher, monkeypatch
):
    monkeypatch.setattr("modelpick_shared.broker.handling.backoff_s", lambda _: 0.01)
    end, running = asyncio.Event(), []
    answers = Recorder(BrokerUnavailableError("away"), BrokerUnavailableError("away"))

    async def handler(message: ReportPaid) -> Verdict:
        running.append(message)
        await end.wait()
        return await answers.one(message)

    reader = Consumer(QUEUE, ReportPaid, handler, prefetch=1, publisher=publisher, not_started=Recorder().one)
    async with consuming(fresh_broker_url, reader):
        await publisher.send(ReportPaid(report_id=new_id()))
        await eventually(lambda: running)
        draining = asyncio.create_task(reader.drain(10))
        end.set()
        await draining
    assert len(answers.seen) == 3
    assert await depth(fresh_broker_url, QUEUE) == 0
