import re

import pytest

from modelpick_notifier.errors import InvalidMailError
from modelpick_notifier.mails import SUBJECTS, MailRoom, Payment
from modelpick_notifier.settings import NotifierSettings
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import (
    MailRequested,
    MailTemplate,
    ReportCompleted,
    ReportFailed,
    UnmeasuredReason,
    UnmeasuredRuns,
)
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
    assert mail.subject == "Your ModelPick report is ready, with gaps"
    assert "partial" in mail.text_body
    assert "with gaps" in mail.html_body


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


HOSTILE = """</mj-text><mj-include path="/etc/passwd" /><script>alert('1')</script>{{ 7 * 7 }}"&\x00\x0b]]>"""


def refunded(**fields) -> MailRequested:
    return MailRequested(
        template=MailTemplate.REFUNDED,
        to="somebody@example.com",
        idempotency_key="refunded/pi_1",
        fields={"amount_usd": "14.99"} | fields,
        report_id=new_id(),
    )


def test_the_ready_mail_tells_the_interval_of_the_best_rate(mail_room):
    mail = mail_room.report_ready(completed(best_model_ci95=(0.7842, 0.9816)))
    for body in (mail.text_body, mail.html_body):
        assert "95 % interval: 78.4 to 98.2 %" in body


def test_an_event_of_an_earlier_release_makes_a_mail_without_figures_that_it_lacks(mail_room):
    for status in ("complete", "partial"):
        mail = mail_room.report_ready(completed(status=status))
        assert "interval" not in mail.text_body
        assert "None" not in mail.text_body + mail.html_body


def test_the_partial_mail_tells_what_is_missing_and_why(mail_room):
    models = [model.id for model in load_catalog()][:5]
    names = [model.name for model in load_catalog()][:3]
    unmeasured = [UnmeasuredRuns(model_id=models[0], reason="provider_error", runs=1)]
    unmeasured += [UnmeasuredRuns(model_id=model, reason="budget", runs=2) for model in models]
    message = completed(status="partial", total_runs=720, unmeasured=unmeasured)
    mail = mail_room.report_ready(message)
    for body in (mail.text_body, mail.html_body):
        assert "11 of 720 runs" in body
        assert f"{', '.join(names)} and 2 more" in body
        assert body.index("10 runs") < body.index("1 run", body.index("10 runs") + 7)
        assert "budget for model calls was used up" in body
    assert mail.html_body.count('class="count"') == 2


@pytest.mark.parametrize("reason", UnmeasuredReason)
def test_every_reason_has_words(mail_room, reason):
    unmeasured = [UnmeasuredRuns(model_id="gone/model", reason=reason, runs=1)]
    text = mail_room.report_ready(completed(status="partial", unmeasured=unmeasured)).text_body
    assert "- 1 run: " in text
    assert "(gone/model)" in text


def test_the_payment_mail_says_what_was_paid_for(mail_room):
    report_id = new_id()
    mail = mail_room.payment_received(Payment(report_id, "somebody@example.com", 1499, 24, 1, 72))
    assert (mail.key, mail.report_id) == (f"payment-received/{report_id}", report_id)
    for body in (mail.text_body, mail.html_body):
        assert "$14.99" in body
        assert "24 models on 1 image, 72 runs" in body
        assert f"{SITE}/benchmark/{report_id}/processing" in body


def test_the_refund_mail_tells_the_amount_and_the_reason(mail_room):
    message = refunded(reason="The report could not be made.")
    mail = mail_room.requested(message)
    assert (mail.key, mail.template, mail.report_id) == ("refunded/pi_1", "refunded", message.report_id)
    for body in (mail.text_body, mail.html_body):
        assert "$14.99" in body
        assert "The report could not be made." in body
    assert "None" not in mail_room.requested(refunded()).text_body
    assert not mail.erase_body


@pytest.mark.parametrize("amount", ["", "much", "1e400", "NaN"])
def test_a_refund_of_no_amount_is_refused(mail_room, amount):
    with pytest.raises(InvalidMailError):
        mail_room.requested(refunded(amount_usd=amount))


def hostile_mails(mail_room):
    runs = [UnmeasuredRuns(model_id=HOSTILE, reason="budget", runs=1)]
    yield mail_room.report_ready(completed(best_model=HOSTILE))
    yield mail_room.report_ready(completed(status="partial", best_model=HOSTILE, unmeasured=runs))
    failed = ReportFailed(report_id=new_id(), status="failed", email="a@b.example", reason=HOSTILE)
    yield mail_room.report_failed(failed)
    yield mail_room.requested(refunded(reason=HOSTILE))
    yield mail_room.requested(sign_in(fields={"link": f"{SITE}/{HOSTILE}"}))


def test_hostile_text_stays_text(mail_room):
    for mail in hostile_mails(mail_room):
        assert "<script" not in mail.html_body
        assert "&lt;script&gt;" in mail.html_body
        assert "{{ 7 * 7 }}" in mail.html_body
        assert "root:" not in mail.html_body
        assert "<mj-" not in mail.html_body
        assert "\x00" not in mail.text_body + mail.html_body


def test_no_subject_holds_what_others_wrote(mail_room):
    for mail in (*hostile_mails(mail_room), mail_room.report_ready(completed())):
        assert mail.subject == SUBJECTS[mail.template]


def test_a_mail_fetches_nothing_from_elsewhere(mail_room):
    payment = mail_room.payment_received(Payment(new_id(), "a@b.example", 1499, 1, 1, 1))
    for mail in (payment, *hostile_mails(mail_room), mail_room.report_ready(completed())):
        assert not re.search(r"<(img|link|script|iframe)|@import|url\(", mail.html_body)


def test_every_mail_has_its_language_and_a_preview(mail_room):
    html = mail_room.report_ready(completed()).html_body
    assert '<html lang="en"' in html
    assert "93.3 % exactly right" in html
    assert "prefers-color-scheme: dark" in html
