from prometheus_client import Counter

STRIPE_EVENTS = Counter("modelpick_stripe_events_total", "Verified events of Stripe, by result", ["result"])
REFUSED_REQUESTS = Counter(
    "modelpick_stripe_refused_requests_total", "Requests to the webhook that were no event of Stripe's"
)
SESSIONS_SEEN = Counter(
    "modelpick_payment_sessions_seen_total",
    "Sessions looked up because a customer came back, by result",
    ["result"],
)
