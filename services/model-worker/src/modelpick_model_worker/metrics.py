"""The worker's metrics. The label `model` is bounded by the catalogue."""

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("modelpick_model_calls_total", "Model calls by how they ended", ["model", "outcome"])
RETRIES = Counter("modelpick_model_retries_total", "Calls repeated by the worker itself", ["model"])
TOKENS = Counter("modelpick_model_tokens_total", "Tokens, as the model API counted them", ["model", "kind"])
COST_USD = Counter("modelpick_model_cost_usd_total", "What the model API says that calls cost", ["model"])
IN_FLIGHT = Gauge("modelpick_model_calls_in_flight", "Calls of a model in flight", ["model"])
WAITING = Gauge("modelpick_model_calls_waiting", "Calls of a model that wait at its gate", ["model"])
CALL_SECONDS = Histogram(
    "modelpick_model_call_duration_seconds",
    "Time of model calls that were answered",
    ["model"],
    buckets=(0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
CONCURRENCY = Gauge("modelpick_model_concurrency", "Most calls of a model in flight at present", ["model"])
GATE_CLOSED = Gauge(
    "modelpick_model_gate_closed", "1 while a model's calls wait because it is rate limited", ["model"]
)
KEY_REFUSED = Gauge(
    "modelpick_key_refused", "1 while the model API refuses the key (401) or its credit (402)", ["reason"]
)
KEY_WORKS = Gauge("modelpick_key_works", "0 from a 401 or 402 until the model API's key answers again")
