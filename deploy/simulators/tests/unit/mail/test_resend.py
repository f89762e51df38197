import asyncio
import base64
import json

import httpx
import pytest

from modelpick_simulators.mail.app import create_app
from modelpick_simulators.mail.resend.delivery import signature_header
from modelpick_simulators.mail.settings import MailSettings

SECRET = "whsec_" + base64.b64encode(b"a secret of the webhook").decode()
MAIL = {"from": "ModelPick <a@b.example>", "to": ["ada@example.com"], "subject": "Ready", "text": "Read it."}


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


class Receiver(httpx.AsyncBaseTransport):
    """Takes webhooks, after refusing as many as it is told."""

    def __init__(self):
        self.requests = []
        self.refusals = 0

    async def handle_async_request(self, request):
        self.requests.append(request)
        self.refusals -= 1
        return httpx.Response(503 if self.refusals >= 0 else 200)

    def types(self):
        return [json.loads(request.content)["type"] for request in self.requests]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
async def client(in_process, clock, receiver):
    settings = MailSettings(
        simulator_port=1,
        smtp_port=0,
        resend_api_key="re_right",
        resend_webhook_secret=SECRET,
        resend_webhook_url="http://notifier.test/api/webhooks/resend",
    )
    app = create_app(settings, clock=clock, webhook_transport=receiver)
    async with in_process(app, headers={"Authorization": "Bearer re_right"}) as client:
        yield client


@pytest.fixture
def send(client):
    async def post(key=None, headers=None, **changes):
        headers = (headers or {}) | ({"Idempotency-Key": key} if key is not None else {})
        return await client.post("/emails", json=MAIL | changes, headers=headers)

    return post


async def fault(client, mode, **more):
    await client.post("/_control/resend/faults", json={"mode": mode, **more})


async def inbox(client):
    return (await client.get("/api/mails")).json()["items"]


def problem(answer):
    body = answer.json()
    assert body["statusCode"] == answer.status_code
    assert body["message"]
    assert sorted(body) == ["message", "name", "statusCode"]
    return answer.status_code, body["name"]


async def test_an_accepted_mail_lies_in_the_mailbox_and_can_be_retrieved(client, send):
    answer = await send(html="<p>Read it.</p>", tags=[{"name": "mail", "value": "abc"}])
    assert (answer.status_code, list(answer.json())) == (200, ["id"])
    (mail,) = await inbox(client)
    assert (mail["to"], mail["subject"], mail["text"].strip()) == (["ada@example.com"], "Ready", "Read it.")
    assert mail["html"].strip() == "<p>Read it.</p>"
    found = (await client.get(f"/emails/{answer.json()['id']}")).json()
    assert (found["object"], found["to"], found["last_event"]) == ("email", ["ada@example.com"], "delivered")
    assert problem(await client.get("/emails/other")) == (404, "not_found")


async def test_the_same_key_and_body_are_one_mail_with_one_id(client, send):
    first, second = [await send(key="report-ready/1") for _ in range(2)]
    assert first.json() == second.json()
    assert len(await inbox(client)) == 1
    await send(key="report-ready/2")
    assert len(await inbox(client)) == 2


async def test_a_key_cannot_stand_for_another_mail_until_a_day_has_passed(client, send, clock):
    await send(key="k")
    assert problem(await send(key="k", subject="Other")) == (409, "invalid_idempotent_request")
    clock.now += 24 * 3600
    assert (await send(key="k", subject="Other")).status_code == 200
    assert len(await inbox(client)) == 2


async def test_a_key_in_use_is_busy(client, send):
    await fault(client, "delay", delay_ms=200, count=1)
    first, second = await asyncio.gather(send(key="k"), send(key="k"))
    assert {first.status_code, second.status_code} == {200, 409}
    busy = first if first.status_code == 409 else second
    assert problem(busy) == (409, "concurrent_idempotent_requests")


@pytest.mark.parametrize("key", ["", "x" * 257])
async def test_a_key_has_1_to_256_characters(send, key):
    assert problem(await send(key=key)) == (400, "invalid_idempotency_key")


async def test_a_refused_mail_may_be_mended_under_its_key(client, send):
    assert problem(await send(key="k", to=["nobody"])) == (422, "validation_error")
    assert (await send(key="k")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"to": []}, "validation_error"),
        ({"to": "a b"}, "validation_error"),
        ({"to": [f"a{n}@b.example" for n in range(51)]}, "validation_error"),
        ({"from": "nobody"}, "validation_error"),
        ({"from": "A <a@b.example>\nBcc: c@d.example"}, "validation_error"),
        ({"subject": "a\nb"}, "validation_error"),
        ({"text": None}, "validation_error"),
        ({"tags": [{"name": "a", "value": "b/c"}]}, "validation_error"),
        ({"subject": None}, "validation_error"),
    ],
)
async def test_what_resend_would_refuse_is_refused(send, changes, name):
    assert problem(await send(**changes)) == (422, name)


async def test_a_missing_field_is_named(client):
    answer = await client.post("/emails", json={"from": "a@b.example", "to": "c@d.example"})
    assert problem(answer) == (422, "missing_required_field")
    assert "subject" in answer.json()["message"]
    assert problem(await client.post("/emails", content=b"no json")) == (422, "validation_error")


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("", (401, "missing_api_key")),
        ("Bearer re_wrong", (403, "invalid_api_key")),
        ("Basic x", (401, "missing_api_key")),
    ],
)
async def test_the_key_is_checked(send, authorization, expected):
    assert problem(await send(headers={"Authorization": authorization})) == expected


async def test_a_team_has_five_requests_a_second(send, clock):
    answers = [await send() for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert (answers[0].headers["ratelimit-limit"], answers[0].headers["ratelimit-remaining"]) == ("5", "4")
    assert problem(answers[5]) == (429, "rate_limit_exceeded")
    assert answers[5].headers["retry-after"] == "1"
    clock.now += 1
    assert (await send()).status_code == 200


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("rate_limit", (429, "rate_limit_exceeded")),
        ("daily_quota", (429, "daily_quota_exceeded")),
        ("busy", (409, "concurrent_idempotent_requests")),
        ("server_error", (500, "application_error")),
        ("refuse", (422, "validation_error")),
        ("invalid_key", (403, "invalid_api_key")),
    ],
)
async def test_failures_come_as_often_as_asked_for_and_take_no_mail(client, send, mode, expected):
    await fault(client, mode, count=1, retry_after_s=7)
    refused = await send(key="k")
    assert problem(refused) == expected
    assert refused.headers["retry-after"] == "7"
    assert await inbox(client) == []
    assert (await send(key="k")).status_code == 200


async def test_a_lost_answer_leaves_the_mail_accepted_once(client, send):
    await fault(client, "error_after_accept", count=1)
    assert problem(await send(key="k")) == (500, "application_error")
    assert (await send(key="k")).status_code == 200
    assert len(await inbox(client)) == 1


async def test_events_are_signed_and_repeated_until_they_are_taken(send, receiver, eventually, clock):
    receiver.refusals = 1
    answer = await send(tags=[{"name": "mail", "value": "abc"}])
    await eventually(lambda: len(receiver.requests) == 3)
    assert sorted(set(receiver.types())) == ["email.delivered", "email.sent"]
    request = receiver.requests[-1]
    event_id = request.headers["svix-id"]
    wanted = signature_header(request.content, [SECRET], event_id=event_id, timestamp=int(clock.now))
    assert request.headers["svix-signature"] == wanted
    assert request.headers["svix-timestamp"] == str(int(clock.now))
    data = json.loads(request.content)["data"]
    assert (data["email_id"], data["tags"]) == (answer.json()["id"], {"mail": "abc"})


@pytest.mark.parametrize(
    ("to", "types"),
    [
        ("bounced+1@resend.dev", ["email.bounced", "email.sent"]),
        ("complained@resend.dev", ["email.complained", "email.delivered", "email.sent"]),
        ("suppressed@resend.dev", ["email.suppressed"]),
        ("bounced@example.com", ["email.delivered", "email.sent"]),
    ],
)
async def test_resends_test_addresses_do_what_they_say(send, receiver, eventually, to, types):
    await send(to=to)
    await eventually(lambda: sorted(receiver.types()) == types)


async def test_events_can_be_held_reordered_doubled_and_made(client, send, receiver, eventually):
    await client.put("/_control/resend/webhook", json={"held": True, "copies": 2})
    email_id = (await send()).json()["id"]
    made = await client.post(f"/_control/resend/emails/{email_id}/events", json={"type": "email.bounced"})
    assert receiver.requests == []
    await client.put("/_control/resend/webhook", json={"held": False, "newest_first": True})
    await eventually(lambda: len(receiver.requests) == 6)
    assert receiver.types()[:2] == ["email.bounced"] * 2
    again = await client.post(
        f"/_control/resend/events/{made.json()['id']}/deliver", json={"times": 3, "concurrent": True}
    )
    assert again.json() == {"statuses": [200, 200, 200]}
    events = (await client.get("/_control/resend/events", params={"email_id": email_id})).json()["items"]
    assert [event["type"] for event in events] == ["email.sent", "email.delivered", "email.bounced"]


async def test_unknown_mails_and_events_are_404(client):
    assert (
        await client.post("/_control/resend/emails/x/events", json={"type": "email.bounced"})
    ).status_code == 404
    assert (await client.post("/_control/resend/events/x/deliver")).status_code == 404
