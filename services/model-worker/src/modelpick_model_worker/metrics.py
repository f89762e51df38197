"""The worker's metrics. The label `model` is bounded by the catalogue."""

from prometheus_client import Counter, Histogram

CALLS = Counter("modelpick_model_calls_total", "Model calls by how they ended", ["model", "outcome"])
RETRIES = Counter("modelpick_model_retries_total", "Calls repeated by the worker itself", ["model"])
CALL_SECONDS = Histogram(
    "modelpick_model_call_duration_seconds",
    "Time of model calls that were answered",
    ["model"],
    buckets=(0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
