"""One worker process: how many jobs a second it bears, and how much memory it takes."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from benchmarks.figures import Figure
from benchmarks.shapes import MODELS, PER_MODEL, PROMPT, whole_catalog
from benchmarks.stand import Process, Stand, Stores, cpu_s, machine_cpu_s, memory_mb
from modelpick_shared.broker import (
    BrokerConnector,
    Publisher,
    QueueBrowser,
    Service,
    event_queue,
    model_queue,
)
from modelpick_shared.contracts import ImageRef, PriceCap, RequestParameters, RunFinished, RunRequested
from modelpick_shared.ids import new_id
from modelpick_shared.testing import eventually

RESULTS = event_queue(Service.ORCHESTRATOR, RunFinished)
JOBS_A_MODEL = 200
MEMORY_JOBS_A_MODEL = 10
REPEATS = 3


def a_job(model: str, image: int) -> RunRequested:
    now = datetime.now(UTC)
    return RunRequested(
        report_id=new_id(),
        model_id=model,
        image_index=image,
        run_index=0,
        attempt_token=new_id(),
        lease_ends_at=now + timedelta(hours=1),
        deadline_at=now + timedelta(hours=1),
        parameters=RequestParameters(max_tokens=4096, response_format="json_object"),
        prompt=PROMPT,
        image=ImageRef(key=f"image-{image}", sha256="0" * 64, media_type="image/png"),
        price_cap=PriceCap(prompt_usd_per_1m=0, completion_usd_per_1m=0),
    )


async def preload(stand: Stand, jobs_a_model: int) -> None:
    models = [model.id for model in whole_catalog()]
    connector = BrokerConnector(stand.broker_url, name="bench")
    queues = [RESULTS, *(model_queue(model) for model in models)]
    async with Publisher(connector, queues=queues) as publisher:
        for number in range(jobs_a_model):
            await asyncio.gather(*(publisher.send(a_job(model, number % 10)) for model in models))


async def results(browser: QueueBrowser) -> int:
    counts = (await browser.counts([RESULTS.name]))[RESULTS.name]
    return counts.ready if counts else 0


async def jobs_per_s(stand: Stand, worker: Process) -> tuple[float, dict[str, float]]:
    """Return the rate after the first tenth of the jobs, and how many processors were busy with it."""
    jobs = MODELS * JOBS_A_MODEL
    async with QueueBrowser(BrokerConnector(stand.broker_url, name="bench")) as browser:
        first, began_s = await reached(browser, jobs // 10)
        before = spent_cpu_s(stand, worker)
        last, ended_s = await reached(browser, jobs)
        after = spent_cpu_s(stand, worker)
    took_s = ended_s - began_s
    shares = {f"processors, {name}": round((after[name] - before[name]) / took_s, 2) for name in after}
    return (last - first) / took_s, shares


async def reached(browser: QueueBrowser, count: int) -> tuple[int, float]:
    """Wait for so many results; return how many there are, and when."""

    async def enough() -> int:
        done = await results(browser)
        return done if done >= count else 0

    done: int = await eventually(enough, within_s=120, every_s=0.02)
    return done, time.perf_counter()


def spent_cpu_s(stand: Stand, worker: Process) -> dict[str, float]:
    parts = {"worker": cpu_s(worker.pid), "model API": cpu_s(stand.api.process.pid)}
    rest = machine_cpu_s() - sum(parts.values())
    return parts | {"broker and all else": rest}


def worker(stores: Stores) -> list[Figure]:
    """Count the jobs a second of one worker at 0 ms; broker and model API are on the same machine."""
    rates: list[float] = []
    shares: dict[str, float] = {}
    for _ in range(REPEATS):
        with stores.stand() as stand:
            stand.put_images(10, 1_000)
            stand.api.set_mode(median_s=0.0)
            asyncio.run(preload(stand, JOBS_A_MODEL))
            rate, shares = asyncio.run(jobs_per_s(stand, stand.start("worker")))
            rates.append(rate)
    return [Figure("one worker at 0 ms", rates, "jobs/s", at_least=1000, notes=dict(shares))]


async def all_done(stand: Stand, jobs: int) -> None:
    async with QueueBrowser(BrokerConnector(stand.broker_url, name="bench")) as browser:
        await reached(browser, jobs)


def memory(stores: Stores) -> list[Figure]:
    """Measure a worker's memory with ten 5 MiB images sent inline and 72 calls in flight."""
    with stores.stand() as stand:
        stand.put_images(10, 5 * 1024 * 1024)
        stand.api.set_mode(median_s=2.0)
        asyncio.run(preload(stand, MEMORY_JOBS_A_MODEL))
        process = stand.start("worker")
        asyncio.run(all_done(stand, MODELS * MEMORY_JOBS_A_MODEL))
        now, peak = memory_mb(process.pid)
        in_flight = sum(stand.api.journal()["max_in_flight"].values())
    if in_flight != MODELS * PER_MODEL:
        raise RuntimeError(f"only {in_flight} calls were in flight")
    return [
        Figure("memory of a worker, at its peak", [peak], "MB", at_most=150, notes={"afterwards": round(now)})
    ]
