"""Logs, metrics and traces, the same in every service."""

from modelpick_shared.telemetry.logs import bind_report, configure_logging
from modelpick_shared.telemetry.redaction import learn_secrets, redact
from modelpick_shared.telemetry.tracing import (
    continue_trace,
    headers_within,
    present_traceparent,
    trace_headers,
    traces_are_recorded,
)

__all__ = [
    "bind_report",
    "configure_logging",
    "continue_trace",
    "headers_within",
    "learn_secrets",
    "present_traceparent",
    "redact",
    "trace_headers",
    "traces_are_recorded",
]
