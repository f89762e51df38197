from prometheus_client import Counter, Gauge, Histogram

WATCHERS = Gauge("modelpick_event_streams", "Browsers that watch a report")
STATES_READ = Counter("modelpick_event_states_read_total", "Reports read for event streams")
EXPORT_SECONDS = Histogram(
    "modelpick_export_duration_seconds",
    "Time to make what a report is exported as",
    ["kind"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4),
)
