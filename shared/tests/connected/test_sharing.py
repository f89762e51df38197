"""Members of a fleet come, go and die on a real broker, and no queue ever has too many calls in flight."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from modelpick_shared.broker import (
    BrokerConnector,
    Consumer,
    Publisher,
    Service,
    SharedQueues,
    Verdict,
    broadcast_queue,
    model_queue,
    owners,
)
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import ImageRef, PriceCap, RequestParameters, RunRequested, WorkerAlive
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected

PREFETCH = 3
MODELS = [model.id for model in load_catalog()][:8]
QUEUES = [model_queue(model) for model in MODELS]


def a_job(model, number):
    now = datetime.now(UTC)
    return RunRequested(
        report_id=new_id(),
        model_id=model,
        image_index=number,
        run_index=0,
        attempt_token=new_id(),
        lease_ends_at=now,
        deadline_at=now,
        parameters=RequestParameters(max_tokens=1),
        prompt="",
        image=ImageRef(key="", sha256="", media_type=""),
        price_cap=PriceCap(prompt_usd_per_1m=0, completion_usd_per_1m=0),
    )


class Work:
    """What all members did, and how much of it at once."""

    def __init__(self) -> None:
        self.in_flight: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.done: list = []
        self.by_member: Counter[str] = Counter()
        self.redelivered: list = []
        self.not_started: list = []

    @property
    def handled(self) -> set:
        return {*self.done, *self.redelivered, *self.not_started}


class Worker:
    def __init__(self, url, work, publisher, call_s=0.05) -> None:
        self.id = str(new_id())
        self.work = work
        self.call_s = call_s
        self.publisher = publisher
        self.connector = BrokerConnector(url, name=f"worker-{self.id}")
        alive = broadcast_queue(Service.MODEL_WORKER, self.id, WorkerAlive)
        self.shared = SharedQueues(
            self.connector,
            [
                Consumer(
                    queue,
                    RunRequested,
                    self.call,
                    prefetch=PREFETCH,
                    publisher=publisher,
                    redelivered=self.call_again,
                    not_started=self.give_back,
                )
                for queue in QUEUES
            ],
            member_id=self.id,
            listeners=[Consumer(alive, WorkerAlive, self.hear, prefetch=10, publisher=publisher)],
            say=self.say,
        )
        self.task = asyncio.create_task(self.shared.run())

    async def hear(self, alive) -> Verdict:
        self.shared.hear(alive)
        return Verdict.ACK

    async def say(self, queues, leaving):
        alive = WorkerAlive(worker_id=self.id, queues=queues, sent_at=datetime.now(UTC), leaving=leaving)
        await self.publisher.send(alive, persistent=False)

    async def call(self, job) -> Verdict:
        work = self.work
        work.in_flight[job.model_id] += 1
        work.most[job.model_id] = max(work.most[job.model_id], work.in_flight[job.model_id])
        try:
            await asyncio.sleep(self.call_s)
        finally:
            work.in_flight[job.model_id] -= 1
        work.done.append(job.attempt_token)
        work.by_member[self.id] += 1
        return Verdict.ACK

    async def call_again(self, job) -> Verdict:
        self.work.redelivered.append(job.attempt_token)
        return Verdict.ACK

    async def give_back(self, job) -> Verdict:
        self.work.not_started.append(job.attempt_token)
        return Verdict.ACK

    async def leave(self):
        await self.shared.drain(10)
        await self.end()

    async def end(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@asynccontextmanager
async def fleet(url, call_s=0.05):
    """Yield a function that adds a worker, the work they do, and a publisher of jobs."""
    work, workers = Work(), []
    async with Publisher(BrokerConnector(url, name="test"), queues=QUEUES) as publisher:

        def join() -> Worker:
            workers.append(Worker(url, work, publisher, call_s))
            return workers[-1]

        try:
            yield join, work, publisher
        finally:
            for worker in workers:
                await worker.end()


async def send(publisher, count):
    jobs = [a_job(model, number) for number in range(count) for model in MODELS]
    await asyncio.gather(*(publisher.send(job) for job in jobs))
    return {job.attempt_token for job in jobs}


async def settled(*workers):
    """Wait until every queue has exactly the consumers that it should have."""
    shares = min(2, len(workers)) * len(QUEUES)
    await eventually(
        lambda: (
            sum(len(worker.shared.held) for worker in workers) == shares
            and not any(worker.shared._moving for worker in workers)
        ),
        within_s=30,
    )


async def lose_connection(worker):
    await worker.shared._listening[0]._connection.close()
    await eventually(lambda: not worker.shared.ready)


async def test_one_two_four_three_members_never_exceed_a_queues_prefetch(fresh_broker_url):
    async with fleet(fresh_broker_url) as (join, work, publisher):
        sent = await send(publisher, 60)
        workers = [join()]
        await eventually(lambda: len(work.done) > 30)
        workers.append(join())
        await settled(*workers)
        workers += [join(), join()]
        await settled(*workers)
        sent |= await send(publisher, 20)
        leaver = workers.pop(0)
        await leaver.leave()
        await settled(*workers)
        sent |= await send(publisher, 10)
        await eventually(lambda: work.handled == sent, within_s=60)
    assert max(work.most.values()) == PREFETCH
    assert len(work.done) + len(work.not_started) == len(sent), "each job was handled once"
    assert not work.redelivered
    assert sum(work.by_member[worker.id] > 0 for worker in workers) > 1


async def test_a_killed_member_is_replaced_and_its_jobs_come_again_as_redelivered(fresh_broker_url):
    async with fleet(fresh_broker_url, call_s=0.3) as (join, work, publisher):
        workers = [join(), join()]
        await settled(*workers)
        sent = await send(publisher, 20)
        await eventually(lambda: work.by_member[workers[0].id] > 3)
        await workers[0].end()  # its connection closes; its calls go on
        await eventually(lambda: work.handled == sent, within_s=60)
    assert max(work.most.values()) <= 2 * PREFETCH
    assert work.redelivered


async def test_a_member_that_leaves_while_busy_loses_nothing_and_marks_nothing_redelivered(fresh_broker_url):
    async with fleet(fresh_broker_url, call_s=0.5) as (join, work, publisher):
        workers = [join(), join()]
        await settled(*workers)
        sent = await send(publisher, 8)
        await eventually(lambda: sum(work.in_flight.values()) >= 2 * PREFETCH)
        await workers[0].leave()
        await eventually(lambda: work.handled == sent, within_s=60)
    assert max(work.most.values()) == PREFETCH
    assert not work.redelivered


async def test_members_that_start_at_the_same_moment_settle(fresh_broker_url):
    async with fleet(fresh_broker_url) as (join, work, publisher):
        workers = [join() for _ in range(4)]
        await settled(*workers)
        sent = await send(publisher, 10)
        await eventually(lambda: work.handled == sent, within_s=30)
    assert max(work.most.values()) <= PREFETCH


async def test_a_connection_that_is_lost_during_a_hand_over_is_recovered(fresh_broker_url):
    async with fleet(fresh_broker_url, call_s=0.4) as (join, work, publisher):
        first = join()
        await eventually(lambda: first.shared.ready)
        sent = await send(publisher, 20)
        second = join()
        await eventually(lambda: first.shared._moving, within_s=20, every_s=0.002)
        channel = next(iter(first.shared._channels.values()))
        await channel._connection.close()
        await eventually(lambda: work.handled == sent, within_s=60)
        await settled(first, second)
    assert max(work.most.values()) <= 2 * PREFETCH


async def test_a_first_owner_that_reconnects_gets_its_queues_back(fresh_broker_url):
    async with fleet(fresh_broker_url) as (join, work, publisher):
        first, second = join(), join()
        await settled(first, second)
        own = {queue.name for queue in QUEUES if owners(queue.name, [first.id, second.id])[0] == first.id}
        await lose_connection(first)
        await eventually(lambda: first.shared.ready)
        await eventually(
            lambda: (
                all(second.shared._behind[queue] == first.id for queue in own) and not second.shared._moving
            )
        )
        sent = await send(publisher, 3)
        await eventually(lambda: work.handled == sent)
    assert work.by_member[first.id] == 3 * len(own)


async def test_a_member_that_leaves_while_it_subscribes_takes_no_job_with_it(fresh_broker_url):
    async with fleet(fresh_broker_url, call_s=0.3) as (join, work, publisher):
        sent = await send(publisher, 4)
        leaver = join()
        await eventually(lambda: work.in_flight, every_s=0.001)
        await leaver.leave()
        assert not sum(work.in_flight.values())
        join()
        await eventually(lambda: work.handled == sent)
    assert not work.redelivered
