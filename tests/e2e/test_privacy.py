"""What belongs to one customer is not there for anybody else."""

import uuid

import pytest

from modelpick_local.demo.samples import sample_uploads

pytestmark = pytest.mark.e2e

NOBODYS = str(uuid.UUID(int=7))


def private_addresses(draft_id, image_id, report_id, session_id):
    return [
        ("GET", f"/api/drafts/{draft_id}", None),
        ("PATCH", f"/api/drafts/{draft_id}", {"name": "mine now"}),
        ("DELETE", f"/api/drafts/{draft_id}", None),
        ("POST", f"/api/drafts/{draft_id}/copy", None),
        ("GET", f"/api/drafts/{draft_id}/estimate", None),
        ("POST", f"/api/drafts/{draft_id}/infer-schema", None),
        ("PATCH", f"/api/drafts/{draft_id}/images/{image_id}", {"position": 1}),
        ("DELETE", f"/api/drafts/{draft_id}/images/{image_id}", None),
        ("GET", f"/api/drafts/{draft_id}/images/{image_id}/content", None),
        ("POST", "/api/checkout", {"draft_id": draft_id}),
        ("GET", f"/api/checkout/sessions/{session_id}", None),
        ("POST", f"/api/checkout/sessions/{session_id}/cancel", None),
        ("GET", f"/api/reports/{report_id}", None),
        ("GET", f"/api/reports/{report_id}/document", None),
        ("GET", f"/api/reports/{report_id}/images/0", None),
        ("GET", f"/api/reports/{report_id}/runs/0", None),
        ("GET", f"/api/reports/{report_id}/export.json", None),
        ("GET", f"/api/reports/{report_id}/export.csv", None),
        ("GET", f"/api/reports/{report_id}/export.pdf", None),
        ("GET", f"/api/reports/{report_id}/events", None),
        ("POST", f"/api/reports/{report_id}/share", {"enabled": False}),
    ]


@pytest.fixture
def addresses(told):
    return private_addresses(told.draft.id, told.draft.images[0]["id"], told.report_id, told.session_id)


@pytest.fixture
async def eve(visit, system):
    """Return a second customer, with an account of her own."""
    return await visit(system, "eve")


async def test_a_visitor_without_a_session_is_asked_to_sign_in(addresses, stranger):
    statuses = {
        (method, address): (await stranger.client.request(method, address, json=body)).status_code
        for method, address, body in addresses
    }

    assert {request: status for request, status in statuses.items() if status != 401} == {}


async def test_a_second_customer_sees_of_the_first_one_what_does_not_exist(addresses, eve):
    nowhere = private_addresses(NOBODYS, NOBODYS, NOBODYS, "cs_test_nobodys")
    for (method, address, body), (_, missing, missing_body) in zip(addresses, nowhere, strict=True):
        answer = await eve.client.request(method, address, json=body)
        unknown = await eve.client.request(method, missing, json=missing_body)

        assert (method, address, answer.status_code) == (method, address, 404)
        assert without_place(answer) == without_place(unknown)


async def test_a_second_customer_cannot_add_to_the_first_ones_draft(told, eve):
    (upload,) = sample_uploads(1)

    answer = await eve.client.post(
        f"/api/drafts/{told.draft.id}/images", files={"file": (upload.name, upload.content, "image/png")}
    )

    assert answer.status_code == 404


async def test_lists_hold_ones_own_only(eve):
    assert (await eve.client.get("/api/drafts")).json() == {"items": []}
    assert (await eve.client.get("/api/reports")).json() == {"items": []}


async def test_signing_out_ends_the_session_on_the_server_too(visit, system):
    customer = await visit(system, "leaving")
    cookies = dict(customer.client.cookies)

    assert (await customer.client.post("/api/auth/logout")).status_code == 204
    customer.client.cookies = cookies

    assert (await customer.client.get("/api/me")).status_code == 401


async def test_a_revoked_link_opens_nothing_and_a_new_one_has_another_token(visit, system, buy, stranger):
    customer = await visit(system, "sharing")
    report_id = await buy(customer, sample_uploads(1), 1)
    old = (await customer.await_progress(report_id)).share_token
    share = f"/api/reports/{report_id}/share"

    revoked = (await customer.client.post(share, json={"enabled": False})).json()
    closed = [(await stranger.client.get(address)).status_code for address in shared_addresses(old)]
    enabled = (await customer.client.post(share, json={"enabled": True})).json()

    assert revoked == {"enabled": False, "share_token": None}
    assert closed == [404] * len(closed)
    assert enabled["share_token"] not in {None, old}
    assert (await stranger.client.get(f"/api/share/{enabled['share_token']}")).status_code == 200


def shared_addresses(token):
    api = f"/api/share/{token}"
    exports = [f"{api}/export.{kind}" for kind in ("json", "csv", "pdf")]
    return [f"/report/{token}", api, f"{api}/images/0", f"{api}/runs/0", f"{api}/preview.png", *exports]


def without_place(answer):
    return {name: value for name, value in answer.json().items() if name != "instance"}
