"""What an event leaves in traces and metrics, also when several are stored at once."""

import asyncio
import time
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from modelpick_shared.broker import Service
from modelpick_shared.db import Outbox
from modelpick_shared.db.messaging import OutboxMessage
from modelpick_shared.db.payments import Refund
from modelpick_shared.db.reports import Report
from modelpick_shared.ids import new_id
from modelpick_shared.telemetry.exporting import record_spans
from modelpick_shared.telemetry.tracing import use_tracer
from modelpick_webhook.refund_progress import note_failure
from modelpick_webhook.reversals import Reversals
from modelpick_webhook.schemas import Event, StripeDispute

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


class UndoneError(Exception):
    """What undoes a transaction."""


async def fail_a_refund(session):
    note_failure(session, Refund(payment_intent_id="pi_1", order_id=new_id()), "the card is gone")


async def tell_of_a_dispute(session):
    event = Event(id="evt_1", type="charge.dispute.created", livemode=False, data={"object": {}})
    dispute = StripeDispute(id="du_1", amount=1499, status="needs_response")
    await Reversals(Outbox(Service.WEBHOOK), live_mode=False).record(session, event, dispute)


@pytest.mark.parametrize(
    ("work", "name", "labels"),
    [
        (fail_a_refund, "modelpick_refunds_total", {"state": "failed"}),
        (tell_of_a_dispute, "modelpick_disputes_total", {"status": "needs_response"}),
    ],
)
async def test_what_a_transaction_did_is_counted_when_it_has_committed(service_database, work, name, labels):
    before = REGISTRY.get_sample_value(name, labels) or 0
    with suppress(UndoneError):
        async with service_database.transaction() as session:
            await work(session)
            raise UndoneError
    assert (REGISTRY.get_sample_value(name, labels) or 0) == before

    async with service_database.transaction() as session:
        await work(session)

    assert REGISTRY.get_sample_value(name, labels) == before + 1
