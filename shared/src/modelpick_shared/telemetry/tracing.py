import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


def configure_tracing(service: str) -> None:
    """Give every request and message a trace id; nothing is exported."""
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({SERVICE_NAME: service})))


@functools.cache
def _tracer() -> trace.Tracer:
    return trace.get_tracer("modelpick")


def trace_headers() -> dict[str, str]:
    """Return the present trace context as headers (`traceparent`, W3C Trace Context)."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers


@contextmanager
def continue_trace(name: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Run the block in the trace of `headers`; without one, in a span that begins a trace of its own.

    While nothing is exported a span of its own for every message would only cost time.
    """
    extracted = _PROPAGATOR.extract(headers)
    if not trace.get_current_span(extracted).get_span_context().is_valid:
        with _tracer().start_as_current_span(name):
            yield
        return
    token = context.attach(extracted)
    try:
        yield
    finally:
        context.detach(token)
