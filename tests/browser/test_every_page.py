"""What holds on every page of the application, whatever it shows."""

import pytest
from playwright.async_api import expect

ADDRESSES = [
    "/",
    "/login",
    "/reports",
    "/benchmark/new",
    "/benchmark/{report}/processing",
    "/benchmark/{report}/report",
    "/report/{token}",
    "/checkout/success?session_id={session}",
    "/checkout/success?session_id=cs_unknown",
    "/checkout/cancel?draft_id=unknown",
    "/auth/verify?token=unknown",
]
MOST_SHIFT = 0.05
SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries())
    window.shifts.push([value, sources.map(({ node }) => `${node?.nodeName} ${node?.className}`)]);
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_page_is_accessible_and_fits_a_phone(
    signed_in, told, address, theme, axe, no_sideways_scroll, guard, visit_to_the_end
):
    guard.expect("status of 404")  # what is unknown
    names = {"report": told.report_id, "token": told.share_token, "session": told.session_id}
    await visit_to_the_end(signed_in, address.format(**names))
    await expect(signed_in.get_by_role("heading", level=1)).to_be_visible()
    await axe(signed_in)

    await signed_in.set_viewport_size({"width": 390, "height": 844})
    await no_sideways_scroll(signed_in)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("width", [390, 1280])
async def test_nothing_moves_while_a_page_loads(open_page, told, address, width, guard, visit_to_the_end):
    guard.expect("status of 404")  # what is unknown
    page = await open_page(told.customer, width=width, height=844)
    await page.add_init_script(SHIFTS)
    names = {"report": told.report_id, "token": told.share_token, "session": told.session_id}
    await visit_to_the_end(page, address.format(**names), wait_until="networkidle")
    moved = await page.evaluate("window.shifts")
    assert sum(value for value, _ in moved) < MOST_SHIFT, moved


@pytest.mark.parametrize("address", ["/checkout/success", "/checkout/cancel", "/report/unknown"])
async def test_a_page_for_a_stranger_is_accessible_and_fits_a_phone(
    page, address, theme, axe, no_sideways_scroll, guard
):
    guard.expect("status of 404")
    await page.goto(address)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await axe(page)

    await page.set_viewport_size({"width": 390, "height": 844})
    await no_sideways_scroll(page)


async def test_the_theme_is_switched_and_stays(page):
    await page.goto("/")
    await page.get_by_role("button", name="Use dark theme").click()
    await page.reload()
    await expect(page.get_by_role("button", name="Use light theme")).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
