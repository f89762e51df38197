"""The first page to look at: is money turning into reports."""

from modelpick_dashboards.panels import Board, Figure, Lines, Query, quantile, rate

DAY = "[24h]"
ENDED = "modelpick_report_duration_seconds_count"

OVERVIEW = Board(
    uid="modelpick-overview",
    title="ModelPick: overview",
    says="Is money turning into reports? The first page to look at.",
    rows={
        "Now": [
            Figure("Revenue, 24 h", f"sum(increase(modelpick_revenue_usd_total{DAY}))", "currencyUSD"),
            Figure(
                "Reports ended, 24 h",
                f"sum(increase({ENDED}{DAY}))",
                says="Complete, partial and failed.",
            ),
            Figure(
                "Failed, 24 h",
                f'sum(increase({ENDED}{{status="failed"}}{DAY})) or vector(0)',
                warn=1,
                alarm=5,
            ),
            Figure("Running", 'max(modelpick_reports{status="running"})'),
            Figure("Waiting", 'max(modelpick_reports{status="paid"})', warn=5, alarm=20),
            Figure(
                "Oldest waits",
                "max(modelpick_report_oldest_waiting_seconds)",
                "s",
                warn=600,
                alarm=3600,
                says="How long the oldest paid report has waited for its first call.",
            ),
            Figure("Overdue", "max(modelpick_reports_overdue)", alarm=1),
            Figure(
                "Services down",
                'count(up{service!=""} == 0) or vector(0)',
                alarm=1,
                says="Targets not answering.",
            ),
        ],
        "Money in": [
            Lines(
                "Stripe's events",
                [Query(rate("modelpick_stripe_events_total", by="result"), "{{result}}")],
                "ops",
                "By what became of them. Anything but stored and ignored deserves a look.",
            ),
            Lines(
                "Event made to durable",
                [
                    Query(quantile(0.5, "modelpick_webhook_lag_seconds"), "p50"),
                    Query(quantile(0.99, "modelpick_webhook_lag_seconds"), "p99"),
                ],
                "s",
                "High while Stripe repeats events that we refused, or its clock is ahead of ours.",
            ),
            Lines(
                "Orders",
                [Query("max by (status) (modelpick_orders)", "{{status}}")],
                says="`problem` orders were paid and cannot be fulfilled as they are.",
            ),
        ],
        "Reports out": [
            Lines(
                "Reports",
                [Query('max by (status) (modelpick_reports{status=~"paid|running"})', "{{status}}")],
                says="Waiting and running.",
            ),
            Lines(
                "Paid to ended",
                [
                    Query(quantile(0.5, "modelpick_report_duration_seconds"), "p50"),
                    Query(quantile(0.9, "modelpick_report_duration_seconds"), "p90"),
                ],
                "s",
            ),
            Lines(
                "Mails",
                [Query(rate("modelpick_mails_total", by="result"), "{{result}}")],
                "ops",
                "`refused` and `unknown` need somebody: see the runbook on mails.",
            ),
        ],
        "What would stop it": [
            Lines(
                "Outbox: age of the oldest unsent message",
                [Query("max by (source) (modelpick_outbox_oldest_age_seconds)", "{{source}}")],
                "s",
                columns=4,
            ),
            Lines(
                "Dead letters",
                [Query("sum(max by (queue) (modelpick_dead_letter_messages))", "waiting for an operator")],
                columns=4,
            ),
            Lines(
                "OpenRouter refuses our key",
                [Query("max by (reason) (modelpick_key_refused)", "{{reason}}")],
                says="401 unauthorized, 402 no credit: dispatch of paid models pauses, clocks stop.",
                columns=4,
            ),
            Lines(
                "Requests that failed on our side",
                [
                    Query(
                        rate(
                            "modelpick_http_request_duration_seconds_count",
                            by="service",
                            where='status=~"5.."',
                        )
                        + " or vector(0)",
                        "{{service}}",
                    )
                ],
                "reqps",
                columns=4,
            ),
        ],
    },
)
