"""The orchestrator's metrics. No label is an id."""

from prometheus_client import Counter, Gauge, Histogram

RECORDED = Counter("modelpick_runs_recorded_total", "Outcomes counted", ["model", "outcome"])
UNMEASURED = Counter(
    "modelpick_runs_unmeasured_total", "Jobs without a measured outcome", ["model", "reason"]
)
DISPATCHED = Counter("modelpick_runs_dispatched_total", "Attempts sent to workers", ["model"])
BILLED_USD = Counter("modelpick_billed_usd_total", "What attempts were settled at", ["model"])
LAPSED = Counter("modelpick_attempts_lapsed_total", "Attempts whose lease ended or whose worker was lost")
OVER_CEILING = Counter("modelpick_reports_over_ceiling_total", "Reports billed above what they had reserved")
CUT = Counter("modelpick_runs_cut_total", "Jobs given up because the budget was spent")
PLATFORM_PAUSED = Gauge("modelpick_platform_paused", "1 while no paid model is dispatched")
PAST_DEADLINE = Counter("modelpick_reports_past_deadline_total", "Reports that their deadline ended")
REPORT_SECONDS = Histogram(
    "modelpick_report_duration_seconds",
    "From a report's payment to its end",
    ["status"],
    buckets=(5, 10, 20, 30, 60, 90, 120, 180, 300, 450, 600, 800, 1200, 1800, 3600, 4 * 3600, 24 * 3600),
)
REPORTS = Gauge("modelpick_reports", "Reports by status", ["status"])
OVERDUE = Gauge("modelpick_reports_overdue", "Reports that run although their time is over")
OLDEST_WAITING_SECONDS = Gauge(
    "modelpick_report_oldest_waiting_seconds", "How long the report that waits the longest has waited"
)
RESERVED_USD = Gauge("modelpick_budget_reserved_usd", "What reports that wait or run have reserved")
SPENT_USD = Gauge("modelpick_budget_spent_usd", "What reports that wait or run have spent")
CEILING_USD = Gauge("modelpick_budget_ceiling_usd", "What reports that wait or run may spend at most")
USED_RATIO = Gauge(
    "modelpick_budget_used_ratio_max", "The largest part of its ceiling that a report has spent"
)
OLDEST_ATTEMPT_SECONDS = Gauge(
    "modelpick_attempt_oldest_in_flight_seconds",
    "Age of the oldest attempt that is out: more than calls take means a message that is stranded or lost",
    ["model"],
)
BATCH_SECONDS = Histogram(
    "modelpick_record_batch_duration_seconds",
    "Time of one transaction that records results",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
