import asyncio
import smtplib
import socket
from email.message import EmailMessage

import pytest

from modelpick_simulators.mail.app import create_app
from modelpick_simulators.mail.mailbox import KEPT_MAILS
from modelpick_simulators.mail.settings import MailSettings


@pytest.fixture
def smtp_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
async def client(port, smtp_port, in_process):
    async with in_process(create_app(MailSettings(simulator_port=port, smtp_port=smtp_port))) as client:
        yield client


@pytest.fixture
def send(client, smtp_port):
    def deliver(message, **envelope):
        with smtplib.SMTP("127.0.0.1", smtp_port, timeout=5) as smtp:
            smtp.send_message(message, **envelope)

    return lambda message, **envelope: asyncio.to_thread(deliver, message, **envelope)


def mail(subject="Your report", to="Ada <ada@example.com>", text="See http://shop.test/report/1", html=None):
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "ModelPick <noreply@modelpick.ai>", to
    message["Message-ID"] = "<1@modelpick.ai>"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


async def listed(client, **params):
    return (await client.get("/api/mails", params=params)).json()["items"]


async def test_a_mail_is_listed_with_its_parts_and_headers(client, send):
    await send(mail(subject="Grüße €", text="Hallo Straße", html="<p>Hallo</p>"))
    [found] = await listed(client)
    assert (found["subject"], found["from"]) == ("Grüße €", "ModelPick <noreply@modelpick.ai>")
    assert found["to"] == ["ada@example.com"]
    assert (found["text"].strip(), found["html"].strip()) == ("Hallo Straße", "<p>Hallo</p>")
    assert found["message_id"] == found["headers"]["Message-ID"] == "<1@modelpick.ai>"
    assert found["received_at"].endswith("Z")


async def test_mails_come_newest_first_and_are_found_by_address_and_subject(client, send):
    await send(mail(subject="First"))
    await send(mail(subject="Second", to="grace@example.com"))
    assert [each["subject"] for each in await listed(client)] == ["Second", "First"]
    assert [each["subject"] for each in await listed(client, to="GRACE@")] == ["Second"]
    assert [each["subject"] for each in await listed(client, subject="firs")] == ["First"]


async def test_all_mails_can_be_deleted(client, send):
    await send(mail())
    assert (await client.delete("/api/mails")).status_code == 204
    assert await listed(client) == []


async def test_pages_escape_everything_and_run_no_script(client, send):
    evil = "<script>alert(1)</script>\"'"
    await send(mail(subject=evil, text=evil, html=f"<p>{evil}</p>"))
    [found] = await listed(client)
    for page in ("/", f"/mails/{found['id']}"):
        text = (await client.get(page)).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in text


async def test_links_of_the_text_part_can_be_followed(client, send):
    await send(mail(text="Open http://shop.test/auth/verify?token=abc now"))
    [found] = await listed(client)
    page = (await client.get(f"/mails/{found['id']}")).text
    assert 'href="http://shop.test/auth/verify?token=abc"' in page


async def test_an_unknown_mail_is_404(client):
    assert (await client.get("/mails/1")).status_code == 404


async def test_undecodable_bytes_do_no_harm(client, smtp_port):
    head = b"From: a@b.test\r\nSubject: =?x-none?q?=ff?= \xff\xfe\r\nContent-Type: text/plain; charset=x-none"
    raw = head + b"\r\n\r\n\xff"

    def deliver():
        with smtplib.SMTP("127.0.0.1", smtp_port, timeout=5) as smtp:
            smtp.sendmail("a@b.test", ["c@d.test"], raw)

    await asyncio.to_thread(deliver)
    [found] = await listed(client)
    assert (await client.get(f"/mails/{found['id']}")).status_code == 200


async def test_only_the_latest_thousand_mails_are_kept(client, send):
    mailbox = client._transport.app.state.mailbox
    for number in range(KEPT_MAILS + 1):
        mailbox.receive(b"Subject: %d\r\n\r\n" % number, ["a@b.test"])
    mails = await listed(client)
    assert (len(mails), mails[0]["subject"], mails[-1]["subject"]) == (KEPT_MAILS, str(KEPT_MAILS), "1")


async def test_refused_mails_get_a_temporary_error_as_often_as_asked_for(client, send):
    await client.post("/_control/faults", json={"mode": "refuse", "count": 1})
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await send(mail())
    assert refused.value.smtp_code == 451
    await send(mail())
    assert len(await listed(client)) == 1


async def test_a_dropped_connection_leaves_the_mail_accepted(client, send):
    await client.post("/_control/faults", json={"mode": "drop_after_accept", "count": 1})
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await send(mail())
    assert len(await listed(client)) == 1


async def test_an_unknown_fault_is_refused(client):
    assert (await client.post("/_control/faults", json={"mode": "explode"})).status_code == 422
