import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from uuid import UUID

import structlog
from opentelemetry import trace

from modelpick_shared.telemetry.redaction import redact_json

log = structlog.get_logger()

_QUIET = ("aio_pika", "aiormq", "httpx", "httpcore", "uvicorn.access", "stripe", "urllib3")
_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _add_trace_id(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
    return event


def _render(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
    """Return the line, without the secrets that texts of others may quote."""
    return redact_json(str(structlog.processors.JSONRenderer()(logger, name, event)))


def configure_logging(service: str, level: str) -> None:
    """Write one JSON object a line to standard output, for structlog and for the standard library alike.

    Warnings, and the error that ends the process, are lines, too.
    """
    structlog.contextvars.bind_contextvars(service=service)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, _add_trace_id],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _render,
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end
    structlog.configure(
        processors=[*_SHARED, _add_trace_id, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _log_the_end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    log.critical("process.failed", exc_info=(kind, error, traceback))


@contextmanager
def bind_report(report_id: UUID | None) -> Iterator[None]:
    """Put the report id into every log line of the block."""
    if report_id is None:
        yield
        return
    with structlog.contextvars.bound_contextvars(report_id=str(report_id)):
        yield
