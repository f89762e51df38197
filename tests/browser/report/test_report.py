"""The report as whoever has its link explores it."""

import re

from playwright.async_api import expect


async def test_what_scripts_show_first_is_what_the_service_rendered(page, open_page, small, explore):
    plain = await open_page(java_script_enabled=False)
    await plain.goto(f"/report/{small.share_token}")
    await explore(page, small)
    for selector in ("#answer", "#method .method", "#ranking tbody th"):
        rendered, explored = [await each.locator(selector).all_inner_texts() for each in (plain, page)]
        assert " ".join(explored).split() == " ".join(rendered).split()
    rendered, explored = [each.locator("#ranking tbody tr") for each in (plain, page)]
    assert [await words_of(row) for row in await explored.all()] == [
        await words_of(row) for row in await rendered.all()
    ]


async def words_of(row) -> list[str]:
    """Return the words of a row but those that only readers without scripts need."""
    cells = await row.locator("th, td:not(.plain-only)").all_inner_texts()
    return " ".join(cells).split()


async def test_starting_scripts_moves_nothing_and_keeps_the_place(page, small, explore):
    await page.add_init_script(
        "window.shifts = 0; new PerformanceObserver((list) => {"
        " for (const entry of list.getEntries()) window.shifts += entry.value;"
        "}).observe({type: 'layout-shift', buffered: true});"
    )
    await explore(page, small)
    assert await page.evaluate("window.shifts") < 0.02

    await page.goto(f"/report/{small.share_token}#method")
    await expect(page.locator("[data-explorable]")).to_be_visible()
    await expect(page.locator("#method-title")).to_be_in_viewport()


async def test_the_switch_changes_every_figure_and_the_address_keeps_it(page, small, explore):
    await explore(page, small)
    rows = page.locator("#ranking tbody tr")
    strict = await rows.all_inner_texts()
    assert "0.0 %" in strict[1]
    await page.get_by_role("button", name="Relaxed", exact=True).click()
    await expect(rows.nth(0)).to_contain_text("100.0 %")
    await expect(rows.nth(1)).to_contain_text("100.0 %")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("share first place")
    await expect(page.locator("#fields tbody tr").first).not_to_contain_text("0 %\t0 %")
    await expect(page.locator(".matrix .cell.no")).to_have_count(8)
    await expect(page.locator(".verdict").nth(1)).to_contain_text("$2.00")
    await page.reload()
    await expect(page.get_by_role("button", name="Relaxed", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    await page.get_by_role("button", name="Strict", exact=True).click()
    assert await rows.all_inner_texts() == strict
    assert "match" not in page.url


async def test_the_ranking_sorts_by_every_column(page, small, explore):
    await explore(page, small)
    heads = page.locator("#ranking thead th")
    for number in range(await heads.count()):
        await heads.nth(number).get_by_role("button").click()
        first = await heads.nth(number).get_attribute("aria-sort")
        await page.keyboard.press("Enter")
        assert {first, await heads.nth(number).get_attribute("aria-sort")} == {"ascending", "descending"}
        assert await page.locator("#ranking [aria-sort]").count() == 1
    await heads.filter(has_text="Cost").get_by_role("button").click()
    costs = await page.locator("#ranking tbody td:nth-child(8)").all_inner_texts()
    assert costs == ["$2.00", "$2.00", "$20.00"]


async def test_charts_come_when_they_are_near_and_have_tables(page, small, explore):
    await explore(page, small)
    for name in ("cost", "latency"):
        section = page.locator(f"#{name}")
        await section.scroll_into_view_if_needed()
        await expect(section.locator("svg[aria-label]")).to_be_visible()
        await section.get_by_text("The figures as a table").click()
        await expect(section.locator("tbody tr")).to_have_count(3)


async def test_a_run_shows_its_differences_on_both_sides(page, small, explore):
    await explore(page, small)
    wrong = small.config_snapshot["models"][2]["id"]
    await page.get_by_role("combobox", name="Model", exact=True).select_option(wrong)
    await page.get_by_role("combobox", name="Image", exact=True).select_option("2")
    expected, first = page.get_by_role("region", name="Expected JSON"), page.get_by_label("Run 1", exact=True)
    await expect(expected.locator(".missing")).to_contain_text('"total": 8.5')
    await expect(first.locator(".line.extra")).to_contain_text('"tip": 1')
    await expect(first.locator(".line.wrong")).to_contain_text('"name": "Coffee"')
    await expect(first.locator(".line.ghost")).to_contain_text("missing")
    await expect(page.locator(".run-card")).to_have_count(3)
    await expect(first).to_contain_text("Azure")
    assert "image=3" in page.url
    shouting = small.config_snapshot["models"][1]["name"]
    await page.get_by_role("button", name=f"{shouting}, image 5: 0/3").click()
    await expect(first).to_contain_text("Near miss: The same but for letter case")


async def test_two_models_are_compared_image_by_image(page, small, explore):
    await explore(page, small)
    section = page.locator("#compare")
    await section.get_by_role("combobox", name="Second", exact=True).select_option(
        small.config_snapshot["models"][2]["id"]
    )
    await expect(section.locator(".verdict-counts .first dd")).to_have_text("8 images")
    await expect(section.locator(".verdict-counts .both dd")).to_have_text("0 images")
    await expect(section.locator("table").last).to_contain_text("lines[].name")


async def test_charts_that_did_not_come_come_when_asked_for_again(page, small, explore, guard):
    guard.expect("status of 404")
    charts = re.compile(r"/assets/charts-[^/]+\.js(\?|$)")
    await page.route(charts, lambda route: route.fulfill(status=404))
    await explore(page, small)
    section = page.locator("#cost")
    await section.scroll_into_view_if_needed()
    await expect(section).to_contain_text("The chart could not be loaded")
    await page.unroute(charts)
    await section.get_by_role("button", name="Try again").click()
    await expect(section.locator("svg[aria-label]")).to_be_visible()


async def test_a_report_that_did_not_come_comes_when_asked_for_again_and_its_charts_too(page, guard):
    guard.expect("status of 404")
    report = re.compile(r"/assets/Report-[^/]+\.js(\?|$)")
    await page.route(report, lambda route: route.fulfill(status=404))
    await page.goto("/sample")
    await expect(page.get_by_role("heading", name="The report could not be loaded")).to_be_visible()
    await page.unroute(report)
    await page.get_by_role("button", name="Try again").click()
    await expect(page.locator("[data-explorable]")).to_be_visible()
    await page.locator("#cost").scroll_into_view_if_needed()
    await expect(page.locator("#cost svg[aria-label]")).to_be_visible()
