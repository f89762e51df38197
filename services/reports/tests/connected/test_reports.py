import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from modelpick_shared.db.payments import Refund
from modelpick_shared.ids import new_id
from modelpick_shared.testing import config_snapshot

pytestmark = pytest.mark.connected


def without_instance(problem):
    return {name: value for name, value in problem.json().items() if name != "instance"}


async def test_a_report_at_a_glance_has_exactly_the_promised_fields(world):
    report = await world.a_report(spent_usd=Decimal("0.0000001"))
    async with world.client(report) as client:
        answer = await client.get(f"/api/reports/{report.id}")
    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == [
        "id", "status", "share_token", "total_jobs", "completed_jobs", "spent_usd", "models", "created_at",
        "started_at", "completed_at", "deadline_at", "refunded",
    ]  # fmt: skip
    assert body["spent_usd"] == "0.0000001"
    assert body["started_at"] is None
    assert body["refunded"] is False
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", body["created_at"])
    assert [model["id"] for model in body["models"]] == [
        model["id"] for model in report.config_snapshot["models"]
    ]
    assert body["models"][0] | {"id": ""} == {
        "id": "", "total": 4, "done": 0, "passed": 0, "failed": 0, "unmeasured": 0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "refunded"), [("requested", True), ("pending", True), ("succeeded", True), ("failed", False)]
)
async def test_a_report_says_whether_its_payment_goes_back(world, state, refunded):
    report = await world.a_report(status="failed")
    async with world.database.transaction() as session:
        row = Refund(payment_intent_id="pi_1", order_id=report.order_id, amount_cents=1499, reason="operator")
        row.state = state
        session.add(row)
    async with world.client(report) as client:
        assert (await client.get(f"/api/reports/{report.id}")).json()["refunded"] is refunded


async def test_a_report_that_is_not_planned_yet_shows_its_models_all_the_same(world):
    report = await world.a_report(planned=False, status="paid")
    async with world.client(report) as client:
        body = (await client.get(f"/api/reports/{report.id}")).json()
    assert [(model["total"], model["done"]) for model in body["models"]] == [(4, 0), (4, 0)]


async def test_a_waiting_report_says_how_many_are_before_it(world):
    now = datetime.now(UTC)
    ages = [("paid", 50), ("running", 40), ("complete", 30), ("paid", 20), ("paid", 10)]
    reports = [
        await world.a_report(status=status, created_at=now - timedelta(seconds=age)) for status, age in ages
    ]
    positions = []
    for report in reports:
        async with world.client(report) as client:
            positions.append((await client.get(f"/api/reports/{report.id}")).json().get("queue_position"))
    assert positions == [0, None, None, 1, 2]


async def test_the_list_holds_own_reports_only_newest_first(world):
    first = await world.a_report()
    await world.a_report()
    second = await world.a_report(user_id=first.user_id, created_at=datetime.now(UTC) + timedelta(seconds=1))
    async with world.client(first) as client:
        body = (await client.get("/api/reports")).json()
    assert [item["id"] for item in body["items"]] == [str(second.id), str(first.id)]


async def test_without_a_session_every_owner_route_answers_401(world):
    report = await world.a_report()
    async with world.client() as client:
        for path in ("", f"/{report.id}", f"/{report.id}/document", f"/{report.id}/events"):
            assert (await client.get(f"/api/reports{path}")).status_code == 401
        answer = await client.post(f"/api/reports/{report.id}/share", json={"enabled": True})
        assert answer.status_code == 401


async def test_what_belongs_to_another_answers_as_what_does_not_exist(world):
    own, foreign = await world.a_report(), await world.a_report()
    async with world.client(own) as client:
        for path in ("", "/document", "/images/0", "/events"):
            answers = [
                await client.get(f"/api/reports/{report_id}{path}")
                for report_id in (foreign.id, new_id(), "no-id-at-all")
            ]
            assert {answer.status_code for answer in answers} == {404}
            assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
            assert (
                without_instance(answers[0]) == without_instance(answers[1]) == without_instance(answers[2])
            )
        answer = await client.post(f"/api/reports/{foreign.id}/share", json={"enabled": False})
        assert answer.status_code == 404
    async with world.client(foreign) as client:
        body = (await client.get(f"/api/reports/{foreign.id}")).json()
        assert body["share_token"] == foreign.share_token


async def test_sharing_gives_a_new_token_each_time_and_revokes_the_old_one(world):
    report = await world.a_report(status="complete")
    async with world.client(report) as client:
        share = f"/api/reports/{report.id}/share"
        first = (await client.post(share, json={"enabled": True})).json()
        second = (await client.post(share, json={"enabled": True})).json()
        assert first["enabled"] is second["enabled"] is True
        assert len({report.share_token, first["share_token"], second["share_token"]}) == 3
        statuses = [
            (await client.get(f"/api/share/{token}")).status_code
            for token in (report.share_token, first["share_token"], second["share_token"])
        ]
        assert statuses == [404, 404, 200]
        off = await client.post(share, json={"enabled": False})
        assert off.json() == {"enabled": False, "share_token": None}
        for path in ("", "/images/0", "/runs/0", "/export.json", "/export.csv"):
            assert (await client.get(f"/api/share/{second['share_token']}{path}")).status_code == 404
        assert "share_token" not in (await client.get(f"/api/reports/{report.id}")).json()
        again = (await client.post(share, json={"enabled": True})).json()
        assert again["share_token"] not in {first["share_token"], second["share_token"], None}


async def test_a_share_request_must_say_what_it_wants(world):
    report = await world.a_report()
    async with world.client(report) as client:
        for body in ({}, {"enabled": "yes"}, {"enabled": None}):
            answer = await client.post(f"/api/reports/{report.id}/share", json=body)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/enabled")


async def test_a_bad_body_is_a_422_and_never_a_500(world):
    report = await world.a_report()
    bad = [b"[" * 100_000, b'{"enabled": ' + b"[" * 100_000, b"{", b"\xff", b'{"enabled": NaN}', b""]
    bad.append(b'{"enabled": true, "enabled": false}')
    share = f"/api/reports/{report.id}/share"
    async with world.client(report) as client:
        for body in bad:
            answer = await client.post(share, content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, body[:20]) == (422, body[:20])
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"pointer", "detail"} == set(answer.json()["errors"][0])
        large = await client.post(share, content=b" " * 600_000 + b'{"enabled": false}')
        assert large.status_code == 413
        assert (await client.get(f"/api/reports/{report.id}")).json()["share_token"] == report.share_token


async def test_another_site_cannot_share_a_report(world):
    report = await world.a_report()
    async with world.client(report) as client:
        answer = await client.post(
            f"/api/reports/{report.id}/share",
            json={"enabled": True},
            headers={"Origin": "https://evil.example"},
        )
    assert answer.status_code == 403


async def test_images_are_served_from_the_store_with_a_fixed_type(world):
    report = await world.a_report()
    (world.image_folder / "images").mkdir()
    (world.image_folder / "images" / "1").write_bytes(b"\x89PNG picture")
    async with world.client(report) as client:
        owners = await client.get(f"/api/reports/{report.id}/images/1")
        shared = await client.get(f"/api/share/{report.share_token}/images/1")
        for missing in (0, 2, 99, -1, "x", "1e3", 10**30):
            answer = await client.get(f"/api/share/{report.share_token}/images/{missing}")
            assert answer.status_code == 404
    for answer in (owners, shared):
        assert (answer.status_code, answer.content) == (200, b"\x89PNG picture")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith("private, max-age=")


async def test_an_image_of_a_type_that_nobody_can_upload_is_no_page(world):
    config = config_snapshot(models=1, images=1)
    page = config.images[0].model_copy(update={"media_type": "text/html"})
    report = await world.a_report(config=config.model_copy(update={"images": [page]}))
    (world.image_folder / "images").mkdir()
    (world.image_folder / page.key).write_bytes(b"<script>alert(1)</script>")
    async with world.client(report) as client:
        for address in (f"/api/reports/{report.id}/images/0", f"/api/share/{report.share_token}/images/0"):
            answer = await client.get(address)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_the_service_is_ready_without_the_broker(world):
    async with world.client() as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"reasons": [], "broker": "not connected"})
