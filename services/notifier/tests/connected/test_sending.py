import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from modelpick_notifier.handlers import Handlers
from modelpick_notifier.mails import MailRoom
from modelpick_notifier.service import Sender
from modelpick_notifier.settings import NotifierSettings
from modelpick_notifier.transport import SmtpTransport
from modelpick_shared.broker import Verdict
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import MailRequested, MailTemplate, ReportCompleted, ReportFailed, ReportPaid
from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.db.tables import Email
from modelpick_shared.errors import PermanentError
from modelpick_shared.ids import new_id, refunded_mail
from modelpick_shared.testing import config_snapshot, eventually, insert_report

pytestmark = pytest.mark.connected


class Office:
    """Handlers and a sender over a real database and an SMTP server in this process."""

    def __init__(self, owners_url: str, url: str, postbox) -> None:
        self.url = url
        self.owners_database = Database(owners_url, application="test")
        self.database = Database(url, application="test")
        self.sender = self.another_sender(postbox.url)
        settings = self.settings(postbox.url)
        mail_room = MailRoom(load_catalog(), site_url=settings.site_url, sender=settings.sender)
        self.handlers = Handlers(self.database, mail_room, self.sender)

    def settings(self, smtp_url) -> NotifierSettings:
        return NotifierSettings(database_url=self.url, rabbitmq_url="amqp://x", smtp_url=smtp_url)

    def another_sender(self, smtp_url) -> Sender:
        sender = str(self.settings(smtp_url).sender)
        return Sender(self.database, SmtpTransport(smtp_url), sender=sender, backoff_base_s=0.05)

    async def send_all(self) -> None:
        while await self.sender.send_next():
            pass

    async def mails(self):
        async with self.database.transaction() as session:
            return (await session.scalars(select(Email).order_by(Email.created_at))).all()

    async def mail(self) -> Email:
        (mail,) = await self.mails()
        return mail

    async def change(self, **columns) -> None:
        async with self.database.transaction() as session:
            await session.execute(update(Email).values(**columns))


@pytest.fixture
async def office(fresh_database_url, database_url_as, postbox):
    office = Office(fresh_database_url, database_url_as(Role.NOTIFIER), postbox)
    async with office.owners_database, office.database:
        yield office


@pytest.fixture
async def sending(office):
    task = asyncio.create_task(office.sender.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def completed() -> ReportCompleted:
    return ReportCompleted(
        report_id=new_id(),
        status="complete",
        share_token="s3cret",
        email="somebody@example.com",
        best_model="somebody/model",
        best_model_pass_rate=1.0,
    )


def failed() -> ReportFailed:
    return ReportFailed(
        report_id=new_id(), status="failed", email="somebody@example.com", reason="Nothing answered."
    )


def sign_in() -> MailRequested:
    return MailRequested(
        template=MailTemplate.SIGN_IN,
        to="somebody@example.com",
        idempotency_key=f"sign-in/{new_id()}",
        fields={"link": "http://localhost:8080/auth/verify?token=t0ken"},
    )


def refunded() -> MailRequested:
    return MailRequested(
        template=MailTemplate.REFUNDED,
        to="somebody@example.com",
        idempotency_key=refunded_mail("pi_1"),
        fields={"amount_usd": "14.99"},
        report_id=new_id(),
    )


async def paid(office) -> ReportPaid:
    async with office.owners_database.transaction() as session:
        config = config_snapshot(models=2, images=1, runs=3)
        report = await insert_report(session, config, email="somebody@example.com")
    return ReportPaid(report_id=report.id)


@pytest.mark.parametrize(
    ("make", "handler"),
    [
        (completed, "report_completed"),
        (failed, "report_failed"),
        (sign_in, "mail_requested"),
        (refunded, "mail_requested"),
        (paid, "report_paid"),
    ],
    ids=["completed", "failed", "sign-in", "refunded", "paid"],
)
async def test_each_message_delivered_twice_is_one_mail(office, postbox, make, handler):
    message = await make(office) if make is paid else make()
    handle = getattr(office.handlers, handler)
    assert await handle(message) is Verdict.ACK
    await office.send_all()
    assert await handle(message) is Verdict.ACK
    await asyncio.gather(handle(message), handle(message))
    await office.send_all()
    assert len(postbox.mails) == 1
    mail = await office.mail()
    assert (mail.state, mail.attempts, mail.recipient) == ("sent", 1, "somebody@example.com")
    assert mail.sent_at is not None


async def test_a_paid_report_is_confirmed_with_what_was_bought(office, postbox):
    message = await paid(office)
    await office.handlers.report_paid(message)
    await office.send_all()
    mail = await office.mail()
    assert (mail.key, mail.report_id) == (f"payment-received/{message.report_id}", message.report_id)
    text = postbox.mails[0].get_body(("plain",)).get_content()
    assert "$14.99 for one report: 2 models on 1 image, 6 runs in all" in text


async def test_a_paid_report_that_does_not_exist_is_laid_down(office):
    with pytest.raises(PermanentError):
        await office.handlers.report_paid(ReportPaid(report_id=new_id()))


async def test_a_reports_mails_of_different_kinds_are_all_sent(office, postbox):
    message = await paid(office)
    ended = completed().model_copy(update={"report_id": message.report_id})
    await office.handlers.report_paid(message)
    await office.handlers.report_completed(ended)
    await office.handlers.report_completed(ended.model_copy(update={"status": "partial"}))
    await office.send_all()
    assert sorted(mail["Subject"] for mail in postbox.mails) == [
        "Thank you for your order",
        "Your ModelPick report is ready",
    ]


async def test_senders_side_by_side_send_each_mail_once(office, postbox):
    for _ in range(20):
        await office.handlers.report_completed(completed())
    senders = [office.sender, *(office.another_sender(postbox.url) for _ in range(3))]

    async def work(sender):
        while await sender.send_next():
            pass

    await asyncio.gather(*(work(sender) for sender in senders))
    assert len(postbox.mails) == len({mail["Message-ID"] for mail in postbox.mails}) == 20


async def test_a_mail_server_that_was_down_gets_one_mail_when_it_is_up(office, postbox, sending):
    await postbox.close()
    await office.handlers.report_completed(completed())

    async def put_off_twice():
        return (await office.mail()).attempts >= 2

    await eventually(put_off_twice)
    mail = await office.mail()
    assert (mail.state, mail.last_error) == ("pending", "SMTP: SMTPConnectError")
    assert mail.text_body is not None
    await postbox.open()
    await eventually(lambda: postbox.mails)
    await eventually(lambda: _is_sent(office))
    assert len(postbox.mails) == 1


async def test_a_stored_mail_is_sent_at_once(office, postbox, sending):
    await eventually(lambda: not office.sender._woken.is_set())
    await office.handlers.mail_requested(sign_in())
    await eventually(lambda: postbox.mails, within_s=1.5)


async def test_the_text_of_a_sign_in_mail_is_erased_once_it_is_sent(office, postbox):
    await office.handlers.mail_requested(sign_in())
    assert "t0ken" in (await office.mail()).text_body
    await office.send_all()
    mail = await office.mail()
    assert (mail.text_body, mail.html_body, mail.state) == (None, None, "sent")
    assert "t0ken" in postbox.mails[0].get_body(("plain",)).get_content()


async def test_the_text_of_a_report_mail_is_kept(office, postbox):
    await office.handlers.report_completed(completed())
    await office.send_all()
    assert (await office.mail()).text_body


async def test_a_sign_in_mail_is_given_up_when_its_link_has_expired(office, postbox):
    await office.handlers.mail_requested(sign_in())
    await office.change(created_at=datetime.now(UTC) - timedelta(minutes=15))
    await office.send_all()
    mail = await office.mail()
    assert (mail.state, mail.last_error, mail.text_body) == ("failed", "expired", None)
    assert postbox.mails == []


async def test_an_old_report_mail_is_still_sent(office, postbox):
    await office.handlers.report_completed(completed())
    await office.change(created_at=datetime.now(UTC) - timedelta(days=3))
    await office.send_all()
    assert len(postbox.mails) == 1


async def test_a_mail_whose_recipient_does_not_exist_fails_and_does_not_hold_up_others(office, postbox):
    postbox.recipient_answer = "550 5.1.1 No such user"
    await office.handlers.mail_requested(sign_in())
    await office.send_all()
    mail = await office.mail()
    assert (mail.state, mail.last_error, mail.text_body) == (
        "failed",
        "SMTP: 550 to the recipient",
        None,
    )
    postbox.recipient_answer = "250 OK"
    await office.handlers.report_completed(completed())
    await office.send_all()
    assert len(postbox.mails) == 1


async def test_a_mail_whose_connection_broke_is_sent_again_as_the_same(office, postbox):
    postbox.hangs_up = True
    await office.handlers.report_completed(completed())
    await office.send_all()
    uncertain = await office.mail()
    assert (uncertain.state, uncertain.uncertain_since is None) == ("pending", False)
    postbox.hangs_up = False
    # However long ago: SMTP keeps no keys that could be forgotten.
    await office.change(
        next_attempt_at=datetime.now(UTC), uncertain_since=datetime.now(UTC) - timedelta(days=2)
    )
    await office.send_all()
    first, second = postbox.mails
    assert first.as_bytes() == second.as_bytes()
    sent = await office.mail()
    assert (sent.state, sent.uncertain_since) == ("sent", None)


async def test_a_put_off_mail_waits_longer_each_time_but_never_beyond_five_minutes(office, postbox):
    postbox.data_answer = "451 4.3.0 Later"
    await office.handlers.report_completed(completed())
    await office.send_all()
    first = await office.mail()
    assert first.attempts == 1
    await office.change(attempts=40, next_attempt_at=datetime.now(UTC))
    await office.send_all()
    mail = await office.mail()
    wait = mail.next_attempt_at - datetime.now(UTC)
    assert timedelta(minutes=2) < wait <= timedelta(minutes=5)
    assert (mail.attempts, mail.last_error) == (41, "SMTP: 451 to the mail")


async def test_a_crash_between_sending_and_storing_repeats_the_same_message_id(office, postbox):
    await office.handlers.report_completed(completed())
    await office.send_all()
    await office.change(state="pending", next_attempt_at=datetime.now(UTC))
    await office.send_all()
    assert len(postbox.mails) == 2
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 1


async def test_nothing_is_sent_any_more_once_the_sender_has_drained(office, postbox, sending):
    await office.sender.drain(1)
    await office.handlers.report_completed(completed())
    with pytest.raises(AssertionError):
        await eventually(lambda: postbox.mails, within_s=0.3)


async def _is_sent(office) -> bool:
    return (await office.mail()).state == "sent"
