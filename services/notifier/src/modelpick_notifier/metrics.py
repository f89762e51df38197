from prometheus_client import Counter, Gauge

MAILS = Counter("modelpick_mails_total", "Attempts to send a mail, by how they ended", ["template", "result"])
MAILS_NOW = Gauge("modelpick_mails_now", "Mails by the state that they are in", ["template", "state"])
OLDEST_PENDING_SECONDS = Gauge(
    "modelpick_mail_oldest_pending_seconds", "Age of the oldest mail that is not sent yet"
)
PENDING = Gauge("modelpick_mails_pending", "Mails not sent yet")
UNKNOWN = Gauge(
    "modelpick_mails_unknown", "Mails that wait for an operator: nobody knows whether they were taken"
)
DELIVERIES = Counter(
    "modelpick_mail_events_total",
    "Signed events of the mail service, by type (those we keep) and result",
    ["type", "result"],
)
REFUSED_REQUESTS = Counter(
    "modelpick_mail_refused_requests_total",
    "Requests to the webhook that were no event of the mail service's",
)
