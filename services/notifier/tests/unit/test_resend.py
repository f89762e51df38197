import json
from datetime import UTC, datetime

import httpx
import pytest

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError, MailUncertainError
from modelpick_notifier.transport import OutgoingMail, ResendTransport

MAIL = OutgoingMail(
    key="report-ready/1",
    message_id="<abc@modelpick.ai>",
    sender="ModelPick <a@b.example>",
    recipient="somebody@example.com",
    subject="Ready",
    text="Read it.",
    html="<p>Read it.</p>",
    written_at=datetime(2026, 5, 1, 12, tzinfo=UTC),
)


class FakeResend(httpx.AsyncBaseTransport):
    """Answers as it is told, and keeps the requests."""

    def __init__(self, status=200, body=None, headers=None, error=None) -> None:
        self.answer = (status, body if body is not None else {"id": "1"}, headers)
        self.error = error
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request):
        self.requests.append(request)
        if self.error:
            raise self.error
        status, body, headers = self.answer
        return httpx.Response(status, json=body, headers=headers)


async def send(fake):
    transport = ResendTransport("re_secret", base_url="https://mail.example", http_transport=fake)
    try:
        return await transport.send(MAIL)
    finally:
        await transport.close()


async def test_a_mail_carries_its_idempotency_key():
    fake = FakeResend()
    assert await send(fake) == "1"
    (request,) = fake.requests
    assert str(request.url) == "https://mail.example/emails"
    assert request.headers["idempotency-key"] == "report-ready/1"
    assert request.headers["authorization"] == "Bearer re_secret"
    assert json.loads(request.content) == {
        "from": "ModelPick <a@b.example>",
        "to": ["somebody@example.com"],
        "subject": "Ready",
        "text": "Read it.",
        "html": "<p>Read it.</p>",
        "tags": [{"name": "mail", "value": "abc"}],
    }


async def test_a_repeated_mail_is_the_same_to_the_byte():
    fake = FakeResend()
    for _ in range(2):
        await send(fake)
    first, second = fake.requests
    assert first.content == second.content
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize(
    ("fake", "uncertain"),
    [
        (FakeResend(500, {"name": "application_error"}), True),
        (FakeResend(409, {"name": "concurrent_idempotent_requests"}), True),
        (FakeResend(error=httpx.ReadTimeout("slow")), True),
        (FakeResend(error=httpx.RemoteProtocolError("gone")), True),
        (FakeResend(error=httpx.ConnectError("away")), False),
        (FakeResend(error=httpx.ConnectTimeout("away")), False),
        (FakeResend(429, {"name": "daily_quota_exceeded"}), False),
        (FakeResend(401, {"name": "missing_api_key"}), False),
    ],
    ids=range(8),
)
async def test_a_mail_that_may_have_been_taken_is_told_from_one_that_was_not(fake, uncertain):
    with pytest.raises(MailUnavailableError) as caught:
        await send(fake)
    assert isinstance(caught.value, MailUncertainError) is uncertain


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (429, "rate_limit_exceeded"),
        (500, "application_error"),
        (503, ""),
        (409, "concurrent_idempotent_requests"),
        (401, "missing_api_key"),
        (403, "invalid_api_key"),
    ],
)
async def test_what_may_pass_later_is_tried_again(status, name):
    with pytest.raises(MailUnavailableError, match=str(status)):
        await send(FakeResend(status, {"name": name, "message": "somebody@example.com"}))


@pytest.mark.parametrize(
    ("status", "name"),
    [(422, "validation_error"), (400, "invalid_idempotency_key"), (409, "invalid_idempotent_request")],
)
async def test_what_can_never_pass_is_refused(status, name):
    with pytest.raises(MailRefusedError, match=name):
        await send(FakeResend(status, {"name": name}))


async def test_resend_says_when_to_come_back():
    with pytest.raises(MailUnavailableError) as caught:
        await send(FakeResend(429, {}, {"retry-after": "7"}))
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("error", [httpx.ConnectError("away"), httpx.ReadTimeout("slow")])
async def test_an_unreachable_resend_is_tried_again(error):
    with pytest.raises(MailUnavailableError):
        await send(FakeResend(error=error))


async def test_an_error_that_is_no_json_object_is_understood_all_the_same():
    with pytest.raises(MailUnavailableError):
        await send(FakeResend(502, ["bad gateway"]))
