from prometheus_client import Counter, Gauge, Histogram

STRIPE_EVENTS = Counter(
    "modelpick_stripe_events_total",
    "Verified events of Stripe, by type (those we handle) and result",
    ["type", "result"],
)
REFUSED_REQUESTS = Counter(
    "modelpick_stripe_refused_requests_total", "Requests to the webhook that were no event of Stripe's"
)
SESSIONS_SEEN = Counter(
    "modelpick_payment_sessions_seen_total",
    "Sessions looked up because a customer came back, by result",
    ["result"],
)
LAG_SECONDS = Histogram(
    "modelpick_webhook_lag_seconds",
    "From an event's creation at Stripe until what it asks for was stored",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600),
)
PROBLEMS = Counter("modelpick_payment_problems_total", "Payments that nobody can fulfil", ["problem"])
PROBLEM_KINDS = ("wrong_mode", "gone_back", "second_payment", "wrong_currency", "wrong_amount")
REVENUE_USD = Counter("modelpick_revenue_usd_total", "What was paid for reports")
ORDERS = Gauge("modelpick_orders", "Orders by status", ["status"])
REFUNDS_NOW = Gauge("modelpick_refunds_now", "Refunds by the state that they are in", ["state"])
REFUNDS = Counter("modelpick_refunds_total", "Refunds that came to a state", ["state"])
REFUND_RETRIES = Counter("modelpick_refund_retries_total", "Refunds put off because Stripe did not answer")
DISPUTES = Counter("modelpick_disputes_total", "What Stripe told of disputes, by their status", ["status"])
RECONCILIATIONS = Counter("modelpick_reconciliations_total", "Comparisons with Stripe, by result", ["result"])
RECONCILED_ORDERS = Counter(
    "modelpick_reconciled_orders_total",
    "Orders that only a comparison with Stripe settled, by result",
    ["result"],
)
UNSETTLED_ORDERS = Gauge("modelpick_unsettled_orders", "Orders that the last comparison looked up")
