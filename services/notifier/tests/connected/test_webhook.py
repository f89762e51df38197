import base64
import json
import time

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from modelpick_notifier import endpoints
from modelpick_notifier.signature import signing_key
from modelpick_shared.db import Database
from modelpick_shared.db.grants import Role
from modelpick_shared.db.tables import Email, EmailEvent
from modelpick_shared.http import problems
from modelpick_shared.testing import eventually
from modelpick_simulators.mail.resend.delivery import signature_header

pytestmark = pytest.mark.connected

# As in the simulator's settings.
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of the webhook").decode()
PATH = "/api/webhooks/resend"
TAG = "0123456789abcdef"


class Post:
    """The endpoint over a real database with one sent mail."""

    def __init__(self, database, app, client) -> None:
        self.database, self.app, self.client = database, app, client

    async def mail(self) -> Email:
        async with self.database.transaction() as session:
            return (await session.scalars(select(Email))).one()

    async def events(self) -> int:
        async with self.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(EmailEvent))

    async def tell(self, event_type, event_id="msg_1", **data):
        body = event(event_type, **data)
        return await self.client.post(PATH, content=body, headers=signed(body, event_id))


def event(event_type, **data) -> bytes:
    data = {"email_id": "re-1", "tags": {"mail": TAG}} | data
    return json.dumps({"type": event_type, "created_at": "2026-05-01T12:00:00.000Z", "data": data}).encode()


def signed(body, event_id="msg_1", *, secret=WEBHOOK_SECRET, seconds_ago=0):
    timestamp = int(time.time()) - seconds_ago
    signature = signature_header(body, [secret], event_id=event_id, timestamp=timestamp)
    return {"svix-id": event_id, "svix-timestamp": str(timestamp), "svix-signature": signature}


@pytest.fixture
async def post(database_url_as):
    app = FastAPI()
    problems.install(app)
    app.include_router(endpoints.router)
    async with Database(database_url_as(Role.NOTIFIER), application="test") as database:
        app.state.parts = endpoints.Parts(database, [signing_key(WEBHOOK_SECRET)], "modelpick.ai")
        async with database.transaction() as session:
            session.add(a_mail())
        over = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=over, base_url="http://notifier.test") as client:
            yield Post(database, app, client)


def a_mail(**columns) -> Email:
    values = {"key": "report-ready/1", "template": "report_ready", "recipient": "somebody@example.com"}
    values |= {
        "subject": "Ready",
        "message_id": f"<{TAG}@modelpick.ai>",
        "state": "sent",
        "provider_id": "re-1",
    }
    return Email(**(values | columns))


async def test_a_bounce_is_kept_with_its_mail(post):
    bounce = {"type": "Permanent", "subType": "General", "message": "550 No such user"}
    assert (await post.tell("email.bounced", bounce=bounce)).status_code == 200
    mail = await post.mail()
    assert (mail.delivery, mail.delivery_detail) == ("bounced", "Permanent/General: 550 No such user")
    assert mail.delivery_at.isoformat() == "2026-05-01T12:00:00+00:00"


async def test_an_event_delivered_twice_is_kept_once(post):
    for _ in range(3):
        assert (await post.tell("email.bounced")).status_code == 200
    assert await post.events() == 1


@pytest.mark.parametrize("order", [1, -1])
async def test_the_gravest_event_stays_in_whatever_order_they_come(post, order):
    types = ["email.delivery_delayed", "email.delivered", "email.bounced", "email.complained"][::order]
    for event_type in types:
        await post.tell(event_type, event_id=event_type)
    assert (await post.mail()).delivery == "complained"
    assert await post.events() == 4


@pytest.mark.parametrize("tags", [{"mail": TAG}, [{"name": "mail", "value": TAG}]])
async def test_a_mail_is_found_by_its_tag_before_its_id_is_stored(post, tags):
    await post.tell("email.complained", email_id="not-stored-yet", tags=tags)
    assert (await post.mail()).delivery == "complained"


async def test_a_mail_is_found_by_its_id_without_a_tag(post):
    await post.tell("email.complained", tags={})
    assert (await post.mail()).delivery == "complained"


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("email.bounced", {"email_id": "of-somebody-else", "tags": {}}),
        ("email.opened", {}),
        ("contact.created", {}),
        ("something.new", {"email_id": None}),
    ],
)
async def test_what_is_of_no_interest_is_taken_and_changes_nothing(post, event_type, data):
    assert (await post.tell(event_type, **data)).status_code == 200
    assert ((await post.mail()).delivery, await post.events()) == (None, 0)


BODY = event("email.bounced")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(BODY, secret="whsec_Zm9yZ2Vk"),
        signed(BODY, seconds_ago=310),
        signed(BODY, seconds_ago=-3600),
        signed(BODY + b" "),
        signed(BODY) | {"svix-id": "msg_2"},
        signed(BODY) | {"svix-id": ""},
        signed(BODY) | {"svix-timestamp": "soon"},
        signed(BODY) | {"svix-signature": "v1,é".encode()},
        signed(BODY) | {"svix-signature": signed(BODY)["svix-signature"].replace("v1,", "v2,")},
    ],
    ids=range(10),
)
async def test_what_resend_did_not_sign_just_now_is_refused(post, headers):
    answer = await post.client.post(PATH, content=BODY, headers=headers)
    assert answer.status_code == 400
    assert (await post.mail()).delivery is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"type": "email.bounced"}', b"[" * 100_000])
async def test_a_signed_body_that_is_no_event_is_refused(post, body):
    answer = await post.client.post(PATH, content=body, headers=signed(body))
    assert answer.status_code == 400


async def test_a_body_that_is_too_large_is_refused(post):
    answer = await post.client.post(PATH, content=b" " * (endpoints.MAX_BODY_BYTES + 1))
    assert answer.status_code == 413


async def test_without_a_secret_nothing_is_taken(post):
    post.app.state.parts = endpoints.Parts(post.database, [], "modelpick.ai")
    assert (await post.tell("email.bounced")).status_code == 503


async def test_hostile_details_are_kept_as_text(post):
    await post.tell("email.bounced", bounce={"message": "\x00<script>" + "x" * 5000})
    detail = (await post.mail()).delivery_detail
    assert detail.startswith("<script>")
    assert len(detail) == 500


async def test_what_resend_tells_of_a_mail_arrives(post, resend, told):
    told.app = post.app
    answer = await resend.client.post(
        "/emails",
        headers={"Authorization": "Bearer re_1"},
        json={
            "from": "a@b.example",
            "to": "bounced@resend.dev",
            "subject": "Ready",
            "text": "Read it.",
            "tags": [{"name": "mail", "value": TAG}],
        },
    )
    assert answer.status_code == 200

    async def bounced():
        return (await post.mail()).delivery == "bounced"

    await eventually(bounced)
    mail = await post.mail()
    assert mail.delivery_detail.startswith("Permanent/General: ")
