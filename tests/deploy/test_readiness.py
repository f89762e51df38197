"""What a service says of itself while an upgrade is under way."""

import httpx
import psycopg
import pytest

from modelpick_checkout.app import build as checkout
from modelpick_checkout.settings import CheckoutSettings
from modelpick_notifier.app import build as notifier
from modelpick_notifier.settings import NotifierSettings
from modelpick_orchestrator.app import build as orchestrator
from modelpick_orchestrator.settings import OrchestratorSettings
from modelpick_reports.app import build as reports
from modelpick_reports.settings import ReportsSettings
from modelpick_shared.db.grants import Role
from modelpick_shared.db.revisions import known_revisions, newest_revision
from modelpick_webhook.app import build as webhook
from modelpick_webhook.settings import WebhookSettings

pytestmark = pytest.mark.connected

NOBODYS_BROKER = "amqp://nobody@127.0.0.1:1/"
CASES = [
    (Role.CHECKOUT, CheckoutSettings, checkout, False),
    (Role.WEBHOOK, WebhookSettings, webhook, False),
    (Role.ORCHESTRATOR, OrchestratorSettings, orchestrator, True),
    (Role.NOTIFIER, NotifierSettings, notifier, True),
    (Role.REPORTS, ReportsSettings, reports, False),
]


@pytest.fixture
def has_revision(fresh_database_url):
    """Return a function that makes the database one of another release, as far as it says."""

    def change(revision):
        with psycopg.connect(fresh_database_url) as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [revision])

    yield change
    change(newest_revision())


@pytest.mark.parametrize(
    ("role", "settings", "build", "needs_the_broker"), CASES, ids=[case[0].value for case in CASES]
)
async def test_a_service_is_not_ready_before_the_migrations_and_stays_so_after_later_ones(
    role, settings, build, needs_the_broker, database_url_as, has_revision, tmp_path
):
    known = settings.model_fields.keys()
    given = {
        "database_url": database_url_as(role),
        "rabbitmq_url": NOBODYS_BROKER,
        "image_store_url": tmp_path.as_uri(),
        "smtp_url": "smtp://127.0.0.1:1",
    }
    app = build(settings(**{name: value for name, value in given.items() if name in known}))
    has_revision(min(known_revisions()))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client,
    ):
        before = await client.get("/readyz")
        has_revision("of_a_later_release")
        after = await client.get("/readyz")

    assert before.status_code == 503
    assert before.json()["reasons"][0] == (
        f"database: the schema has revision {min(known_revisions())}, this release needs"
        f" {newest_revision()}: run its migrations"
    )
    assert after.json()["reasons"] == (["broker: consumers are not registered"] if needs_the_broker else [])
    assert after.status_code == (503 if needs_the_broker else 200)
