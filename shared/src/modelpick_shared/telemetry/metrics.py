"""Metrics of the parts that every service has. Labels are names from the code, never ids."""

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_BACKLOG = Gauge("modelpick_outbox_backlog_messages", "Outbox rows not sent yet", ["source"])
OUTBOX_AGE_SECONDS = Gauge(
    "modelpick_outbox_oldest_age_seconds", "Age of the oldest unsent outbox row", ["source"]
)
OUTBOX_SENT = Counter(
    "modelpick_outbox_sent_messages_total", "Outbox rows published and confirmed", ["source"]
)
CONSUMED = Counter("modelpick_consumed_messages_total", "Deliveries by how they ended", ["type", "verdict"])
HANDLER_SECONDS = Histogram(
    "modelpick_handler_duration_seconds",
    "Time a message handler took",
    ["type"],
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 130),
)
HTTP_SECONDS = Histogram(
    "modelpick_http_request_duration_seconds",
    "Time to the answer's first byte, by route",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
