"""Traces: one for a report's life, carried by `traceparent` (W3C) through HTTP, outbox and broker.

Trace ids are there at all times, for the logs. Spans are recorded only where `exporting` sends them
somewhere; until then nothing here does more than carry that header on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

__all__ = [
    "INVALID_SPAN",
    "TRACEPARENT",
    "Attributes",
    "Span",
    "SpanKind",
    "carry_on",
    "continue_trace",
    "headers_within",
    "join_traces",
    "present_traceparent",
    "present_tracer",
    "span",
    "trace_headers",
    "traces_are_recorded",
    "use_tracer",
]

_PROPAGATOR = TraceContextTextMapPropagator()
TRACEPARENT = "traceparent"
# Where the trace id stands in `00-<trace id>-<span id>-<flags>`.
_TRACE_ID = slice(3, 35)

Attributes = Mapping[str, AttributeValue]


class _Tracing:
    tracer: Tracer | None = None
    recorded = False


def use_tracer(tracer: Tracer | None, *, recorded: bool) -> None:
    """Make spans with `tracer` from now on; `recorded` says whether they go anywhere."""
    _Tracing.tracer = tracer
    _Tracing.recorded = recorded


def present_tracer() -> Tracer:
    """Return what makes spans: one that makes none before `use_tracer`."""
    return _Tracing.tracer or trace.get_tracer("modelpick")


def traces_are_recorded() -> bool:
    """Say whether spans go anywhere; what only serves them may be left out otherwise."""
    return _Tracing.recorded


def trace_headers() -> dict[str, str]:
    """Return the present trace context as headers (`traceparent`, W3C Trace Context)."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers


def present_traceparent() -> str | None:
    """Return the present trace context as the one header that it is, to keep with a row."""
    return trace_headers().get(TRACEPARENT)


def headers_within(traceparent: str | None, present: dict[str, str]) -> dict[str, str]:
    """Return headers for a message that belongs to the trace of `traceparent`, if that is known.

    `present` are the headers of what happens now, which may serve several traces at once: they do where it
    is that trace, so that the message hangs where it was made.
    """
    if traceparent is None or present.get(TRACEPARENT, "")[_TRACE_ID] == traceparent[_TRACE_ID]:
        return present
    return {TRACEPARENT: traceparent}


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    within: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """Run the block in a new span; a failure is told by the error's name, whose text may quote anything."""
    with present_tracer().start_as_current_span(
        name,
        context=within,
        kind=kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as new:
        try:
            yield new
        except Exception as error:
            new.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


@contextmanager
def continue_trace(
    name: str,
    headers: Mapping[str, str],
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Run the block in the trace of `headers`; without one, in a span that begins a trace of its own.

    While nothing is recorded a span of its own for every message would only cost time.
    """
    extracted = _PROPAGATOR.extract(headers, Context())
    if _Tracing.recorded or not _origin(extracted).is_valid:
        with span(name, kind=kind, attributes=attributes, within=extracted) as new:
            yield new
        return
    with _attached(extracted):
        yield INVALID_SPAN


@contextmanager
def join_traces(
    name: str, origins: Sequence[Mapping[str, str]], *, kind: SpanKind = SpanKind.CONSUMER
) -> Iterator[None]:
    """Run the block for several messages at once: in their trace if it is one, else in one of its own.

    The span is linked to all of them.
    """
    one_trace = len({headers.get(TRACEPARENT, "")[_TRACE_ID] for headers in origins}) == 1
    within = _PROPAGATOR.extract(origins[0], Context()) if one_trace else Context()
    if one_trace and not _Tracing.recorded and _origin(within).is_valid:
        with _attached(within):
            yield
        return
    with span(name, kind=kind, within=within, links=_links(origins)):
        yield


@contextmanager
def carry_on(name: str, headers: Mapping[str, str], attributes: Attributes) -> Iterator[Mapping[str, str]]:
    """Run a publish in a span of the trace of `headers`; give the headers that the message is to have.

    A message that belongs to no recorded trace, as a heartbeat, gets no span.
    """
    within = _PROPAGATOR.extract(headers, Context()) if _Tracing.recorded else Context()
    if not _origin(within).trace_flags.sampled:
        yield headers
        return
    with span(name, kind=SpanKind.PRODUCER, attributes=attributes, within=within):
        yield {**headers, **trace_headers()}


def _links(origins: Sequence[Mapping[str, str]]) -> list[Link]:
    if not _Tracing.recorded:
        return []
    contexts = [_origin(_PROPAGATOR.extract(headers, Context())) for headers in origins]
    return [Link(origin) for origin in contexts if origin.is_valid]


def _origin(extracted: Context) -> SpanContext:
    return trace.get_current_span(extracted).get_span_context()


@contextmanager
def _attached(extracted: Context) -> Iterator[None]:
    token = context.attach(extracted)
    try:
        yield
    finally:
        context.detach(token)
