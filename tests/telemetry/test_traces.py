"""One trace tells a report's life, from the request that paid for it to the mail that says it is ready."""

import pytest

from modelpick_shared.testing import eventually

pytestmark = pytest.mark.e2e

LIFE = {
    ("checkout", "POST /api/checkout"),
    ("checkout", "publish payment.seen"),
    ("webhook", "consume payment.seen"),
    ("webhook", "publish report.paid"),
    ("orchestrator", "consume report.paid"),
    ("orchestrator", "publish run.requested"),
    ("model-worker", "consume run.requested"),
    ("model-worker", "publish run.finished"),
    ("orchestrator", "publish report.completed"),
    ("notifier", "consume report.completed"),
    ("notifier", "send mail report_partial"),
}


@pytest.fixture
async def trace(vendors, lived):
    """Return all spans of the trace that began with the payment, once the last one is there."""

    def whole() -> list | None:
        spans = [
            (service, span) for service, span in vendors.spans if span.trace_id == paying(vendors).trace_id
        ]
        return spans if {(service, span.name) for service, span in spans} >= LIFE else None

    return await eventually(whole, within_s=20)


def paying(vendors):
    """Return the span of the request that paid."""
    named = [span for service, span in vendors.spans if span.name == "POST /api/checkout"]
    assert len(named) == 1
    return named[0]


async def test_a_reports_life_is_one_trace_through_http_outbox_broker_model_calls_and_mail(trace):
    calls = [span.name for service, span in trace if span.name.startswith("chat ")]

    assert {service for service, _ in trace} == {
        "checkout",
        "webhook",
        "orchestrator",
        "model-worker",
        "notifier",
        "reports",
    }
    assert len(calls) == 3 * 3 + 1  # one was refused, and made again


async def test_queries_are_in_it_without_their_parameters(trace, lived):
    queries = [(service, span) for service, span in trace if _attributes(span).get("db.system")]

    assert {"checkout", "webhook", "orchestrator", "notifier"} <= {service for service, _ in queries}
    assert all(lived.share_token not in str(span) for _, span in queries)


async def test_every_span_hangs_on_another_and_batches_are_linked_to_what_they_hold(trace, lived):
    known = {span.span_id for _, span in trace}
    roots = [span.name for _, span in trace if not span.parent_span_id]
    batches = [span for _, span in trace if span.name == "consume run.finished together"]

    assert roots == ["POST /api/checkout"]
    assert [span.name for _, span in trace if span.parent_span_id and span.parent_span_id not in known] == []
    assert all(link.trace_id == span.trace_id for span in batches for link in span.links)


async def test_what_services_look_up_by_themselves_begins_no_trace(vendors, trace):
    alone = [
        span for _, span in vendors.spans if not span.parent_span_id and _attributes(span).get("db.system")
    ]

    assert alone == []


async def test_log_lines_name_the_trace_and_the_report(trace, lived, observed):
    trace_id = trace[0][1].trace_id.hex()
    worker = (observed.home.logs / "model-worker.log").read_text().splitlines()
    of_report = [line for line in worker if lived.report_id in line]

    assert of_report
    assert all(trace_id in line for line in of_report)


def _attributes(span) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}
