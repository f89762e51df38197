"""The adapter and the sender against Resend's simulator."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError, MailUncertainError
from modelpick_notifier.handlers import Handlers
from modelpick_notifier.mails import MailRoom
from modelpick_notifier.metrics import UNKNOWN
from modelpick_notifier.service import CLAIM, Sender
from modelpick_notifier.settings import NotifierSettings
from modelpick_notifier.transport import OutgoingMail
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import ReportCompleted
from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.db.tables import Email
from modelpick_shared.ids import new_id

pytestmark = pytest.mark.connected

SENDER = "ModelPick <noreply@modelpick.ai>"
MAIL = OutgoingMail(
    key="report-ready/1",
    message_id="<abc@modelpick.ai>",
    sender=SENDER,
    recipient="somebody@example.com",
    subject="Ready",
    text="Read it.",
    html="<p>Read it.</p>",
    written_at=datetime(2026, 5, 1, tzinfo=UTC),
)


class Office:
    """Handlers and a sender over a real database and Resend's simulator."""

    def __init__(self, url, resend) -> None:
        self.database = Database(url, application="test")
        self.resend = resend
        self.sender = self.sender_over(resend.transport())
        settings = NotifierSettings(database_url=url, rabbitmq_url="amqp://x", resend_api_key="re_1")
        room = MailRoom(load_catalog(), site_url=settings.site_url, sender=settings.sender)
        self.handlers = Handlers(self.database, room, self.sender)

    def sender_over(self, transport) -> Sender:
        return Sender(self.database, transport, sender=SENDER, backoff_base_s=0.05)

    async def write(self) -> None:
        message = ReportCompleted(report_id=new_id(), status="complete", email="somebody@example.com")
        await self.handlers.report_completed(message)

    async def try_now(self, sender=None) -> Email:
        await self.change(next_attempt_at=datetime.now(UTC))
        await (sender or self.sender).send_next()
        return await self.mail()

    async def mail(self) -> Email:
        async with self.database.transaction() as session:
            return (await session.scalars(select(Email))).one()

    async def change(self, **columns) -> None:
        async with self.database.transaction() as session:
            await session.execute(update(Email).values(**columns))


@pytest.fixture
async def office(database_url_as, resend):
    office = Office(database_url_as(Role.NOTIFIER), resend)
    async with office.database:
        yield office


async def test_the_adapter_is_understood_by_resend(resend):
    email_id = await resend.transport().send(MAIL)
    (email,) = await resend.emails()
    assert (email["id"], email["from"], email["to"]) == (email_id, SENDER, [MAIL.recipient])
    assert (email["text"], email["html"]) == (MAIL.text, MAIL.html)
    assert email["tags"] == [{"name": "mail", "value": "abc"}]
    assert await resend.transport().send(MAIL) == email_id
    assert len(await resend.inbox()) == 1


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("rate_limit", MailUnavailableError),
        ("daily_quota", MailUnavailableError),
        ("invalid_key", MailUnavailableError),
        ("busy", MailUncertainError),
        ("server_error", MailUncertainError),
        ("error_after_accept", MailUncertainError),
        ("hang_after_accept", MailUncertainError),
        ("refuse", MailRefusedError),
    ],
)
async def test_the_adapter_understands_resend(resend, mode, error):
    await resend.fails(mode, count=1, retry_after_s=7)
    with pytest.raises(error) as caught:
        await resend.transport(timeout_s=0.3).send(MAIL)
    assert caught.type is error
    if mode == "rate_limit":
        assert caught.value.retry_after_s == 7


async def test_another_mail_under_the_same_key_is_refused_for_good(resend):
    await resend.transport().send(MAIL)
    other = OutgoingMail(**{name: getattr(MAIL, name) for name in MAIL.__slots__} | {"text": "Other."})
    with pytest.raises(MailRefusedError, match="invalid_idempotent_request"):
        await resend.transport().send(other)


@pytest.mark.parametrize("mode", ["error_after_accept", "hang_after_accept"])
async def test_a_mail_whose_answer_was_lost_is_sent_once(office, resend, mode):
    await office.write()
    await resend.fails(mode, count=1)
    lost = await office.try_now(office.sender_over(resend.transport(timeout_s=0.3)))
    assert (lost.state, lost.uncertain_since is None) == ("pending", False)
    sent = await office.try_now()
    assert (sent.state, sent.attempts, sent.uncertain_since) == ("sent", 2, None)
    assert len(await resend.inbox()) == 1
    (email,) = await resend.emails()
    assert sent.provider_id == email["id"]


class Dies:
    """Sends, and then the process is no more."""

    repeatable_for = timedelta(hours=23)

    def __init__(self, transport) -> None:
        self._transport = transport

    async def send(self, mail) -> None:
        await self._transport.send(mail)
        raise asyncio.CancelledError


async def test_a_crash_between_sending_and_storing_repeats_the_same_key(office, resend):
    await office.write()
    with pytest.raises(asyncio.CancelledError):
        await office.try_now(office.sender_over(Dies(resend.transport())))
    left = await office.mail()
    assert (left.state, left.attempts, left.uncertain_since is None) == ("pending", 1, False)
    assert timedelta() < left.next_attempt_at - datetime.now(UTC) <= CLAIM
    assert not await office.sender.send_next(), "nobody takes a claimed mail"
    assert (await office.try_now()).state == "sent"
    assert len(await resend.inbox()) == 1


async def test_a_repeated_mail_names_its_first_sender_though_the_setting_changed(office, resend):
    await office.write()
    await resend.fails("error_after_accept", count=1)
    await office.try_now()
    office.sender._sender = "Other <other@modelpick.ai>"
    assert (await office.try_now()).state == "sent"
    (mail,) = await resend.inbox()
    assert mail["from"] == SENDER


async def test_a_mail_of_unknown_result_waits_for_an_operator_after_23_hours(office, resend):
    await office.write()
    long_ago = datetime.now(UTC) - timedelta(hours=23, seconds=1)
    await office.change(uncertain_since=long_ago, last_error="Resend: ReadTimeout")
    mail = await office.try_now()
    assert (mail.state, mail.uncertain_since, mail.last_error) == ("unknown", long_ago, "Resend: ReadTimeout")
    assert mail.text_body
    assert await resend.emails() == []
    await office.sender._wait_s()
    assert UNKNOWN._value.get() == 1
    assert not await office.sender.send_next()


async def test_a_mail_of_unknown_result_is_repeated_until_then(office, resend):
    await office.write()
    await office.change(uncertain_since=datetime.now(UTC) - timedelta(hours=22, minutes=59))
    assert (await office.try_now()).state == "sent"


async def test_a_mail_that_was_surely_not_taken_may_wait_for_days(office, resend):
    await office.write()
    await resend.fails("invalid_key", count=1)
    refused = await office.try_now()
    assert (refused.state, refused.uncertain_since) == ("pending", None)
    await office.change(created_at=datetime.now(UTC) - timedelta(days=5))
    assert (await office.try_now()).state == "sent"


async def test_an_attempt_that_is_surely_not_taken_does_not_hide_an_earlier_uncertain_one(office, resend):
    await office.write()
    await resend.fails("server_error", count=1)
    first = await office.try_now()
    await resend.fails("daily_quota", count=1)
    assert (await office.try_now()).uncertain_since == first.uncertain_since


async def test_a_team_over_its_limit_rests_with_every_mail(office, resend):
    await office.write()
    await office.write()
    await resend.fails("rate_limit", count=1, retry_after_s=30)
    assert await office.sender.send_next()
    assert not await office.sender.send_next()
    assert await resend.emails() == []
    office.sender._rests_until = 0
    assert await office.sender.send_next()
    assert len(await resend.emails()) == 1


async def test_a_late_success_counts_though_another_attempt_has_begun(office, resend):
    await office.write()
    slow = office.sender_over(resend.transport())
    attempt = await slow._claim()
    await resend.fails("server_error", count=1)
    await office.try_now()
    await slow._try(attempt)
    assert (await office.mail()).state == "sent"
    assert len(await resend.inbox()) == 1
