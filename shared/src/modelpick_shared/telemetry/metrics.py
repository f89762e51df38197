"""Metrics of the parts that every service has. Labels are names from the code, never ids."""

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_BACKLOG = Gauge("modelpick_outbox_backlog_messages", "Outbox rows not sent yet", ["source"])
OUTBOX_AGE_SECONDS = Gauge(
    "modelpick_outbox_oldest_age_seconds", "Age of the oldest unsent outbox row", ["source"]
)
OUTBOX_SENT = Counter(
    "modelpick_outbox_sent_messages_total", "Outbox rows published and confirmed", ["source"]
)
PUBLISHED = Counter(
    "modelpick_published_messages_total",
    "Messages that the broker confirmed, by the queue they go to",
    ["queue"],
)
PUBLISH_FAILURES = Counter(
    "modelpick_publish_failures_total", "Publishes that were not confirmed", ["type", "reason"]
)
CONSUMED = Counter("modelpick_consumed_messages_total", "Deliveries by how they ended", ["queue", "verdict"])
RETRIED = Counter(
    "modelpick_retried_messages_total",
    "Attempts at deliveries that failed and were repeated",
    ["queue", "reason"],
)
DEAD_LETTERED = Counter(
    "modelpick_dead_lettered_messages_total", "Deliveries laid down in the dead-letter queue", ["queue"]
)
HANDLER_SECONDS = Histogram(
    "modelpick_handler_duration_seconds",
    "Time a message handler took",
    ["type"],
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 130),
)
QUEUE_READY = Gauge(
    "modelpick_queue_ready_messages", "Messages of a queue that wait for a consumer", ["queue"]
)
QUEUE_CONSUMERS = Gauge("modelpick_queue_consumers", "Consumers of a queue", ["queue"])
DEAD_LETTERS = Gauge("modelpick_dead_letter_messages", "Messages in a queue's dead-letter queue", ["queue"])
QUEUES_READ = Gauge(
    "modelpick_queues_read_timestamp_seconds", "When the broker last told of its queues (0: not yet)"
)
HTTP_SECONDS = Histogram(
    "modelpick_http_request_duration_seconds",
    "Time to the answer's first byte, by route",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
