import base64
import hmac
import time

import pytest

from modelpick_notifier.errors import InvalidSignatureError
from modelpick_notifier.signature import signing_key, verify
from modelpick_simulators.mail.resend.delivery import signature_header

BODY = b'{"type": "email.bounced", "text": "\xc3\xa9"}'
OLD, NEW = ("whsec_" + base64.b64encode(text).decode() for text in (b"the old one", b"the new one"))


def check(*, secrets=(NEW,), keys=(NEW,), seconds_ago=0, body=BODY):
    timestamp = int(time.time()) - seconds_ago
    signatures = signature_header(BODY, secrets, event_id="msg_1", timestamp=timestamp)
    verify(
        body,
        event_id="msg_1",
        timestamp=str(timestamp),
        signatures=signatures,
        keys=[signing_key(key) for key in keys],
    )


def test_the_example_of_the_standard_is_taken(monkeypatch):
    # From https://docs.svix.com/receiving/verifying-payloads/how-manual
    monkeypatch.setattr(time, "time", lambda: 1614265330)
    verify(
        b'{"test": 2432232314}',
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp="1614265330",
        signatures="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        keys=[signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
    )


@pytest.mark.parametrize("seconds_ago", [0, 290, -290])
def test_a_signature_of_the_last_or_next_five_minutes_is_taken(seconds_ago):
    check(seconds_ago=seconds_ago)


@pytest.mark.parametrize(
    ("secrets", "keys"), [((OLD,), (OLD, NEW)), ((NEW,), (OLD, NEW)), ((OLD, NEW), (NEW,))]
)
def test_both_secrets_are_taken_while_one_is_replaced(secrets, keys):
    check(secrets=secrets, keys=keys)


@pytest.mark.parametrize(
    "change",
    [{"secrets": (OLD,)}, {"secrets": ()}, {"seconds_ago": 310}, {"seconds_ago": -310}, {"body": b"{}"}],
)
def test_anything_else_is_refused(change):
    with pytest.raises(InvalidSignatureError):
        check(**change)


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "١٢٣", "9" * 400, "9" * 5000], ids=range(6))
def test_a_time_that_is_none_is_refused(timestamp):
    with pytest.raises(InvalidSignatureError):
        verify(BODY, event_id="msg_1", timestamp=timestamp, signatures="v1,AA==", keys=[signing_key(NEW)])


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "é"])
def test_a_secret_that_holds_no_key_is_refused(secret):
    with pytest.raises(ValueError, match=r"is no webhook secret|ASCII"):
        signing_key(secret)


def test_how_long_it_takes_tells_nothing_of_the_right_signature(monkeypatch):
    compared = []

    def compare(given, expected):
        compared.append(given == expected)
        return compared[-1]

    monkeypatch.setattr(hmac, "compare_digest", compare)
    check(secrets=(NEW, "whsec_Zm9yZ2Vk"), keys=(NEW, OLD))
    # Each key with each signature, whatever matched before.
    assert sorted(compared) == [False, False, False, True]
