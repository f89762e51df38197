import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest

from modelpick_notifier.app import build
from modelpick_notifier.settings import NotifierSettings
from modelpick_shared.broker import BrokerConnector, Publisher, Service, event_queue
from modelpick_shared.contracts import MailRequested, MailTemplate, ReportCompleted, ReportPaid
from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.http.serve import service_server
from modelpick_shared.ids import new_id
from modelpick_shared.testing import config_snapshot, eventually, insert_report

pytestmark = pytest.mark.connected


@asynccontextmanager
async def serving(database_url, broker_url, postbox, **settings):
    settings = NotifierSettings(
        database_url=database_url, rabbitmq_url=broker_url, smtp_url=postbox.url, **settings
    )
    server = service_server(build(settings), host="127.0.0.1", port=0)
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        server.should_exit = True
        await task


async def status_of(client) -> int:
    return (await client.get("/readyz")).status_code


async def test_a_message_becomes_a_mail_however_often_it_comes(
    database_url_as, fresh_broker_url, broker_url_as, postbox
):
    async def ready():
        return await status_of(client) == 200

    async with (
        serving(database_url_as(Role.NOTIFIER), broker_url_as(Service.NOTIFIER), postbox) as client,
        Publisher(BrokerConnector(fresh_broker_url, name="test")) as publisher,
    ):
        await eventually(ready)
        message = ReportCompleted(
            report_id=new_id(), status="complete", share_token="s3cret", email="somebody@example.com"
        )
        for _ in range(3):
            await publisher.send(message)
        await publisher.send(sign_in("other@example.com"))
        await eventually(lambda: len(postbox.mails) >= 2)
        assert sorted(mail["To"] for mail in postbox.mails) == ["other@example.com", "somebody@example.com"]


async def test_a_paid_report_is_confirmed_however_often_it_is_told(
    fresh_database_url, database_url_as, fresh_broker_url, broker_url_as, postbox
):
    async def ready():
        return await status_of(client) == 200

    async with (
        Database(fresh_database_url, application="test") as database,
        database.transaction() as session,
    ):
        report = await insert_report(session, config_snapshot())
    async with (
        serving(database_url_as(Role.NOTIFIER), broker_url_as(Service.NOTIFIER), postbox) as client,
        Publisher(BrokerConnector(fresh_broker_url, name="test")) as publisher,
    ):
        await eventually(ready)
        for _ in range(3):
            await publisher.send(ReportPaid(report_id=report.id))
        await publisher.send(sign_in("other@example.com"))
        await eventually(lambda: len(postbox.mails) >= 2)
        assert sorted(mail["To"] for mail in postbox.mails) == sorted(["other@example.com", report.email])


async def test_the_mail_services_webhook_is_served(database_url_as, postbox):
    async with serving(database_url_as(Role.NOTIFIER), "amqp://nobody@127.0.0.1:1/", postbox) as client:
        assert (await client.post("/api/webhooks/resend", content=b"{}")).status_code == 503
    secret = {"resend_webhook_secret": "whsec_c2VjcmV0"}
    async with serving(
        database_url_as(Role.NOTIFIER), "amqp://nobody@127.0.0.1:1/", postbox, **secret
    ) as client:
        assert (await client.post("/api/webhooks/resend", content=b"{}")).status_code == 400


async def test_a_mail_that_cannot_be_made_is_laid_down_and_others_go_on(
    database_url_as, fresh_broker_url, broker_url_as, postbox
):
    async def ready():
        return await status_of(client) == 200

    connector = BrokerConnector(fresh_broker_url, name="test")
    async with (
        serving(database_url_as(Role.NOTIFIER), broker_url_as(Service.NOTIFIER), postbox) as client,
        Publisher(connector) as publisher,
    ):
        await eventually(ready)
        await publisher.send(sign_in("a@b.example\nBcc: c@d.example"))
        await publisher.send(sign_in("somebody@example.com"))
        await eventually(lambda: postbox.mails)
        queue = event_queue(Service.NOTIFIER, MailRequested)
        await eventually(lambda: dead_letters(connector, queue.name))
    assert [mail["To"] for mail in postbox.mails] == ["somebody@example.com"]


async def test_the_service_starts_without_the_broker_and_says_what_is_missing(database_url_as, postbox):
    async with serving(database_url_as(Role.NOTIFIER), "amqp://nobody@127.0.0.1:1/", postbox) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["broker: consumers are not registered"]


async def dead_letters(connector, queue_name) -> int:
    async with await connector.connect() as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"{queue_name}.dead", passive=True)
        return queue.declaration_result.message_count


def sign_in(to) -> MailRequested:
    return MailRequested(
        template=MailTemplate.SIGN_IN,
        to=to,
        idempotency_key=f"sign-in/{new_id()}",
        fields={"link": "http://localhost:8080/auth/verify?token=t0ken"},
    )
