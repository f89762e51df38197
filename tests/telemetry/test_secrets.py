"""No secret comes out: not in logs, metrics, traces, the database, messages or what customers are shown."""

import json
from urllib.parse import urlsplit

import psycopg
import pytest

pytestmark = pytest.mark.e2e

COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND data_type IN ('text', 'json', 'jsonb', 'character varying')
"""
# Where a report's share token is meant to be: its row, what tells of its end, and the mail's link.
SHARED = {"reports.share_token", "outbox.body", "emails.text_body", "emails.html_body"}
# What the misshapen message of the story holds; it lies as it came, for an operator.
LAID_DOWN = {"", "mail.requested"}


@pytest.fixture
def canaries(observed, lived, secret_settings, image_signature):
    """Return what must come out nowhere, by name."""
    settings = {name: secret_in(value) for name, value in secret_settings.items()}
    stores = {
        name: urlsplit(observed.variables()[name].split(",")[0]).password or "-none-"
        for name in ("DATABASE_URL", "RABBITMQ_URL")
    }
    return (
        settings
        | stores
        | {
            "session": lived.session_cookie,
            "sign-in": lived.sign_in_token,
            "image link": image_signature,
        }
    )


def secret_in(setting: str) -> str:
    """Return the secret in a setting: of `name=value` the value."""
    return setting.rpartition("=")[2] or setting


def found_in(text: str, canaries: dict[str, str]) -> list[str]:
    return [name for name, canary in canaries.items() if canary in text]


def test_logs_are_json_without_secrets(observed, scraped, canaries, lived):
    for name in observed.parts():
        log = observed.home.logs / f"{name}.log"
        text = log.read_text()
        assert (name, found_in(text, canaries | {"share": lived.share_token})) == (name, [])
    for name in scraped:
        lines = (observed.home.logs / f"{name}.log").read_text().splitlines()
        assert [line for line in lines if not isinstance(json.loads(line), dict)] == []


def test_metrics_hold_neither_secrets_nor_ids(scraped, canaries, lived):
    ids = {"share": lived.share_token, "report": lived.report_id}

    assert {name: found_in(text, canaries | ids) for name, text in scraped.items()} == {
        name: [] for name in scraped
    }


def test_spans_hold_no_secrets(vendors, scraped, canaries, lived):
    text = "".join(str(span) for _, span in vendors.spans)

    assert vendors.otlp_keys == {"canary-otlp-key-0001"}
    assert found_in(text, canaries | {"share": lived.share_token}) == []


def test_the_database_holds_secrets_only_where_they_are_meant_to_be(observed, scraped, canaries, lived):
    found = {name: columns_with(observed, canary) for name, canary in canaries.items()}

    assert found == {name: set() for name in canaries}
    assert columns_with(observed, lived.share_token) <= SHARED


def columns_with(system, canary: str) -> set[str]:
    with psycopg.connect(system.variables()["DATABASE_URL"]) as connection:
        columns = connection.execute(COLUMNS).fetchall()
        return {
            f"{table}.{column}"
            for table, column in columns
            if connection.execute(
                f'SELECT 1 FROM "{table}" WHERE position(%s in "{column}"::text) > 0 LIMIT 1', [canary]
            ).fetchone()
        }


def test_messages_hold_a_sign_in_token_only_on_its_way_to_the_mail(scraped, canaries, lived):
    found = {(type_name, secret) for type_name, text in lived.bodies for secret in found_in(text, canaries)}

    assert {type_name for type_name, _ in lived.bodies} >= {
        "run.requested",
        "run.finished",
        "report.completed",
    }
    assert found == {(type_name, "sign-in") for type_name in LAID_DOWN}


def test_the_failures_that_could_quote_secrets_did_happen(observed, scraped, lived):
    worker = (observed.home.logs / "model-worker.log").read_text()
    notifier = (observed.home.logs / "notifier.log").read_text()

    assert "key.refused" in worker
    assert "message.dead_lettered" in notifier
    with psycopg.connect(observed.variables()["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT error FROM benchmark_runs WHERE error IS NOT NULL").fetchall()
    assert all("cannot read https://images.example/a.png" in row[0] for row in rows)
    assert all("[redacted]" in row[0] for row in rows)
    assert len(rows) == 3
