"""Logs, metrics and trace context, the same in every service."""

from modelpick_shared.telemetry.logs import bind_report, configure_logging
from modelpick_shared.telemetry.tracing import configure_tracing, continue_trace, trace_headers

__all__ = ["bind_report", "configure_logging", "configure_tracing", "continue_trace", "trace_headers"]
