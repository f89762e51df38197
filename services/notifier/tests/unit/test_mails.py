import re

import pytest

from modelpick_notifier.errors import InvalidMailError
from modelpick_notifier.mails import MailRoom
from modelpick_notifier.settings import NotifierSettings
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import MailRequested, MailTemplate, ReportCompleted, ReportFailed
from modelpick_shared.ids import new_id

SITE = "https://modelpick.example"


@pytest.fixture
def mail_room():
    sender = NotifierSettings(
        database_url="postgresql://x", rabbitmq_url="amqp://x", smtp_url="smtp://x:25"
    ).sender
    return MailRoom(load_catalog(), site_url=SITE, sender=sender)


def completed(**fields) -> ReportCompleted:
    model = next(iter(load_catalog()))
    values = {
        "report_id": new_id(),
        "status": "complete",
        "share_token": "s3cret",
        "email": "somebody@example.com",
        "best_model": model.id,
        "best_model_pass_rate": 0.9333333,
    }
    return ReportCompleted(**(values | fields))


def sign_in(**fields) -> MailRequested:
    values = {
        "template": MailTemplate.SIGN_IN,
        "to": "somebody@example.com",
        "idempotency_key": "sign-in/1",
        "fields": {"link": f"{SITE}/auth/verify?token=a&x=b"},
    }
    return MailRequested(**(values | fields))


def test_the_ready_mail_names_the_best_model_its_rate_and_the_link(mail_room):
    message = completed()
    mail = mail_room.report_ready(message)
    assert (mail.key, mail.report_id) == (f"report-ready/{message.report_id}", message.report_id)
    assert mail.subject == "Your ModelPick report is ready"
    for body in (mail.text_body, mail.html_body):
        assert next(iter(load_catalog())).name in body
        assert "93.3 %" in body
        assert f"{SITE}/report/s3cret" in body
        assert "partial" not in body


def test_a_partial_report_is_called_partial(mail_room):
    mail = mail_room.report_ready(completed(status="partial"))
    assert mail.subject == "Your ModelPick report is ready"
    assert "partial" in mail.text_body
    assert "partial" in mail.html_body


def test_a_report_without_a_best_model_says_so(mail_room):
    for status in ("complete", "partial"):
        mail = mail_room.report_ready(completed(status=status, best_model=None, best_model_pass_rate=None))
        assert "None" not in mail.text_body + mail.html_body
        assert "rank" in mail.text_body


def test_a_model_that_left_the_catalogue_is_named_by_its_id(mail_room):
    assert "gone/model" in mail_room.report_ready(completed(best_model="gone/model")).text_body


def test_a_report_that_is_not_shared_links_to_the_owners_list(mail_room):
    assert f"{SITE}/reports\n" in mail_room.report_ready(completed(share_token=None)).text_body


def test_the_failed_mail_says_why_and_that_the_money_comes_back(mail_room):
    message = ReportFailed(
        report_id=new_id(), status="failed", email="somebody@example.com", reason="The models were <away>."
    )
    mail = mail_room.report_failed(message)
    assert mail.key == f"report-failed/{message.report_id}"
    assert "The models were <away>. \n" not in mail.text_body
    assert "The models were <away>." in mail.text_body
    assert "The models were &lt;away&gt;." in mail.html_body
    assert "money back" in mail.text_body


def test_a_sign_in_mail_is_erased_once_sent_and_others_are_kept(mail_room):
    mail = mail_room.requested(sign_in())
    assert mail.erase_body
    assert f"{SITE}/auth/verify?token=a&x=b" in mail.text_body
    assert f"{SITE}/auth/verify?token=a&amp;x=b" in mail.html_body
    assert not mail_room.report_ready(completed()).erase_body


def test_a_mail_is_the_same_whenever_it_is_rendered(mail_room):
    message = completed()
    assert mail_room.report_ready(message) == mail_room.report_ready(message)


def test_the_message_id_is_derived_from_the_key_and_tells_nothing(mail_room):
    one = mail_room.requested(sign_in())
    other = mail_room.requested(sign_in(idempotency_key="sign-in/2"))
    assert re.fullmatch(r"<[0-9a-f]{40}@modelpick\.ai>", one.message_id)
    assert one.message_id != other.message_id


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\nBcc: c@d.example",
        "a@b.example\r\n",
        "a@b.example, c@d.example",
        "Somebody <a@b.example>",
        "a b@c.example",
        "a@b@c.example",
        "no-address",
        "",
        "@b.example",
        "a@",
        "a\x00b@c.example",
        "jürgen@example.com",
        "a..b@c.example",
        f"{'a' * 300}@b.example",
    ],
)
def test_an_address_that_could_break_out_of_its_header_is_refused(mail_room, address):
    with pytest.raises(InvalidMailError):
        mail_room.requested(sign_in(to=address))


@pytest.mark.parametrize("address", ["a+b.c@d-e.example", "o'neill@example.com"])
def test_ordinary_addresses_are_taken(mail_room, address):
    assert mail_room.requested(sign_in(to=address)).recipient == address


def test_a_mail_without_its_link_is_refused(mail_room):
    with pytest.raises(InvalidMailError):
        mail_room.requested(sign_in(fields={}))
