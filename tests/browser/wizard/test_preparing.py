"""From the first image to Stripe's page: by mouse, by keyboard, and from step to step."""

import re

from playwright.async_api import Page, expect

STEPS = ("images", "task", "models", "review")
MANY_TABS = 60


async def test_a_benchmark_is_prepared_by_mouse_up_to_stripes_page(wizard, prepare, open_page):
    someone, _ = await prepare("mouse", images=0)
    page = await open_page(someone)
    await page.goto(wizard.new)
    await page.get_by_label("Name of this benchmark").fill("Receipts of May")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose files").click()
    await (await chooser.value).set_files(
        [wizard.picture(1), wizard.answer(0), wizard.picture(0), wizard.answer(1)]
    )
    await expect(page.get_by_role("heading", name="Image 2")).to_be_visible()
    await expect(wizard.editor(page, "Expected JSON of image 1")).to_contain_text("Harbour Street Coffee")
    await expect(page.get_by_alt_text("Image 2: 1.png")).to_be_visible()
    await wizard.saved(page)

    await page.get_by_role("link", name="Next: Task").click()
    await page.get_by_role("button", name="Infer the schema").click()
    await expect(wizard.editor(page, "JSON Schema")).to_contain_text('"merchant"')
    await page.get_by_role("radio", name="No training on my images").check()

    await page.get_by_role("link", name="Next: Models").click()
    await page.get_by_role("button", name="Cheapest").click()
    await page.get_by_role("searchbox").fill("haiku")
    await page.get_by_role("checkbox", name="Claude Haiku 4.5").check()
    bar = page.get_by_label("Estimate")
    await expect(bar).to_contain_text(re.compile(r"Models\s*7\s*Calls\s*42"))

    await page.get_by_role("link", name="Next: Review and pay").click()
    await expect(page.get_by_text("Everything is there.")).to_be_visible()
    draft_id = wizard.draft_in(page)
    draft = await wizard.stored(someone, draft_id)
    assert (draft["name"], draft["data_policy"], draft["status"]) == (
        "Receipts of May",
        "no_training",
        "ready",
    )
    await page.get_by_role("button", name="Pay $14.99").dblclick()
    await page.wait_for_url("**/c/pay/**")
    await page.go_back()
    await expect(page.get_by_text("A payment for this benchmark is open")).to_be_visible()


async def tab_to(page: Page, selector):
    for _ in range(MANY_TABS):
        await page.keyboard.press("Tab")
        if await page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not lead to {selector}")


async def test_a_benchmark_is_prepared_by_keyboard_alone(wizard, prepare, open_page):
    someone, _ = await prepare("keyboard", images=0)
    page = await open_page(someone)
    await page.goto(wizard.new)
    await expect(page.locator("#add-images")).to_be_visible()
    async with page.expect_file_chooser() as chooser:
        await tab_to(page, "#add-images")
        await page.keyboard.press("Enter")
    await (await chooser.value).set_files([wizard.picture(0), wizard.picture(1)])
    await expect(page.locator(".cm-content")).to_have_count(2)
    await page.locator("#name").focus()  # where the page begins again, as Shift+Tab would
    await tab_to(page, ".cm-content")
    await page.keyboard.type('{"total": 28.46}')
    await page.keyboard.press("Escape")
    await tab_to(page, "[aria-label^='Copy structure']")
    await page.keyboard.press("Enter")
    await tab_to(page, ".cm-content")
    await expect(page.locator(".cm-content").nth(1)).to_contain_text('"total": null')
    await page.keyboard.press("Escape")
    await tab_to(page, ".ways .primary")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page.locator("#infer")).to_be_enabled()
    await tab_to(page, "#infer")
    await page.keyboard.press("Space")
    await expect(wizard.editor(page, "JSON Schema")).to_contain_text("total")
    await tab_to(page, ".cm-content")
    await page.keyboard.press("Escape")
    await tab_to(page, ".ways .primary")
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr").first).to_be_visible()
    await tab_to(page, "tbody [type=checkbox]")
    await page.keyboard.press("Space")
    await tab_to(page, ".ways .primary")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Everything is there.")).to_be_visible()
    await tab_to(page, "#pay")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/c/pay/**")


async def test_back_and_forward_go_from_step_to_step_and_problems_lead_to_their_place(
    wizard, prepare, open_page
):
    someone, draft_id = await prepare("back", images=2)
    page = await open_page(someone)
    await page.goto(wizard.address(draft_id))
    await page.get_by_label("Name of this benchmark").fill("Kept")
    await page.locator(".cm-content").nth(1).fill("")
    await page.get_by_role("link", name=re.compile("Review and pay")).first.click()
    await page.get_by_role("link", name="Image 2").click()
    await expect(page.locator(".cm-content").nth(1)).to_be_focused()
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Review and pay")
    await page.go_back()
    await expect(page.locator(".cm-content")).to_have_count(2)
    await expect(page.get_by_label("Name of this benchmark")).to_have_value("Kept")
    await page.go_forward()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Review and pay")


async def test_every_step_is_accessible_and_fits_a_phone(
    wizard, prepare, open_page, theme, axe, no_sideways_scroll
):
    someone, draft_id = await prepare(f"axe-{theme}", images=2, models=24)
    page = await open_page(someone, width=390, height=844)
    ready = {"images": ".cm-content", "task": ".cm-content", "models": "tbody tr", "review": "tbody tr"}
    for step in STEPS:
        await page.goto(wizard.address(draft_id, step))
        await expect(page.locator(ready[step]).first).to_be_visible()
        await expect(page.get_by_label("Estimate")).to_contain_text("144")
        await axe(page)
        await no_sideways_scroll(page)
