from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
from opentelemetry.metrics import NoOpMeter
from opentelemetry.trace import Status, StatusCode
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from modelpick_shared.telemetry.tracing import present_tracer, traces_are_recorded


def trace_queries(engine: Engine) -> None:
    """Give each query a span, if spans are recorded; parameters are not in it.

    Not by `SQLAlchemyInstrumentor`: it takes one set of engines in a process's life.
    """
    if not traces_are_recorded():
        return
    event.listen(engine, "handle_error", _end_by_name)
    connections = NoOpMeter("modelpick").create_up_down_counter("connections")
    EngineTracer(present_tracer(), engine, connections)  # type: ignore[no-untyped-call]


def _end_by_name(failure: ExceptionContext) -> None:
    """End the span of a failed query before the instrumentation does, with the error's whole text.

    PostgreSQL's errors quote rows.
    """
    span = getattr(failure.execution_context, "_otel_span", None)
    if span is not None:
        span.set_status(Status(StatusCode.ERROR, type(failure.original_exception).__name__))
        span.end()
        failure.execution_context._otel_span = None  # type: ignore[union-attr] # noqa: SLF001 - kept there
