import asyncio
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from modelpick_model_worker.app import build
from modelpick_model_worker.images import ImageAddresses
from modelpick_model_worker.openrouter import OpenRouterClient
from modelpick_model_worker.service import ModelRunner
from modelpick_model_worker.settings import ModelWorkerSettings
from modelpick_shared.broker import (
    BatchConsumer,
    BrokerConnector,
    ConsumerGroup,
    Publisher,
    Service,
    Verdict,
    event_queue,
    model_queue,
)
from modelpick_shared.contracts import AttemptOutcome, RunFinished, UnmeasuredReason
from modelpick_shared.images import open_image_store
from modelpick_shared.testing import eventually

from .conftest import IMAGE, a_run

pytestmark = pytest.mark.connected


@pytest.fixture
async def images(tmp_path):
    store = open_image_store(f"file://{tmp_path}")
    await store.put("image", IMAGE)
    return ImageAddresses(store, "auto")


@pytest.fixture
async def runner(simulator, images):
    async with OpenRouterClient(simulator.url, "sk-or-test", site_url="http://localhost") as client:
        yield ModelRunner(client, images.address_of, max_retries=2, backoff_base_s=0.05, backoff_max_s=0.2)


async def test_an_answer_comes_with_its_cost_tokens_and_the_latency_of_the_call_alone(runner, simulator):
    result = await runner.run(a_run())
    assert result.outcome is AttemptOutcome.ANSWERED
    assert json.loads(result.output) == {"total": 9.5}
    assert result.cost_usd > 0
    assert result.prompt_tokens > 0
    assert result.generation_id.startswith("gen-")
    assert 20 <= result.latency_ms < 500
    (call,) = (await simulator.journal())["calls"]
    assert call["status"] == 200


async def test_a_rate_limit_is_waited_out_and_not_counted_as_latency(runner, simulator):
    await simulator.script("status:429", count=1, retry_after="1")
    started = time.monotonic()
    result = await runner.run(a_run())
    assert (result.outcome, result.attempts) == (AttemptOutcome.ANSWERED, 2)
    assert time.monotonic() - started >= 1
    assert result.latency_ms < 500


async def test_the_gate_holds_back_the_other_jobs_of_a_limited_model(runner, simulator):
    await simulator.script("status:429", count=1, retry_after="1")
    first = asyncio.create_task(runner.run(a_run()))
    await eventually(lambda: runner._gates["openai/gpt-5-mini"].closed_for_s > 0)
    results = await asyncio.gather(first, *(runner.run(a_run(run_index=run)) for run in (1, 2)))
    assert {result.outcome for result in results} == {AttemptOutcome.ANSWERED}
    assert sum(call["status"] == 429 for call in (await simulator.journal())["calls"]) == 1


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("status:429", UnmeasuredReason.RATE_LIMITED),
        ("status:503", UnmeasuredReason.PROVIDER_ERROR),
        ("html", UnmeasuredReason.PROVIDER_ERROR),
        ("empty_body", UnmeasuredReason.PROVIDER_ERROR),
        ("truncated_json", UnmeasuredReason.PROVIDER_ERROR),
        ("not_utf8", UnmeasuredReason.PROVIDER_ERROR),
        ("reset", UnmeasuredReason.PROVIDER_ERROR),
        ("error_in_200", UnmeasuredReason.PROVIDER_ERROR),
        ("error_top_level", UnmeasuredReason.PROVIDER_ERROR),
        ("no_choices", UnmeasuredReason.PROVIDER_ERROR),
    ],
)
async def test_what_keeps_failing_is_unmeasured_after_the_retries(runner, simulator, mode, reason):
    await simulator.script(mode)
    result = await runner.run(a_run())
    assert (result.outcome, result.unmeasured_reason) == (AttemptOutcome.UNMEASURED, reason)
    assert result.attempts == 3
    assert result.error


async def test_a_refused_request_is_not_repeated(runner, simulator):
    await simulator.script("status:400")
    result = await runner.run(a_run())
    assert (result.outcome, result.attempts) == (AttemptOutcome.UNMEASURED, 1)


async def test_a_key_without_credit_gives_the_job_back_for_later(runner, simulator):
    await simulator.script("status:402")
    result = await runner.run(a_run())
    assert result.outcome is AttemptOutcome.RETRY_LATER
    assert result.retry_at > datetime.now(UTC)


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("refused", AttemptOutcome.REFUSED),
        ("truncated", AttemptOutcome.TRUNCATED),
        ("empty", AttemptOutcome.EMPTY),
        ("null_content", AttemptOutcome.EMPTY),
        ("prose", AttemptOutcome.ANSWERED),
        ("nan_cost", AttemptOutcome.ANSWERED),
        ("no_usage", AttemptOutcome.ANSWERED),
        ("content_parts", AttemptOutcome.ANSWERED),
        ("no_id", AttemptOutcome.ANSWERED),
    ],
)
async def test_odd_answers_are_told_apart_and_kept(runner, simulator, mode, outcome):
    await simulator.script(mode)
    assert (await runner.run(a_run())).outcome is outcome


async def test_a_call_ends_30_s_after_the_deadline_at_the_latest(runner, simulator):
    await simulator.script("hang")
    soon = datetime.now(UTC) - timedelta(seconds=29.5)
    result = await runner.run(a_run(deadline_at=soon))
    assert result.unmeasured_reason is UnmeasuredReason.TIMEOUT
    past = datetime.now(UTC) - timedelta(seconds=31)
    result = await runner.run(a_run(deadline_at=past))
    assert (result.unmeasured_reason, result.attempts) == (UnmeasuredReason.DEADLINE, 0)


async def test_a_job_whose_lease_has_ended_is_not_started(runner, simulator):
    result = await runner.run(a_run(lease_ends_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert result.outcome is AttemptOutcome.NOT_STARTED
    assert not (await simulator.journal())["calls"]


async def test_a_missing_image_is_our_fault_and_not_the_models(runner):
    run = a_run()
    result = await runner.run(run.model_copy(update={"image": run.image.model_copy(update={"key": "gone"})}))
    assert result.unmeasured_reason is UnmeasuredReason.PLATFORM


async def test_an_image_is_read_and_encoded_once(images, tmp_path):
    run = a_run()
    first = await images.address_of(run.image)
    (tmp_path / "image").unlink()
    assert await images.address_of(run.image) is first


@asynccontextmanager
async def working(fresh_broker_url, simulator, tmp_path):
    """Run a whole worker on a real broker; yield a publisher of jobs and the results that come back."""
    await open_image_store(f"file://{tmp_path}").put("image", IMAGE)
    settings = ModelWorkerSettings(
        rabbitmq_url=fresh_broker_url,
        image_store_url=f"file://{tmp_path}",
        openrouter_api_key="sk-or-test",
        openrouter_base_url=simulator.url,
    )
    app = build(settings)
    connector = BrokerConnector(fresh_broker_url, name="test")
    results: list[RunFinished] = []

    async def keep(messages) -> Verdict:
        results.extend(messages)
        return Verdict.ACK

    jobs = model_queue("openai/gpt-5-mini")
    async with app.router.lifespan_context(app), Publisher(connector, queues=[jobs]) as publisher:
        reader = BatchConsumer(
            event_queue(Service.ORCHESTRATOR, RunFinished),
            RunFinished,
            keep,
            batch_size=50,
            publisher=publisher,
        )
        group = ConsumerGroup(connector, [reader])
        task = asyncio.create_task(group.run())
        await eventually(lambda: group.ready)
        yield publisher, results
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_model_never_has_more_calls_in_flight_than_its_prefetch(
    fresh_broker_url, simulator, tmp_path
):
    async with working(fresh_broker_url, simulator, tmp_path) as (publisher, results):
        await asyncio.gather(*(publisher.send(a_run(run_index=number)) for number in range(30)))
        await eventually(lambda: len(results) == 30)
    assert {result.run_index for result in results} == set(range(30))
    assert (await simulator.journal())["max_in_flight"]["openai/gpt-5-mini"] == 3


async def test_a_job_delivered_twice_is_called_once_and_answered_twice_alike(
    fresh_broker_url, simulator, tmp_path
):
    run = a_run()
    async with working(fresh_broker_url, simulator, tmp_path) as (publisher, results):
        await publisher.send(run)
        await publisher.send(run)
        await eventually(lambda: len(results) == 2)
    assert results[0] == results[1]
    assert len((await simulator.journal())["calls"]) == 1
