import asyncio
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from modelpick_ops.main import app
from modelpick_shared.db import Database
from modelpick_shared.db.tables import Email

pytestmark = pytest.mark.connected


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        async with database.transaction() as session:
            session.add_all(
                [
                    a_mail("k/unknown", state="unknown", uncertain_since=datetime(2026, 5, 1, tzinfo=UTC)),
                    a_mail("k/failed", state="failed", last_error="SMTP: 550 to the recipient"),
                    a_mail(
                        "k/bounced", state="sent", delivery="bounced", delivery_detail="Permanent/General"
                    ),
                    a_mail("k/sent", state="sent", delivery="delivered"),
                    a_mail("k/pending", state="pending"),
                    a_mail("k/erased", state="failed", text_body=None),
                ]
            )
        yield database


def a_mail(key, **columns) -> Email:
    values = {"template": "report_ready", "recipient": "a@b.example", "subject": "Ready", "message_id": key}
    return Email(key=key, **(values | {"text_body": "Read it."} | columns))


@pytest.fixture
def modelpick(database, fresh_database_url, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    async def run(*arguments):
        return await asyncio.to_thread(CliRunner().invoke, app, ["mails", *arguments])

    return run


async def mail(database, key) -> Email:
    async with database.transaction() as session:
        return await session.scalar(select(Email).where(Email.key == key))


@pytest.mark.parametrize(
    ("which", "keys"),
    [
        ("troubled", {"k/unknown", "k/failed", "k/bounced", "k/erased"}),
        ("unknown", {"k/unknown"}),
        ("pending", {"k/pending"}),
        ("undelivered", {"k/bounced"}),
        ("all", {"k/unknown", "k/failed", "k/bounced", "k/sent", "k/pending", "k/erased"}),
    ],
)
async def test_mails_are_listed_by_what_became_of_them(modelpick, which, keys):
    answer = await modelpick("list", "--which", which, "--json")
    assert {item["key"] for item in json.loads(answer.stdout)["items"]} == keys


async def test_the_list_says_why_a_mail_did_not_arrive(modelpick):
    answer = await modelpick("list")
    assert answer.exit_code == 0
    for words in ("bounced", "Permanent/General", "SMTP: 550 to the recipient"):
        assert words in answer.stdout
    assert "k/sent" not in answer.stdout


@pytest.mark.parametrize("key", ["k/unknown", "k/failed"])
async def test_a_mail_is_sent_again_on_request(modelpick, database, key):
    assert (await modelpick("resend", key)).exit_code == 0
    again = await mail(database, key)
    assert (again.state, again.uncertain_since, again.text_body) == ("pending", None, "Read it.")


async def test_a_mail_is_taken_for_sent_on_request(modelpick, database):
    assert (await modelpick("settle", "k/unknown")).exit_code == 0
    sent = await mail(database, "k/unknown")
    assert (sent.state, sent.sent_at is None) == ("sent", False)


@pytest.mark.parametrize("key", ["k/sent", "k/pending", "k/erased", "k/none"])
async def test_other_mails_are_left_alone(modelpick, database, key):
    answer = await modelpick("resend", key)
    assert answer.exit_code == 1
    assert len(answer.stderr.splitlines()) == 1
