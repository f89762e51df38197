"""Queues, models, rate limits, budget."""

from modelpick_dashboards.panels import Board, Figure, Lines, Query, quantile, rate

STRANDED = (
    "sum((rabbitmq_detailed_queue_messages > 0) and (rabbitmq_detailed_queue_messages_ready == 0) "
    "and (rabbitmq_detailed_queue_messages_unacked == 0)) or vector(0)"
)
"""Messages that a queue has and gives to nobody; seen on RabbitMQ 3.10 after a leader was killed."""

ENGINE = Board(
    uid="modelpick-engine",
    title="ModelPick: engine",
    says="How reports run: queues, models, rate limits and budget.",
    rows={
        "Now": [
            Figure("Jobs recorded a second", rate("modelpick_runs_recorded_total"), "ops"),
            Figure("Calls in flight", "sum(modelpick_model_calls_in_flight)"),
            Figure(
                "Paused", "max(modelpick_platform_paused)", alarm=1, says="1: no paid model is dispatched."
            ),
            Figure(
                "Gates closed",
                "sum(modelpick_model_gate_closed)",
                warn=1,
                says="Models that are rate limited.",
            ),
            Figure(
                "Oldest attempt in flight",
                "max(modelpick_attempt_oldest_in_flight_seconds) or vector(0)",
                "s",
                warn=150,
                alarm=270,
                says="A lease is 300 s: near it, a message was lost or stranded.",
            ),
            Figure(
                "Nearest to its ceiling",
                "max(modelpick_budget_used_ratio_max)",
                "percentunit",
                warn=0.93,
                alarm=1,
            ),
            Figure("Stranded messages", STRANDED, alarm=1),
            Figure("Dead letters", "sum(max by (queue) (modelpick_dead_letter_messages))", alarm=1),
        ],
        "Queues": [
            Lines(
                "Ready",
                [Query("max by (queue) (modelpick_queue_ready_messages)")],
                says="Queues in which messages wait for a consumer to be free.",
            ),
            Lines(
                "Queues without a consumer",
                [Query("count(max by (queue) (modelpick_queue_consumers) == 0) or vector(0)", "queues")],
            ),
            Lines(
                "Published and consumed",
                [
                    Query(rate("modelpick_published_messages_total"), "published"),
                    Query(rate("modelpick_consumed_messages_total", by="verdict"), "consumed: {{verdict}}"),
                ],
                "ops",
            ),
        ],
        "Models": [
            Lines(
                "Outcomes",
                [Query(rate("modelpick_runs_recorded_total", by="outcome"), "{{outcome}}")],
                "ops",
                stacked=True,
            ),
            Lines(
                "Time of a call, median",
                [Query(quantile(0.5, "modelpick_model_call_duration_seconds", by="model"), "{{model}}")],
                "s",
            ),
            Lines(
                "Time of a call, p99",
                [Query(quantile(0.99, "modelpick_model_call_duration_seconds", by="model"), "{{model}}")],
                "s",
            ),
            Lines(
                "Most calls at once, at present",
                [Query("max by (model) (modelpick_model_concurrency)", "{{model}}")],
                says="Halved on a 429, grown on success; the prefetch is its limit.",
            ),
            Lines(
                "Waiting at a closed gate",
                [Query("sum by (model) (modelpick_model_calls_waiting)", "{{model}}")],
            ),
            Lines(
                "Calls repeated",
                [Query(rate("modelpick_model_retries_total", by="model") + " or vector(0)", "{{model}}")],
                "ops",
            ),
            Lines(
                "Unmeasured",
                [Query(rate("modelpick_runs_unmeasured_total", by="reason") + " or vector(0)", "{{reason}}")],
                "ops",
                "What the customer paid for and does not get; the reason says whose fault it is.",
            ),
            Lines(
                "Tokens",
                [Query(rate("modelpick_model_tokens_total", by="kind"), "{{kind}}")],
                "ops",
            ),
            Lines(
                "Oldest attempt in flight, by model",
                [
                    Query(
                        "max by (model) (modelpick_attempt_oldest_in_flight_seconds) or vector(0)",
                        "{{model}}",
                    )
                ],
                "s",
            ),
        ],
        "Budget": [
            Lines(
                "Of the reports that wait and run",
                [
                    Query("max(modelpick_budget_spent_usd)", "spent"),
                    Query("max(modelpick_budget_reserved_usd)", "reserved"),
                    Query("max(modelpick_budget_ceiling_usd)", "ceiling"),
                ],
                "currencyUSD",
            ),
            Lines(
                "Billed, by model",
                [Query(rate("modelpick_billed_usd_total", by="model") + " * 3600", "{{model}}")],
                "currencyUSD",
                "Dollars an hour.",
            ),
            Lines(
                "Given up",
                [
                    Query(
                        "sum(increase(modelpick_runs_cut_total[$__rate_interval]))", "jobs cut by the budget"
                    ),
                    Query(
                        "sum(increase(modelpick_attempts_lapsed_total[$__rate_interval]))", "leases lapsed"
                    ),
                    Query(
                        "sum(increase(modelpick_reports_past_deadline_total[$__rate_interval]))",
                        "deadlines met",
                    ),
                ],
            ),
        ],
        "Recording": [
            Lines(
                "One batch of results",
                [
                    Query(quantile(0.5, "modelpick_record_batch_duration_seconds"), "p50"),
                    Query(quantile(0.99, "modelpick_record_batch_duration_seconds"), "p99"),
                ],
                "s",
                columns=2,
            ),
            Lines(
                "Handled messages",
                [Query(quantile(0.99, "modelpick_handler_duration_seconds", by="type"), "{{type}} p99")],
                "s",
                columns=2,
            ),
        ],
    },
)
