"""What only its owner can do with a report."""

from playwright.async_api import expect


async def test_its_owner_stops_sharing_and_shares_again(
    open_page, customer, guard, seed, small_order, explore
):
    ada = await customer("report-owner")
    user = (await ada.client.get("/api/me")).json()
    report = await seed(*small_order, user_id=user["id"])
    guard.expect("status of 404")  # its images are gone, and in between its link
    page = await open_page(ada, permissions=["clipboard-read", "clipboard-write"])
    await explore(page, report)
    sharing = page.locator(".sharing")
    await sharing.get_by_role("button", name="Copy link").click()
    await expect(sharing.get_by_role("status")).to_have_text("The link is copied.")
    assert (await page.evaluate("navigator.clipboard.readText()")).endswith(f"/report/{report.share_token}")
    await sharing.get_by_role("button", name="Stop sharing").click()
    await expect(sharing).to_contain_text("Only you can read this report")

    stranger = await open_page()
    answer = await stranger.request.get(f"/report/{report.share_token}")
    assert answer.status == 404
    assert "no report at this address" in await answer.text()
    await page.goto(f"/benchmark/{report.id}/report")
    await expect(page.locator("#ranking tbody tr")).to_have_count(3)
    await page.locator(".seen").scroll_into_view_if_needed()
    await expect(page.locator(".seen")).to_contain_text("were removed on 2026-03-04")
    await page.get_by_role("button", name="Share by a link").click()
    link = await page.get_by_label("Link to the report").input_value()
    assert report.share_token not in link
    await stranger.goto(link)
    await expect(stranger.locator("[data-explorable]")).to_be_visible()
    await expect(stranger.locator(".sharing")).to_have_count(0)


async def test_whose_report_it_is_not_learns_nothing(signed_in, guard, small):
    guard.expect("status of 404")
    await signed_in.goto(f"/benchmark/{small.id}/report")
    await expect(signed_in.get_by_role("heading", name="There is no such report")).to_be_visible()
