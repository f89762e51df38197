import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from modelpick_shared.settings import ServiceSettings
from modelpick_shared.telemetry import (
    continue_trace,
    headers_within,
    present_traceparent,
    trace_headers,
    traces_are_recorded,
)
from modelpick_shared.telemetry.exporting import configure_tracing, record_spans
from modelpick_shared.telemetry.tracing import SpanKind, carry_on, join_traces, span, use_tracer

FIRST = {"traceparent": f"00-{'1' * 32}-{'a' * 16}-01"}
AGAIN = {"traceparent": f"00-{'1' * 32}-{'b' * 16}-01"}
OTHER = {"traceparent": f"00-{'2' * 32}-{'c' * 16}-01"}
SAMPLED = 1
UNSAMPLED = {"traceparent": f"00-{'3' * 32}-{'d' * 16}-00"}


@pytest.fixture(autouse=True)
def _quiet_afterwards():
    yield
    use_tracer(None, recorded=False)


@pytest.fixture
def recorded():
    exporter = InMemorySpanExporter()
    provider = record_spans("test", SimpleSpanProcessor(exporter))
    yield exporter.get_finished_spans
    provider.shutdown()


@pytest.fixture
def _off():
    provider = configure_tracing("test", ServiceSettings())
    yield
    provider.shutdown()


@pytest.mark.usefixtures("_off")
class TestOff:
    def test_a_message_keeps_its_trace_and_its_parent(self):
        with continue_trace("consume", FIRST):
            assert trace_headers() == FIRST

    def test_a_trace_that_begins_here_says_that_nobody_records_it(self):
        with continue_trace("consume", {}):
            assert not int(present_traceparent()[-2:], 16) & SAMPLED

    def test_the_present_trace_does_not_leak_into_a_message_of_another(self):
        with continue_trace("consume", FIRST), continue_trace("consume", {}):
            assert present_traceparent()[3:35] != FIRST["traceparent"][3:35]

    def test_publishing_changes_no_headers(self):
        with carry_on("publish", FIRST, {}) as headers:
            assert headers == FIRST

    def test_a_batch_of_one_trace_is_in_it_and_a_mixed_one_in_neither(self):
        with join_traces("batch", [FIRST, AGAIN]):
            assert trace_headers() == FIRST
        with join_traces("batch", [FIRST, OTHER]):
            assert present_traceparent()[3:35] not in {"1" * 32, "2" * 32}
        with join_traces("batch", [{}, {}]):
            assert present_traceparent()


def test_a_report_s_message_goes_to_its_trace_whatever_is_going_on():
    assert headers_within(AGAIN["traceparent"], FIRST) == FIRST
    assert headers_within(OTHER["traceparent"], FIRST) == OTHER
    assert headers_within(None, FIRST) == FIRST
    assert headers_within(OTHER["traceparent"], {}) == OTHER


def test_spans_hang_on_the_message_s_span(recorded):
    with (
        continue_trace("consume", FIRST, kind=SpanKind.CONSUMER),
        carry_on("publish", trace_headers(), {}) as headers,
    ):
        pass

    publish, consume = recorded()
    assert consume.parent.span_id == int("a" * 16, 16)
    assert publish.parent.span_id == consume.context.span_id
    assert headers["traceparent"] == f"00-{'1' * 32}-{publish.context.span_id:016x}-01"


def test_a_mixed_batch_is_linked_to_all_that_it_holds(recorded):
    with join_traces("batch", [FIRST, OTHER, {}]):
        pass

    (batch,) = recorded()
    assert batch.parent is None
    assert {link.context.trace_id for link in batch.links} == {int("1" * 32, 16), int("2" * 32, 16)}


def test_what_is_not_sampled_is_not_recorded_but_goes_on(recorded):
    with continue_trace("consume", UNSAMPLED), carry_on("publish", trace_headers(), {}) as headers:
        assert headers["traceparent"].startswith(f"00-{'3' * 32}-")
        assert headers["traceparent"].endswith("-00")

    assert recorded() == ()


def test_a_query_begins_no_trace(recorded):
    with span("SELECT", kind=SpanKind.CLIENT):
        pass

    assert recorded() == ()


def test_a_request_from_outside_cannot_have_itself_recorded():
    exporter = InMemorySpanExporter()
    provider = record_spans("test", SimpleSpanProcessor(exporter), ratio=0.0)
    with continue_trace("GET", FIRST, kind=SpanKind.SERVER):
        pass
    with continue_trace("consume", FIRST, kind=SpanKind.CONSUMER):
        pass
    provider.shutdown()

    assert [each.name for each in exporter.get_finished_spans()] == ["consume"]


def test_a_failure_is_told_by_its_name_alone(recorded):
    with pytest.raises(ValueError, match="secret"), span("work"):
        raise ValueError("secret")

    (work,) = recorded()
    assert work.status.description == "ValueError"
    assert work.events == ()


def test_an_endpoint_turns_recording_on_and_the_sdk_s_switch_off_again():
    settings = {
        "otel_exporter_otlp_endpoint": "http://127.0.0.1:9",
        "otel_exporter_otlp_headers": SecretStr("a=b%20c"),
    }
    on = configure_tracing("test", ServiceSettings(**settings))
    assert traces_are_recorded()
    off = configure_tracing("test", ServiceSettings(**settings, otel_sdk_disabled=True))
    assert not traces_are_recorded()
    on.shutdown()
    off.shutdown()
