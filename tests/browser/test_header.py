"""The header of pages that a service renders: it knows who is there, and signs them out."""

import pytest
from playwright.async_api import expect

ADDRESSES = [
    "/auth/verify?token=unknown",
    "/checkout/cancel?draft_id=unknown",
    "/checkout/success?session_id=unknown",
    "/report/{token}",
    "/report/unknown",
]
SHIFTS = (
    "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach("
    "(each) => window.shift += each.value)).observe({type: 'layout-shift', buffered: true})"
)


@pytest.fixture(autouse=True)
def unknown_addresses(guard):
    guard.expect("status of 404")


def header(page):
    return page.get_by_role("navigation", name="Site")


@pytest.mark.parametrize("address", ADDRESSES)
async def test_whoever_is_signed_in_is_not_asked_to_sign_in(signed_in, told, address, visit_to_the_end):
    await signed_in.add_init_script(SHIFTS)
    await visit_to_the_end(signed_in, address.format(token=told.share_token), wait_until="networkidle")
    await expect(header(signed_in).get_by_role("button", name="Sign out")).to_be_visible()
    await expect(header(signed_in).get_by_role("link", name="Sign in")).to_have_count(0)
    assert await signed_in.evaluate("window.shift") < 0.02


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_stranger_may_sign_in(page, told, address):
    await page.goto(address.format(token=told.share_token))
    await expect(header(page).get_by_role("link", name="Sign in")).to_be_visible()
    await expect(header(page).get_by_role("button", name="Sign out")).to_have_count(0)


async def test_without_javascript_the_signed_in_find_their_reports(open_page, told):
    page = await open_page(told.customer, java_script_enabled=False)
    for address in ADDRESSES:
        await page.goto(address.format(token=told.share_token))
        await expect(header(page).get_by_role("link", name="My reports")).to_be_visible()
        await expect(header(page).get_by_role("link", name="Sign in")).to_have_count(0)
        await expect(header(page).get_by_role("button")).to_have_count(0)


async def test_a_reader_signs_out_on_a_shared_report_once_the_server_can_be_reached(
    open_page, customer, told, guard
):
    guard.expect("ERR_INTERNET_DISCONNECTED")
    page = await open_page(await customer("reading"))
    await page.goto(f"/report/{told.share_token}")
    await page.context.set_offline(True)
    leave = header(page).get_by_role("button", name="Sign out")
    await leave.click()
    await leave.click()
    await expect(page.get_by_role("alert")).to_contain_text("You are still signed in")
    await page.context.set_offline(False)
    await leave.click()
    await page.wait_for_url("**/")
    assert (await page.request.get("/api/me")).status == 401
