"""Whatever is wrong with a request is told in a problem document."""

import io

import pytest
from PIL import Image

from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.e2e


@pytest.fixture
async def grace(visit, system):
    return await visit(system, "grace")


@pytest.fixture
async def draft(grace):
    return await grace.new_draft()


def is_problem(answer, status):
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance"} <= set(body)
    assert (answer.status_code, body["status"]) == (status, status), body
    return body


def png_of(*size):
    buffer = io.BytesIO()
    Image.new("1", size).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/drafts/no-id", 401),
        ("GET", "/api/share/no-token", 404),
        ("GET", "/healthz", 404),
        ("GET", "/metrics", 404),
        ("PUT", "/api/drafts", 405),
        ("POST", "/api/auth/verify", 422),
    ],
)
async def test_a_request_that_leads_nowhere_is_answered_with_a_problem(raw, method, address, status):
    is_problem(await raw(method, address), status)


async def test_a_mail_address_that_is_none_is_named(raw):
    body = is_problem(await raw("POST", "/api/auth/magic-link", json={"email": "not an address"}), 422)

    assert [error["pointer"] for error in body["errors"]] == ["/email"]
    assert all(set(error) == {"pointer", "detail"} for error in body["errors"])


async def test_an_unknown_sign_in_token_is_refused(raw):
    is_problem(await raw("POST", "/api/auth/verify", json={"token": "made-up"}), 400)


async def test_a_body_that_is_no_json_is_refused(raw):
    answer = await raw(
        "POST", "/api/auth/magic-link", content=b"{email", headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in {400, 422}
    is_problem(answer, answer.status_code)


async def test_another_sites_page_cannot_change_anything(grace):
    is_problem(await grace.client.post("/api/drafts", json={}, headers={"Origin": "http://evil.test"}), 403)


async def test_a_program_without_an_origin_may(grace, draft):
    del grace.client.headers["Origin"]

    assert (await grace.client.patch(f"/api/drafts/{draft.id}", json={"name": "x"})).status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(b"%PDF-1.7 no picture", 415, id="not an image"),
        pytest.param(sample_uploads(1)[0].content[:5000], 422, id="a damaged image"),
        pytest.param(png_of(9000, 9000), 422, id="more than 40 megapixels"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(11 * 1024 * 1024), 413, id="more than 10 MiB"),
    ],
)
async def test_a_file_that_models_cannot_read_is_refused(grace, draft, content, status):
    answer = await grace.client.post(
        f"/api/drafts/{draft.id}/images", files={"file": ("receipt.png", content, "image/png")}
    )

    is_problem(answer, status)


async def test_expected_json_that_is_no_json_is_refused(grace, draft):
    (upload,) = sample_uploads(1)

    answer = await grace.client.post(
        f"/api/drafts/{draft.id}/images",
        files={"file": (upload.name, upload.content, upload.media_type)},
        data={"expected_json": "{total: 1}"},
    )

    is_problem(answer, 422)


async def test_an_eleventh_image_is_refused(grace, draft):
    for upload in sample_uploads(10):
        await grace.upload(draft.id, upload)

    answer = await grace.client.post(
        f"/api/drafts/{draft.id}/images", files={"file": ("11.png", png_of(40, 40), "image/png")}
    )

    is_problem(answer, answer.status_code)
    assert answer.status_code in {409, 422}


async def test_a_draft_that_is_not_ready_says_what_is_missing_and_cannot_be_paid_for(grace, draft):
    problems = (await grace.client.get(f"/api/drafts/{draft.id}")).json()["problems"]
    body = is_problem(await grace.client.post("/api/checkout", json={"draft_id": draft.id}), 409)

    assert {problem["pointer"] for problem in problems} >= {"/images", "/selected_models"}
    assert body["errors"] == problems


async def test_a_model_that_is_not_on_offer_keeps_a_draft_from_being_ready(grace, draft):
    changed = await grace.change(draft.id, selected_models=["no/such-model"])

    assert "/selected_models/0" in {problem.pointer for problem in changed.problems}
    assert changed.status == "draft"


async def test_an_event_that_stripe_did_not_sign_is_refused(raw):
    headers = {"Stripe-Signature": "t=1,v1=00", "Content-Type": "application/json"}

    is_problem(await raw("POST", "/api/webhooks/stripe", content=b"{}", headers=headers), 400)
