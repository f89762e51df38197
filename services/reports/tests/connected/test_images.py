from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.connected


async def test_a_report_says_that_its_images_were_removed(world):
    report = await world.a_report(status="complete", images_removed_at=datetime(2026, 5, 1, tzinfo=UTC))
    (world.image_folder / "images").mkdir()
    (world.image_folder / "images" / "1").write_bytes(b"not gone yet")
    async with world.client(report) as client:
        owners = await client.get(f"/api/reports/{report.id}/images/1")
        shared = await client.get(f"/api/share/{report.share_token}/images/1")
        page = await client.get(f"/report/{report.share_token}")
        document = await client.get(f"/api/share/{report.share_token}")
    for answer in (owners, shared):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "removed on 2026-05-01" in answer.json()["detail"]
    assert "removed on 2026-05-01" in page.text
    assert "/images/" not in page.text
    assert document.status_code == 200


async def test_nobody_else_learns_that_images_were_removed(world):
    report = await world.a_report(status="complete", images_removed_at=datetime.now(UTC))
    stranger = await world.a_report()
    async with world.client(stranger) as client:
        foreign = await client.get(f"/api/reports/{report.id}/images/1")
        unknown = await client.get(f"/api/reports/{report.draft_id}/images/1")
    assert foreign.status_code == 404
    assert foreign.json() | {"instance": ""} == unknown.json() | {"instance": ""}


async def test_a_page_with_images_shows_them(world):
    report = await world.a_report(status="complete")
    async with world.client() as client:
        page = await client.get(f"/report/{report.share_token}")
    assert f"/api/share/{report.share_token}/images/1" in page.text
    assert "were removed" not in page.text
