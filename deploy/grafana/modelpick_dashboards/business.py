"""What is sold, what it costs, and what went wrong with the money."""

from modelpick_dashboards.panels import Board, Figure, Lines, Query, quantile

DAY = "[1d]"
WEEK = "[7d]"

BUSINESS = Board(
    uid="modelpick-business",
    title="ModelPick: business",
    says="What is sold, what it costs to deliver, and what went wrong with the money.",
    range="now-30d",
    rows={
        "Last seven days": [
            Figure("Revenue", f"sum(increase(modelpick_revenue_usd_total{WEEK}))", "currencyUSD", columns=6),
            Figure(
                "Billed by models",
                f"sum(increase(modelpick_billed_usd_total{WEEK}))",
                "currencyUSD",
                columns=6,
            ),
            Figure(
                "Left over",
                f"sum(increase(modelpick_revenue_usd_total{WEEK})) "
                f"- sum(increase(modelpick_billed_usd_total{WEEK}))",
                "currencyUSD",
                columns=6,
                says="Before Stripe's fees and machines.",
            ),
            Figure("Reports", f"sum(increase(modelpick_report_duration_seconds_count{WEEK}))", columns=6),
            Figure(
                "Refunds",
                "sum(max by (state) (modelpick_refunds_now))",
                columns=6,
                says="All that were ever asked for.",
            ),
            Figure(
                "Refunds that failed",
                'max(modelpick_refunds_now{state="failed"})',
                alarm=1,
                columns=6,
                says="The customer's money is still ours: an operator has to act.",
            ),
        ],
        "Sold": [
            Lines(
                "Revenue a day",
                [Query(f"sum(increase(modelpick_revenue_usd_total{DAY}))", "revenue")],
                "currencyUSD",
            ),
            Lines("Orders", [Query("max by (status) (modelpick_orders)", "{{status}}")]),
            Lines(
                "Reports ended a day",
                [
                    Query(
                        f"sum by (status) (increase(modelpick_report_duration_seconds_count{DAY}))",
                        "{{status}}",
                    )
                ],
                stacked=True,
            ),
        ],
        "Delivered": [
            Lines(
                "Billed a day, by model",
                [Query(f"topk(8, sum by (model) (increase(modelpick_billed_usd_total{DAY})))", "{{model}}")],
                "currencyUSD",
            ),
            Lines(
                "Runs measured as passed",
                [
                    Query(
                        f'sum(increase(modelpick_runs_recorded_total{{outcome="passed"}}{DAY})) / '
                        f'sum(increase(modelpick_runs_recorded_total{{outcome!="unmeasured"}}{DAY}))',
                        "strict matches",
                    )
                ],
                "percentunit",
            ),
            Lines(
                "Exports",
                [Query(quantile(0.9, "modelpick_export_duration_seconds", by="kind"), "{{kind}} p90")],
                "s",
            ),
        ],
        "Gone wrong": [
            Lines(
                "Payment problems a day",
                [Query(f"sum by (problem) (increase(modelpick_payment_problems_total{DAY}))", "{{problem}}")],
            ),
            Lines("Refunds", [Query("max by (state) (modelpick_refunds_now)", "{{state}}")]),
            Lines(
                "Unsettled orders",
                [Query("max(modelpick_unsettled_orders)", "orders")],
                says="What reconciliation still asks Stripe about.",
            ),
        ],
    },
)
