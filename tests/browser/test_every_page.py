"""What holds on every page of the application, whatever it shows."""

import pytest
from playwright.async_api import expect

ADDRESSES = ["/", "/login", "/reports", "/benchmark/new"]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_page_is_accessible_and_fits_a_phone(signed_in, address, theme, axe, no_sideways_scroll):
    await signed_in.goto(address)
    await expect(signed_in.get_by_role("heading", level=1)).to_be_visible()
    await axe(signed_in)

    await signed_in.set_viewport_size({"width": 390, "height": 844})
    await no_sideways_scroll(signed_in)


async def test_the_theme_is_switched_and_stays(page):
    await page.goto("/")
    await page.get_by_role("button", name="Use dark theme").click()
    await page.reload()
    await expect(page.get_by_role("button", name="Use light theme")).to_be_visible()
    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
