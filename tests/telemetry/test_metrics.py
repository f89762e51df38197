"""What the services tell of a report at `/metrics`."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.e2e


@pytest.fixture
def samples(scraped):
    """Return a function that finds a service's sample by name and labels; None where there is none."""
    parsed = {
        service: {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        for service, text in scraped.items()
    }

    def find(service, name, **labels) -> float | None:
        return parsed[service].get((f"modelpick_{name}", frozenset(labels.items())))

    return find


def test_requests_are_told_by_route(samples):
    labels = {"method": "POST", "route": "/api/checkout", "status": "200"}

    assert samples("checkout", "http_request_duration_seconds_count", **labels) == 1


def test_messages_are_told_by_queue(samples):
    paid = "orchestrator.report.paid"

    assert samples("webhook", "published_messages_total", queue=paid) == 1
    assert samples("webhook", "published_messages_total", queue="notifier.report.paid") == 1
    assert samples("orchestrator", "consumed_messages_total", queue=paid, verdict="ack") == 1
    assert samples("notifier", "dead_lettered_messages_total", queue="notifier.mail.requested") == 1


def test_every_result_that_is_published_is_told_as_consumed(samples):
    finished = "orchestrator.run.finished"
    published = samples("model-worker", "published_messages_total", queue=finished)

    # Nine jobs, and at least the one that met the refused key came back and was made again.
    assert published >= 10
    assert samples("orchestrator", "consumed_messages_total", queue=finished, verdict="ack") == published


def test_queues_are_told_by_what_lies_in_them(samples, lived):
    assert samples("orchestrator", "dead_letter_messages", queue="notifier.mail.requested") == 1
    assert samples("orchestrator", "queue_consumers", queue="orchestrator.run.finished") == 1
    assert samples("orchestrator", "queue_ready_messages", queue="orchestrator.run.finished") == 0
    assert samples("orchestrator", "queues_read_timestamp_seconds") > 0


def test_outboxes_are_told_from_the_start(samples):
    for source in ("checkout", "webhook", "orchestrator"):
        assert samples(source, "outbox_backlog_messages", source=source) == 0
        assert samples(source, "outbox_oldest_age_seconds", source=source) == 0


def test_jobs_calls_tokens_and_money_are_told_by_model(samples, lived):
    picky, refusing, good = lived.models
    for model in (refusing, good):
        assert samples("orchestrator", "runs_dispatched_total", model=model) >= 3
        assert samples("model-worker", "model_tokens_total", model=model, kind="prompt") == 3 * 1200
        assert samples("model-worker", "model_cost_usd_total", model=model) == pytest.approx(3 * 0.0012)
        assert samples("orchestrator", "billed_usd_total", model=model) == pytest.approx(3 * 0.0012)
        assert samples("model-worker", "model_calls_in_flight", model=model) == 0
        assert samples("model-worker", "model_gate_closed", model=model) == 0
        assert samples("model-worker", "model_concurrency", model=model) >= 1
    assert samples("orchestrator", "runs_recorded_total", model=picky, outcome="unmeasured") == 3


def test_reports_money_and_pauses_are_told(samples):
    assert samples("orchestrator", "reports", status="partial") == 1
    assert samples("orchestrator", "reports", status="running") == 0
    assert samples("orchestrator", "report_duration_seconds_count", status="partial") == 1
    assert samples("orchestrator", "reports_overdue") == 0
    assert samples("orchestrator", "budget_reserved_usd") == 0
    assert samples("orchestrator", "platform_paused") == 0
    assert samples("model-worker", "key_works") == 1
    assert samples("model-worker", "key_refused", reason="unauthorized") == 0
    assert samples("webhook", "orders", status="paid") == 1
    assert samples("webhook", "revenue_usd_total") == pytest.approx(14.99)
    assert samples("webhook", "refunds_now", state="failed") == 0


def test_mails_are_told_by_kind_and_state(samples):
    assert samples("notifier", "mails_now", template="sign_in", state="sent") == 1
    assert samples("notifier", "mails_now", template="payment_received", state="failed") == 1
    assert samples("notifier", "mails_total", template="payment_received", result="refused") == 1
    assert samples("notifier", "mail_oldest_pending_seconds") == 0


def test_the_disk_under_the_images_is_told(samples):
    free = samples("checkout", "image_store_free_bytes", store="local")

    assert 0 < free <= samples("checkout", "image_store_size_bytes", store="local")
