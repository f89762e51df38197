"""Housekeeping's metrics. The label is one of a dozen kinds."""

from prometheus_client import Counter, Gauge

REMOVED = Counter("modelpick_housekeeping_removed_total", "What housekeeping removed", ["kind"])
FAILED = Counter("modelpick_housekeeping_failures_total", "Housekeeping that stopped at an error", ["kind"])
DURATION_SECONDS = Gauge(
    "modelpick_housekeeping_duration_seconds", "How long each kind took when it was last done", ["kind"]
)
LAST_SUCCESS = Gauge(
    "modelpick_housekeeping_last_success_timestamp_seconds",
    "When each kind was last done, by whichever process; 0 before the first time",
    ["kind"],
)
