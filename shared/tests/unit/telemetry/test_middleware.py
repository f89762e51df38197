import json
import logging

import httpx
import pytest
import structlog
from fastapi import APIRouter
from prometheus_client import REGISTRY

from modelpick_shared.errors import TransientError
from modelpick_shared.http import create_app
from modelpick_shared.http.app import Lifespan
from modelpick_shared.http.health import Readiness

SAMPLE = "modelpick_http_request_duration_seconds_count"
router = APIRouter()


@router.get("/api/things/{token}")
async def thing(token: str) -> str:
    if token == "broken":
        raise ValueError("a bug")
    if token == "away":
        raise TransientError("the database is away")
    return token


@pytest.fixture
async def client():
    async def readiness() -> Readiness:
        return Readiness()

    lifespan: Lifespan = lambda _: None  # noqa: E731 - never entered here
    app = create_app(
        title="t", site_url="http://site", lifespan=lifespan, readiness=readiness, routers=[router]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client:
        yield client


def count(**labels) -> float:
    return REGISTRY.get_sample_value(SAMPLE, {"method": "GET"} | labels) or 0.0


async def test_answers_are_counted_by_the_template_of_their_route(client):
    before = count(route="/api/things/{token}", status="200")

    await client.get("/api/things/abcdef")

    assert count(route="/api/things/{token}", status="200") == before + 1


async def test_unknown_addresses_and_methods_make_no_labels_of_their_own(client):
    await client.request("BREW", "/api/teapots/7")

    assert count(method="other", route="unmatched", status="404") == 1


async def test_a_bug_is_answered_counted_and_logged_once_with_the_request_s_ids(client):
    before = count(route="/api/things/{token}", status="500")

    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        answer = await client.get("/api/things/broken", headers={"x-request-id": "req-1"})

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert count(route="/api/things/{token}", status="500") == before + 1
    assert [(line["event"], line["route"], line["request_id"]) for line in logs] == [
        ("request.failed", "/api/things/{token}", "req-1")
    ]


async def test_a_path_is_not_logged_since_it_may_hold_a_token(client):
    with structlog.testing.capture_logs() as logs:
        answer = await client.get("/api/things/away")

    assert answer.status_code == 503
    assert "away" not in json.dumps([line.get("route") for line in logs])


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b'])
async def test_a_request_id_that_a_log_cannot_hold_is_replaced(client, given):
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await client.get("/api/things/away", headers={"x-request-id": given})

    assert len(logs[0]["request_id"]) == 32
    assert logging.getLogger("uvicorn.error").level == logging.NOTSET
