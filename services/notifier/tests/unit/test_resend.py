import json

import httpx
import pytest

from modelpick_notifier.errors import MailRefusedError, MailUnavailableError
from modelpick_notifier.transport import OutgoingMail, ResendTransport

MAIL = OutgoingMail(
    key="report-ready/1",
    message_id="<1@modelpick.ai>",
    recipient="somebody@example.com",
    subject="Ready",
    text="Read it.",
    html="<p>Read it.</p>",
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
    transport = ResendTransport(
        "re_secret", base_url="https://mail.example", sender="ModelPick <a@b.example>", http_transport=fake
    )
    try:
        await transport.send(MAIL)
    finally:
        await transport.close()


async def test_a_mail_carries_its_idempotency_key():
    fake = FakeResend()
    await send(fake)
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
    }


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
