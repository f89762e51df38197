"""What was typed or chosen is never lost, and never mixed up."""

import re

from playwright.async_api import expect


async def test_a_reload_right_after_typing_loses_nothing_in_any_step(wizard, prepare, open_page):
    someone, draft_id = await prepare("reload")
    page = await open_page(someone)
    await page.goto(wizard.address(draft_id))
    await page.get_by_label("Name of this benchmark").fill("Typed just now")
    await page.locator(".cm-content").fill('{"unfinished": ')
    await page.reload()
    await expect(page.get_by_label("Name of this benchmark")).to_have_value("Typed just now")
    await expect(page.locator(".cm-content")).to_have_text('{"unfinished": ')
    await expect(page.get_by_text("The text ends too early.")).to_be_visible()
    await expect(page.locator("#save-state")).to_have_text("Not saved: it has an error")
    await page.locator(".cm-content").fill('{"finished": true}')
    await page.reload()
    await wizard.saved(page)
    await expect(page.locator(".cm-content")).to_contain_text('"finished": true')

    await page.goto(wizard.address(draft_id, "task"))
    await wizard.prompt(page).fill("Read every line.")
    await page.reload()
    await expect(wizard.prompt(page)).to_have_value("Read every line.")

    await page.goto(wizard.address(draft_id, "models"))
    await page.get_by_role("button", name="One a provider").click()
    await page.reload()
    await expect(page.get_by_role("button", name="One a provider")).to_have_attribute("aria-pressed", "true")
    await wizard.saved(page)

    await page.goto(wizard.address(draft_id, "review"))
    await expect(page.get_by_text("Read every line.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Read every line.")).to_be_visible()
    draft = await wizard.stored(someone, draft_id)
    assert draft["images"][0]["expected_json"] == {"finished": True}


async def test_what_is_typed_offline_is_saved_when_the_connection_is_back(wizard, prepare, open_page, guard):
    guard.expect("ERR_INTERNET_DISCONNECTED")
    someone, draft_id = await prepare("offline")
    page = await open_page(someone)
    await page.goto(wizard.address(draft_id, "task"))
    await expect(wizard.prompt(page)).to_be_visible()
    await page.context.set_offline(True)
    await wizard.prompt(page).fill("Typed without a connection.")
    await expect(page.locator("#save-state")).to_have_text("Offline: kept in this browser")
    await page.context.set_offline(False)
    await wizard.saved(page)
    assert (await wizard.stored(someone, draft_id))["extraction_prompt"] == "Typed without a connection."


async def test_two_tabs_do_not_mix_their_fields(wizard, prepare, open_page):
    someone, draft_id = await prepare("tabs")
    one = await open_page(someone)
    other = await one.context.new_page()
    for page in (one, other):
        await page.goto(wizard.address(draft_id, "task"))
        await expect(wizard.prompt(page)).to_have_value("Read the receipt.")
    await one.get_by_label("Name of this benchmark").fill("Named in one")
    await wizard.prompt(other).fill("Asked in the other")
    for page in (one, other):
        await wizard.saved(page)
    draft = await wizard.stored(someone, draft_id)
    assert (draft["name"], draft["extraction_prompt"]) == ("Named in one", "Asked in the other")


async def test_a_draft_that_is_being_paid_for_is_locked_and_can_be_unlocked(
    wizard, prepare, open_page, guard
):
    guard.expect("status of 409")
    someone, draft_id = await prepare("locked")
    page = await open_page(someone)
    await page.goto(wizard.address(draft_id, "task"))
    await expect(wizard.prompt(page)).to_be_visible()
    await someone.check_out(draft_id)
    await wizard.prompt(page).fill("Changed too late.")
    await expect(page.get_by_text("A payment for this benchmark is open")).to_be_visible()
    await expect(wizard.prompt(page)).to_be_disabled()
    await page.get_by_role("button", name="Cancel the payment and edit").click()
    await expect(wizard.prompt(page)).to_be_enabled()
    await wizard.saved(page)
    assert (await wizard.stored(someone, draft_id))["extraction_prompt"] == "Changed too late."


async def test_an_unfinished_draft_is_offered_and_a_paid_one_can_be_copied(wizard, prepare, open_page):
    someone, draft_id = await prepare("offer")
    page = await open_page(someone)
    await page.goto(wizard.new)
    await page.get_by_role("button", name="Continue Receipts").click()
    await expect(page.get_by_role("heading", name="Image 1")).to_be_visible()
    await someone.pay(await someone.check_out(draft_id))
    await page.goto(wizard.address(draft_id))
    await page.get_by_role("button", name="Make a copy").click()
    await expect(page).not_to_have_url(re.compile(draft_id))
    await expect(page.get_by_role("button", name="Delete image 1")).to_be_enabled()


async def test_visitors_look_around_and_lose_nothing_by_signing_in(wizard, prepare, open_page, page):
    await page.goto(f"{wizard.new}?step=task")
    await wizard.prompt(page).fill("Before I signed in.")
    await page.get_by_role("link", name="Next: Models").click()
    await page.get_by_role("button", name="Best").click()
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page).to_have_url(re.compile("/login.next=%2Fbenchmark%2Fnew%3Fstep%3Dmodels"))
    someone, _ = await prepare("visitor", images=0)
    token = someone.client.cookies["modelpick_session"]
    await page.context.add_cookies(
        [{"name": "modelpick_session", "value": token, "url": page.url.split("/login")[0]}]
    )
    await page.goto(f"{wizard.new}?step=task")
    await wizard.saved(page)
    draft = await wizard.stored(someone, wizard.draft_in(page))
    assert draft["extraction_prompt"] == "Before I signed in."
    assert len(draft["selected_models"]) == 6
