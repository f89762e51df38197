"""The whole orchestrator on a real broker."""

import asyncio

import pytest

from modelpick_orchestrator.app import build
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_shared.broker import (
    BrokerConnector,
    Publisher,
    QueueBrowser,
    Service,
    dead_letter_queue,
    event_queue,
)
from modelpick_shared.broker.provision import provision
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import ReportPaid, RunFinished, RunRequested
from modelpick_shared.testing import eventually

from .conftest import right

pytestmark = pytest.mark.connected

RESULTS = event_queue(Service.ORCHESTRATOR, RunFinished)
# More than the column of latencies can hold.
IMPOSSIBLE_MS = 10**12


async def test_a_batch_with_one_bad_result_is_recorded_without_it(bench, fresh_broker_url, broker_url_as):
    url = broker_url_as(Service.ORCHESTRATOR)
    settings = OrchestratorSettings(database_url=bench.url, rabbitmq_url=url)
    connector = BrokerConnector(fresh_broker_url, name="test")
    await provision(connector, [model.id for model in load_catalog()])
    queues = [RESULTS, event_queue(Service.ORCHESTRATOR, ReportPaid)]
    report = await bench.paid(models=4, images=3, runs=1)
    async with (
        build(settings).router.lifespan_context(None),
        Publisher(connector, queues=queues) as publisher,
    ):
        await publisher.send(ReportPaid(report_id=report.id))
        requests = await eventually(lambda: all_asked(bench))
        results = [right(run) for run in requests]
        results[5] = right(requests[5], latency_ms=IMPOSSIBLE_MS)
        await asyncio.gather(*(publisher.send(result) for result in results))
        await eventually(lambda: completed(bench, report.id, 11), within_s=30)
        browser = QueueBrowser(connector)
        async with browser:
            (letter,) = await eventually(lambda: letters(browser), within_s=30)
    assert letter.open(RunFinished).job_key == requests[5].job_key
    assert "integer" in letter.headers["x-reason"] or "range" in letter.headers["x-reason"]


async def all_asked(bench):
    requests = await bench.sent(RunRequested)
    return requests if len(requests) == 12 else None


async def completed(bench, report_id, count):
    return (await bench.report(report_id)).completed_jobs == count


async def letters(browser):
    async with browser.letters(dead_letter_queue(RESULTS).name) as found:
        return [letter.delivery async for letter in found]
