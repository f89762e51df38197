from datetime import UTC, datetime

import pytest

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError, MailUncertainError
from modelpick_notifier.transport import OutgoingMail, SmtpTransport

pytestmark = pytest.mark.connected

MAIL = OutgoingMail(
    key="report-ready/1",
    message_id="<1@modelpick.ai>",
    sender="ModelPick <noreply@modelpick.ai>",
    recipient="somebody@example.com",
    subject="Your ModelPick report is ready",
    text="Read it – now.\n",  # noqa: RUF001 - a character beyond ASCII
    html="<p>Read it.</p>\n",
    written_at=datetime(2026, 5, 1, 12, tzinfo=UTC),
)


def transport(postbox) -> SmtpTransport:
    return SmtpTransport(postbox.url)


async def test_a_mail_arrives_as_text_with_html_as_the_alternative(postbox):
    await transport(postbox).send(MAIL)
    (mail,) = postbox.mails
    assert mail["From"] == "ModelPick <noreply@modelpick.ai>"
    assert mail["To"] == "somebody@example.com"
    assert mail["Subject"] == MAIL.subject
    assert mail["Message-ID"] == MAIL.message_id
    assert mail.get_body(("plain",)).get_content().splitlines() == MAIL.text.splitlines()
    assert mail.get_body(("html",)).get_content().splitlines() == MAIL.html.splitlines()


@pytest.mark.parametrize("answer", ["451 4.3.0 Later", "421 4.3.2 Closing"])
async def test_a_passing_refusal_is_tried_again(postbox, answer):
    postbox.data_answer = answer
    with pytest.raises(MailUnavailableError, match=answer[:3]):
        await transport(postbox).send(MAIL)


async def test_a_recipient_that_is_busy_is_tried_again(postbox):
    postbox.recipient_answer = "450 4.2.1 Busy"
    with pytest.raises(MailUnavailableError, match="450"):
        await transport(postbox).send(MAIL)


async def test_a_recipient_that_does_not_exist_is_refused(postbox):
    postbox.recipient_answer = "550 5.1.1 No such user"
    with pytest.raises(MailRefusedError, match="550") as caught:
        await transport(postbox).send(MAIL)
    assert "somebody" not in str(caught.value)


async def test_a_server_that_is_away_is_tried_again(postbox):
    await postbox.close()
    with pytest.raises(MailUnavailableError) as caught:
        await transport(postbox).send(MAIL)
    assert not isinstance(caught.value, MailUncertainError)


async def test_a_connection_lost_behind_the_mail_leaves_it_uncertain(postbox):
    postbox.hangs_up = True
    with pytest.raises(MailUncertainError):
        await transport(postbox).send(MAIL)
    assert len(postbox.mails) == 1


async def test_a_repeated_mail_is_the_same_to_the_byte(postbox):
    for _ in range(2):
        await transport(postbox).send(MAIL)
    first, second = postbox.mails
    assert first.as_bytes() == second.as_bytes()
    assert first["Date"] == "Fri, 01 May 2026 12:00:00 +0000"
