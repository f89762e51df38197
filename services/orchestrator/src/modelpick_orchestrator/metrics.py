"""The orchestrator's metrics. No label is an id."""

from prometheus_client import Counter, Gauge, Histogram

RECORDED = Counter("modelpick_runs_recorded_total", "Outcomes counted", ["outcome"])
DISPATCHED = Counter("modelpick_runs_dispatched_total", "Attempts sent to workers")
LAPSED = Counter("modelpick_attempts_lapsed_total", "Attempts whose lease ended or whose worker was lost")
OVER_CEILING = Counter("modelpick_reports_over_ceiling_total", "Reports billed above what they had reserved")
CUT = Counter("modelpick_runs_cut_total", "Jobs given up because the budget was spent")
PLATFORM_PAUSED = Gauge("modelpick_platform_paused", "1 while no paid model is dispatched")
RUNNING_REPORTS = Gauge("modelpick_reports_running", "Reports that run")
WAITING_REPORTS = Gauge("modelpick_reports_waiting", "Paid reports that wait for their turn")
BATCH_SECONDS = Histogram(
    "modelpick_record_batch_duration_seconds",
    "Time of one transaction that records results",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
