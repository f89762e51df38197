from prometheus_client import Counter, Gauge

WATCHERS = Gauge("modelpick_event_streams", "Browsers that watch a report")
STATES_READ = Counter("modelpick_event_states_read_total", "Reports read for event streams")
