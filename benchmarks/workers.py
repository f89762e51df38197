"""One worker process: how many jobs a second it bears, and how much memory it takes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from benchmarks.figures import Figure
from benchmarks.machine import memory_mb
from benchmarks.shapes import IMAGES, MODELS, PER_MODEL, PROMPT, whole_catalog
from benchmarks.stand import Process, Stand, Stores
from modelpick_shared.broker import (
    BatchConsumer,
    BrokerConnector,
    ConsumerGroup,
    OutgoingMessage,
    Publisher,
    QueueBrowser,
    Service,
    Verdict,
    event_queue,
    model_queue,
)
from modelpick_shared.contracts import (
    AttemptOutcome,
    ImageRef,
    PriceCap,
    RequestParameters,
    RunFinished,
    RunRequested,
)
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

RESULTS = event_queue(Service.ORCHESTRATOR, RunFinished)
# As jobs come out of the outbox: in the trace of their report.
TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
JOBS_A_MODEL = 200
MEMORY_JOBS_A_MODEL = 10
LARGE_IMAGE_BYTES = 5 * 1024 * 1024
MEMORY_LATENCY_S = 2.0
REPEATS = 3
WITHIN_S = 120.0


def a_job(model: str, image: int) -> RunRequested:
    later = datetime.now(UTC) + timedelta(hours=1)
    return RunRequested(
        report_id=new_id(),
        model_id=model,
        image_index=image,
        run_index=0,
        attempt_token=new_id(),
        lease_ends_at=later,
        deadline_at=later,
        parameters=RequestParameters(max_tokens=4096, response_format="json_object"),
        prompt=PROMPT,
        image=ImageRef(key=f"image-{image}", sha256="0" * 64, media_type="image/png"),
        price_cap=PriceCap(prompt_usd_per_1m=0, completion_usd_per_1m=0),
    )


def connector(stand: Stand) -> BrokerConnector:
    return BrokerConnector(stand.broker_url, name="bench")


async def preload(stand: Stand, jobs_a_model: int) -> None:
    """Put jobs into all model queues, before there is a worker."""
    models = [model.id for model in whole_catalog()]
    queues = [RESULTS, *(model_queue(model) for model in models)]
    async with Publisher(connector(stand), queues=queues) as publisher:
        for number in range(jobs_a_model):
            jobs = (OutgoingMessage.of(a_job(model, number % IMAGES)) for model in models)
            await asyncio.gather(*(publisher.publish(replace(job, headers=TRACE)) for job in jobs))


async def reached(browser: QueueBrowser, count: int) -> tuple[int, float]:
    """Wait for so many results; return how many there are, and when."""

    async def enough() -> int:
        counts = (await browser.counts([RESULTS.name]))[RESULTS.name]
        done = counts.ready if counts else 0
        return done if done >= count else 0

    done: int = await eventually(enough, within_s=WITHIN_S)
    return done, time.perf_counter()


async def check(stand: Stand, jobs: int) -> None:
    """Raise unless each job was answered once, by one call."""
    answered = await answered_attempts(stand, jobs)
    journal = await asyncio.to_thread(stand.api.journal)
    if not len(answered) == len(journal["calls"]) == jobs:
        raise RuntimeError(f"{len(answered)} answers to {jobs} jobs, by {len(journal['calls'])} calls")
    if max(journal["max_in_flight"].values()) > PER_MODEL:
        raise RuntimeError(f"too many calls at once: {journal['max_in_flight']}")


async def answered_attempts(stand: Stand, count: int) -> set[UUID]:
    """Take the results out of their queue, some perhaps sent twice, until so many attempts have an answer."""
    answered: set[UUID] = set()

    async def take(batch: Sequence[RunFinished]) -> Verdict:
        answered.update(one.attempt_token for one in batch if one.outcome is AttemptOutcome.ANSWERED)
        return Verdict.ACK

    async with Publisher(connector(stand)) as publisher:
        reader = BatchConsumer(RESULTS, RunFinished, take, batch_size=500, publisher=publisher)
        async with running(ConsumerGroup(connector(stand), [reader])):
            await eventually(lambda: len(answered) >= count, within_s=WITHIN_S)
    return answered


@asynccontextmanager
async def running(group: ConsumerGroup) -> AsyncIterator[None]:
    task = asyncio.create_task(group.run())
    try:
        yield
        await group.drain(timeout_s=10)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def jobs_per_s(stand: Stand) -> tuple[float, dict[str, float]]:
    """Return the rate after the first tenth of the jobs, and how many processors were busy with it."""
    jobs = MODELS * JOBS_A_MODEL
    async with QueueBrowser(connector(stand)) as browser:
        first, began_s = await reached(browser, jobs // 10)
        meter = stand.meter()
        last, ended_s = await reached(browser, jobs)
        shares = meter.processors()
    await check(stand, jobs)
    return (last - first) / (ended_s - began_s), shares


def worker(stores: Stores) -> list[Figure]:
    """Count the jobs a second of one worker at 0 ms; broker and model API are on the same machine."""
    rates: list[float] = []
    shares: dict[str, Any] = {}
    for _ in range(REPEATS):
        with stores.stand() as stand:
            stand.put_images(IMAGES, 1_000)
            stand.api.set_mode(median_s=0.0)
            asyncio.run(preload(stand, JOBS_A_MODEL))
            stand.start("worker")
            rate, shares = asyncio.run(jobs_per_s(stand))
            rates.append(rate)
    return [Figure("one worker at 0 ms", rates, "jobs/s", at_least=1000, notes=shares)]


async def memory_mb_of(stand: Stand, process: Process) -> tuple[float, float, float]:
    """Return a worker's memory at its peak, the most of many looks while it works, and afterwards."""
    jobs = MODELS * MEMORY_JOBS_A_MODEL
    looks: list[float] = []

    async def look() -> None:
        while True:
            looks.append(memory_mb(process.pid)[0])
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    async with QueueBrowser(connector(stand)) as browser:
        await reached(browser, jobs)
    looking.cancel()
    now, peak = memory_mb(process.pid)
    await check(stand, jobs)
    return peak, max(looks), now


def memory(stores: Stores) -> list[Figure]:
    """Measure a worker's memory with ten 5 MiB images sent inline and 72 calls in flight."""
    with stores.stand() as stand:
        stand.put_images(IMAGES, LARGE_IMAGE_BYTES)
        stand.api.set_mode(median_s=MEMORY_LATENCY_S)
        asyncio.run(preload(stand, MEMORY_JOBS_A_MODEL))
        process = stand.start("worker")
        peak, most, now = asyncio.run(memory_mb_of(stand, process))
        in_flight = sum(stand.api.journal()["max_in_flight"].values())
    if in_flight != MODELS * PER_MODEL:
        raise RuntimeError(f"only {in_flight} calls were in flight")
    notes = {"resident while it works, at most": round(most), "afterwards": round(now)}
    return [Figure("memory of a worker, at its peak", [peak], "MB", at_most=150, notes=notes)]
