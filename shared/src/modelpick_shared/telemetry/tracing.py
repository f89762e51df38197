from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


def configure_tracing(service: str) -> None:
    """Give every request and message a trace id; nothing is exported."""
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({SERVICE_NAME: service})))


def trace_headers() -> dict[str, str]:
    """Return the present trace context as headers (`traceparent`, W3C Trace Context)."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers


@contextmanager
def continue_trace(name: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Run the block in a span that continues the trace of `headers`, or begins one."""
    context = _PROPAGATOR.extract(headers)
    with _tracer(trace.get_tracer_provider()).start_as_current_span(name, context=context):
        yield


@cache
def _tracer(provider: trace.TracerProvider) -> trace.Tracer:
    """Return the provider's tracer; getting one costs more than a span."""
    return provider.get_tracer("modelpick")
