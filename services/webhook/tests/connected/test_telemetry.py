"""What an event leaves in traces and metrics, also when several are stored at once."""

import asyncio
import time

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.reports import Report
from modelpick_shared.telemetry.exporting import record_spans
from modelpick_shared.telemetry.tracing import use_tracer

pytestmark = pytest.mark.connected


@pytest.fixture
def recorded():
    exporter = InMemorySpanExporter()
    provider = record_spans("test", SimpleSpanProcessor(exporter))
    yield exporter.get_finished_spans
    provider.shutdown()
    use_tracer(None, recorded=False)


async def test_a_report_and_its_event_belong_to_the_trace_of_the_request_that_paid(
    client, order, event_of, deliver, rows, recorded
):
    answers = await asyncio.gather(
        deliver(client, event_of(order, "checkout.session.expired")), deliver(client, event_of(order))
    )

    assert [answer.status_code for answer in answers] == [200, 200]
    (report,) = await rows(Report)
    (message,) = await rows(OutboxMessage)
    assert message.headers["traceparent"][:35] == report.traceparent[:35]
    requests = {
        f"{span.context.trace_id:032x}" for span in recorded() if span.name == "POST /api/webhooks/stripe"
    }
    assert report.traceparent[3:35] in requests


async def test_the_lag_of_an_event_is_told_once(client, order, event_of, deliver):
    before = REGISTRY.get_sample_value("modelpick_webhook_lag_seconds_count") or 0
    event = event_of(order) | {"created": int(time.time()) - 3}

    await deliver(client, event)
    await deliver(client, event)

    assert REGISTRY.get_sample_value("modelpick_webhook_lag_seconds_count") == before + 1


async def test_a_payment_that_nobody_can_fulfil_is_told_by_what_is_wrong(client, order, event_of, deliver):
    labels = {"problem": "wrong_amount"}
    before = REGISTRY.get_sample_value("modelpick_payment_problems_total", labels) or 0

    await deliver(client, event_of(order, amount_total=1))

    assert REGISTRY.get_sample_value("modelpick_payment_problems_total", labels) == before + 1
