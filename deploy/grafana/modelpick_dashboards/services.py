"""The processes: requests, messages, outboxes, memory; and what stands around them."""

from modelpick_dashboards.panels import Board, Figure, Lines, Query, quantile, rate

REQUESTS = "modelpick_http_request_duration_seconds"
FAILED = 'status=~"5.."'

SERVICES = Board(
    uid="modelpick-services",
    title="ModelPick: services",
    says="Every process by itself: requests, messages, outboxes, resources.",
    rows={
        "Now": [
            Figure("Targets up", 'count(up{service!=""} == 1)', columns=6),
            Figure("Targets down", 'count(up{service!=""} == 0) or vector(0)', alarm=1, columns=6),
            Figure("Requests a second", rate(f"{REQUESTS}_count"), "reqps", columns=6),
            Figure(
                "Failed on our side",
                f"({rate(f'{REQUESTS}_count', where=FAILED)} or vector(0)) / {rate(f'{REQUESTS}_count')}",
                "percentunit",
                warn=0.001,
                alarm=0.01,
                columns=6,
            ),
            Figure("Open progress streams", "sum(modelpick_event_streams)", columns=6),
            Figure(
                "Unsent messages",
                "sum(max by (source) (modelpick_outbox_backlog_messages))",
                warn=200,
                columns=6,
            ),
        ],
        "Requests": [
            Lines("By service", [Query(rate(f"{REQUESTS}_count", by="service"), "{{service}}")], "reqps"),
            Lines(
                "p99 by route",
                [Query(quantile(0.99, REQUESTS, by="service, route"), "{{service}} {{route}}")],
                "s",
            ),
            Lines(
                "Failed by route",
                [
                    Query(
                        rate(f"{REQUESTS}_count", by="service, route, status", where=FAILED)
                        + " or vector(0)",
                        "{{service}} {{route}} {{status}}",
                    )
                ],
                "reqps",
            ),
        ],
        "Messages": [
            Lines(
                "Outbox: unsent",
                [Query("max by (source) (modelpick_outbox_backlog_messages)", "{{source}}")],
                columns=4,
            ),
            Lines(
                "Outbox: age of the oldest",
                [Query("max by (source) (modelpick_outbox_oldest_age_seconds)", "{{source}}")],
                "s",
                columns=4,
            ),
            Lines(
                "Tried again",
                [Query(rate("modelpick_retried_messages_total", by="queue, reason") + " or vector(0)")],
                "ops",
                columns=4,
            ),
            Lines(
                "Publishing that failed",
                [Query(rate("modelpick_publish_failures_total", by="type, reason") + " or vector(0)")],
                "ops",
                "The outbox sends what failed again.",
                columns=4,
            ),
        ],
        "Processes": [
            Lines(
                "Memory",
                [Query('max by (service) (process_resident_memory_bytes{service!=""})', "{{service}}")],
                "bytes",
            ),
            Lines(
                "Processors",
                [
                    Query(
                        'sum by (service) (rate(process_cpu_seconds_total{service!=""}[$__rate_interval]))',
                        "{{service}}",
                    )
                ],
                says="1 is one processor fully used.",
            ),
            Lines(
                "Image store, free",
                [
                    Query(
                        "min(modelpick_image_store_free_bytes / modelpick_image_store_size_bytes)",
                        "share of the disk",
                    )
                ],
                "percentunit",
                "Only where images lie in a local folder.",
            ),
        ],
        "Gateway and broker": [
            Lines(
                "Gateway: requests",
                [
                    Query(
                        "sum by (code) (rate(caddy_http_request_duration_seconds_count[$__rate_interval]))",
                        "{{code}}",
                    )
                ],
                "reqps",
            ),
            Lines(
                "Broker: connections and channels",
                [
                    Query("sum(rabbitmq_connections)", "connections"),
                    Query("sum(rabbitmq_channels)", "channels"),
                ],
            ),
            Lines(
                "Broker: memory",
                [
                    Query("max(rabbitmq_process_resident_memory_bytes)", "used"),
                    Query("max(rabbitmq_resident_memory_limit_bytes)", "limit"),
                ],
                "bytes",
            ),
        ],
    },
)
