from prometheus_client import Counter, Gauge

MAILS = Counter("modelpick_mails_total", "Attempts to send a mail, by how they ended", ["template", "result"])
PENDING = Gauge("modelpick_mails_pending", "Mails not sent yet")
