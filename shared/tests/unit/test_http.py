"""What every service's application does with requests that are broken, slow or left alone."""

import asyncio
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from prometheus_client import REGISTRY
from pydantic import AfterValidator, BaseModel
from structlog.testing import capture_logs

from modelpick_shared.http import Problem, create_app
from modelpick_shared.http.health import Readiness
from modelpick_shared.http.middleware import origin_of
from modelpick_shared.http.request_body import json_body
from modelpick_shared.http.stalled_bodies import StalledBodies

router = APIRouter()


@router.post("/api/bodies")
async def body(request: Request) -> int:
    return len(await request.body())


@router.post("/api/problems")
async def problem() -> None:
    raise Problem(422, "No.", errors=[{"pointer": "/\ud800", "detail": "Ä \udfff"}])


def short(value: str) -> str:
    if len(value) > 3:
        raise ValueError("This is too long.")
    return value


class InternalName(BaseModel):
    text: Annotated[str, AfterValidator(short)]


@router.post("/api/texts")
async def said(body: Annotated[InternalName, Depends(json_body(InternalName))]) -> str:
    return body.text


async def readiness() -> Readiness:
    return Readiness()


@asynccontextmanager
async def lifespan(_):
    yield


@pytest.fixture
def app():
    site = "https://modelpick.example:443"
    return create_app(title="t", site_url=site, lifespan=lifespan, readiness=readiness, routers=[router])


@pytest.fixture
async def client(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


class Sender:
    """Sends the parts of a body, then goes on as it is told; keeps what the application answers."""

    def __init__(self, *parts, then):
        self.parts = list(parts)
        self.then = then
        self.answers = []

    async def receive(self):
        if self.parts:
            return {"type": "http.request", "body": self.parts.pop(0), "more_body": True}
        return await self.then()

    async def send(self, message):
        self.answers.append(message)

    async def post(self, app):
        scope = {"type": "http", "method": "POST", "path": "/api/bodies", "headers": [], "query_string": b""}
        await app(scope, self.receive, self.send)


async def never():
    await asyncio.Event().wait()


async def gone():
    return {"type": "http.disconnect"}


def counted(status):
    labels = {"method": "POST", "route": "/api/bodies", "status": status}
    return REGISTRY.get_sample_value("modelpick_http_request_duration_seconds_count", labels) or 0.0


async def test_a_body_that_stalls_is_given_up(app):
    sender = Sender(b"a", b"b", then=never)

    await sender.post(StalledBodies(app, stall_s=0.05))

    assert sender.answers[0]["status"] == 408
    assert (b"connection", b"close") in sender.answers[0]["headers"]
    assert b'"status":408' in sender.answers[1]["body"]


async def test_what_comes_after_the_body_may_take_its_time():
    heard = []

    async def listening(scope, receive, send):
        heard.append(await receive())
        heard.append(await receive())

    async def late():
        await asyncio.sleep(0.1)
        return await gone()

    parts = [{"type": "http.request", "body": b"all", "more_body": False}]

    async def receive():
        return parts.pop() if parts else await late()

    await StalledBodies(listening, stall_s=0.02)({"type": "http"}, receive, None)

    assert [message["type"] for message in heard] == ["http.request", "http.disconnect"]


async def test_every_application_gives_stalled_bodies_up(app):
    assert StalledBodies in {middleware.cls for middleware in app.user_middleware}


async def test_a_customer_who_goes_away_is_no_failure_of_ours(app):
    before = counted("499"), counted("500")
    sender = Sender(b"a", then=gone)

    with capture_logs() as logs:
        await sender.post(app)

    assert (counted("499"), counted("500")) == (before[0] + 1, before[1])
    assert [(line["event"], line["log_level"]) for line in logs] == [("request.abandoned", "info")]
    assert sender.answers == []


async def test_an_address_with_a_slash_too_many_leads_nowhere(client):
    answer = await client.post("/api/bodies/", headers={"Host": "evil.example"})

    assert (answer.status_code, "Location" in answer.headers) == (404, False)


async def test_a_problem_about_text_that_is_none_can_be_told(client):
    answer = await client.post("/api/problems")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"].startswith("Ä ")


async def test_what_is_wrong_is_told_without_names_of_ours(client):
    for sent, pointer, detail in [
        ({"text": "long"}, "/text", "This is too long."),
        ([], "", "This must be an object."),
    ]:
        answer = await client.post("/api/texts", json=sent)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"pointer": pointer, "detail": detail}]


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        ("https://modelpick.example:443/", "https://modelpick.example"),
        ("http://Localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_the_origin_of_a_site_is_written_as_browsers_do(site, origin):
    assert origin_of(site) == origin


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://modelpick.example", 200), ("https://modelpick.example:444", 403), ("null", 403), ("", 403)],
)
async def test_a_usual_port_in_the_sites_address_locks_nobody_out(client, origin, status):
    answer = await client.post("/api/bodies", headers={"Origin": origin}, content=b"{}")

    assert answer.status_code == status
