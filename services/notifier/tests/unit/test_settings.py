import pytest

from modelpick_notifier.app import mail_transport
from modelpick_notifier.settings import NotifierSettings
from modelpick_notifier.transport import ResendTransport, SmtpTransport
from modelpick_shared.settings import load_settings

PLACES = {"database_url": "postgresql://x", "rabbitmq_url": "amqp://x"}


def test_without_a_mail_service_it_stops_with_one_line_that_names_both(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("SMTP_URL", "RESEND_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stopped:
        load_settings(NotifierSettings, "notifier", **PLACES)
    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert error.count("\n") == 1
    assert "SMTP_URL" in error
    assert "RESEND_API_KEY" in error


@pytest.mark.parametrize("sender", ["nobody", "a@b.example\nBcc: c@d.example", "a@b.example\r\nX: y", ""])
def test_a_sender_that_is_no_address_is_refused(sender):
    with pytest.raises(ValueError, match="must be an address"):
        NotifierSettings(**PLACES, smtp_url="smtp://x:25", mail_from=sender)


async def test_resend_is_used_when_its_key_is_set_and_smtp_otherwise():
    both = NotifierSettings(**PLACES, smtp_url="smtp://x:25", resend_api_key="re_1")
    transport = mail_transport(both)
    assert isinstance(transport, ResendTransport)
    await transport.close()
    assert isinstance(mail_transport(NotifierSettings(**PLACES, smtp_url="smtp://x:25")), SmtpTransport)


def test_the_webhook_secret_may_be_two_while_one_is_replaced():
    secrets = "whsec_b2xk, whsec_bmV3,"
    settings = NotifierSettings(**PLACES, smtp_url="smtp://x:25", resend_webhook_secret=secrets)
    assert settings.webhook_keys == [b"old", b"new"]
    assert NotifierSettings(**PLACES, smtp_url="smtp://x:25").webhook_keys == []
    assert "b2xk" not in repr(settings)


def test_a_webhook_secret_that_holds_no_key_is_refused():
    with pytest.raises(ValueError, match="is no webhook secret") as caught:
        NotifierSettings(**PLACES, smtp_url="smtp://x:25", resend_webhook_secret="whsec_not base64")
    assert "not base64" not in str(caught.value).replace("is not base64", "")
