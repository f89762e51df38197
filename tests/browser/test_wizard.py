"""Preparing a benchmark: images and expected JSON, task, models, review, and on to Stripe's page."""

import json
import re

import pytest
from playwright.async_api import Page, expect

from modelpick_local.demo.samples import sample_uploads

NEW = "/benchmark/new"
STEPS = ("images", "task", "models", "review")
DRAFT_IN_ADDRESS = re.compile(r"draft=([0-9a-f-]{36})")
MANY_TABS = 60
DROP_LARGE_FILE = """() => {
  const dataTransfer = new DataTransfer();
  const content = new Uint8Array(10 * 1024 * 1024 + 1);
  dataTransfer.items.add(new File([content], "large.png", { type: "image/png" }));
  window.dispatchEvent(new DragEvent("drop", { dataTransfer }));
}"""


def picture(index, name=None):
    upload = sample_uploads(index + 1)[index]
    return {"name": name or f"{index}.png", "mimeType": upload.media_type, "buffer": upload.content}


def answer(index):
    expected = json.dumps(sample_uploads(index + 1)[index].expected)
    return {"name": f"{index}.json", "mimeType": "application/json", "buffer": expected.encode()}


@pytest.fixture
def prepare(customer):
    """Return a function that makes a customer, with a draft that is ready when `models` are given."""

    async def make(name, *, images=1, models=1):
        someone = await customer(f"wizard-{name}")
        if not images:
            return someone, None
        chosen = [model.id for model in await someone.models()][:models]
        draft = await someone.prepare_draft(sample_uploads(images), chosen, "Read the receipt.")
        return someone, draft.id

    return make


def address(draft_id, step="images"):
    return f"{NEW}?draft={draft_id}&step={step}"


def editor(page: Page, label):
    return page.get_by_role("textbox", name=label)


def prompt(page: Page):
    return page.get_by_role("textbox", name="Extraction prompt")


async def saved(page: Page):
    await expect(page.locator("#save-state")).to_have_text("Saved")


async def stored(someone, draft_id):
    return (await someone.client.get(f"/api/drafts/{draft_id}")).raise_for_status().json()


async def test_a_benchmark_is_prepared_by_mouse_up_to_stripes_page(prepare, open_page):
    someone, _ = await prepare("mouse", images=0)
    page = await open_page(someone)
    await page.goto(NEW)
    await page.get_by_label("Name of this benchmark").fill("Receipts of May")
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose files").click()
    await (await chooser.value).set_files([picture(1), answer(0), picture(0), answer(1)])
    await expect(page.get_by_role("heading", name="Image 2")).to_be_visible()
    await expect(editor(page, "Expected JSON of image 1")).to_contain_text("Harbour Street Coffee")
    await expect(page.get_by_alt_text("Image 2: 1.png")).to_be_visible()
    await saved(page)

    await page.get_by_role("link", name="Next: Task").click()
    await page.get_by_role("button", name="Infer the schema").click()
    await expect(editor(page, "JSON Schema")).to_contain_text('"merchant"')
    await page.get_by_role("radio", name="No training on my images").check()

    await page.get_by_role("link", name="Next: Models").click()
    await page.get_by_role("button", name="Cheapest").click()
    await page.get_by_role("searchbox").fill("haiku")
    await page.get_by_role("checkbox", name="Claude Haiku 4.5").check()
    bar = page.get_by_label("Estimate")
    await expect(bar).to_contain_text(re.compile(r"Models\s*7\s*Calls\s*42"))

    await page.get_by_role("link", name="Next: Review and pay").click()
    await expect(page.get_by_text("Everything is there.")).to_be_visible()
    draft_id = DRAFT_IN_ADDRESS.search(page.url)[1]
    draft = await stored(someone, draft_id)
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


async def test_a_benchmark_is_prepared_by_keyboard_alone(prepare, open_page):
    someone, _ = await prepare("keyboard", images=0)
    page = await open_page(someone)
    await page.goto(NEW)
    await expect(page.locator("#add-images")).to_be_visible()
    async with page.expect_file_chooser() as chooser:
        await tab_to(page, "#add-images")
        await page.keyboard.press("Enter")
    await (await chooser.value).set_files([picture(0), picture(1)])
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
    await expect(editor(page, "JSON Schema")).to_contain_text("total")
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


async def test_a_reload_right_after_typing_loses_nothing_in_any_step(prepare, open_page):
    someone, draft_id = await prepare("reload")
    page = await open_page(someone)
    await page.goto(address(draft_id))
    await page.get_by_label("Name of this benchmark").fill("Typed just now")
    await page.locator(".cm-content").fill('{"unfinished": ')
    await page.reload()
    await expect(page.get_by_label("Name of this benchmark")).to_have_value("Typed just now")
    await expect(page.locator(".cm-content")).to_have_text('{"unfinished": ')
    await expect(page.get_by_text("The text ends too early.")).to_be_visible()
    await expect(page.locator("#save-state")).to_have_text("Not saved: it has an error")
    await page.locator(".cm-content").fill('{"finished": true}')
    await page.reload()
    await saved(page)
    await expect(page.locator(".cm-content")).to_contain_text('"finished": true')

    await page.goto(address(draft_id, "task"))
    await prompt(page).fill("Read every line.")
    await page.reload()
    await expect(prompt(page)).to_have_value("Read every line.")

    await page.goto(address(draft_id, "models"))
    await page.get_by_role("button", name="One a provider").click()
    await page.reload()
    await expect(page.get_by_role("button", name="One a provider")).to_have_attribute("aria-pressed", "true")
    await saved(page)

    await page.goto(address(draft_id, "review"))
    await expect(page.get_by_text("Read every line.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Read every line.")).to_be_visible()
    draft = await stored(someone, draft_id)
    assert draft["images"][0]["expected_json"] == {"finished": True}


async def test_back_and_forward_go_from_step_to_step_and_problems_lead_to_their_place(prepare, open_page):
    someone, draft_id = await prepare("back", images=2)
    page = await open_page(someone)
    await page.goto(address(draft_id))
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


async def test_files_that_do_not_fit_say_so_one_by_one(prepare, open_page, guard):
    guard.expect("status of 422", "status of 429")
    someone, draft_id = await prepare("files")
    page = await open_page(someone)
    refusals = [1]

    async def busy_once(route):
        if route.request.method == "POST" and refusals:
            refusals.clear()
            body = '{"title": "Too Many Requests", "status": 429}'
            await route.fulfill(status=429, headers={"Retry-After": "1"}, body=body)
        else:
            await route.continue_()

    await page.route("**/images", busy_once)
    await page.goto(address(draft_id))
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"}
    await page.locator("#picker").set_input_files([picture(0, "same.png"), text])
    await page.evaluate(DROP_LARGE_FILE)
    uploads = page.get_by_label("Uploads")
    await expect(uploads).to_contain_text("Only PNG, JPEG, WebP and GIF images are accepted.")
    await expect(uploads).to_contain_text("An image may have at most 10 MiB.")
    await expect(uploads).to_contain_text("This image is in the draft already.")
    await page.get_by_role("button", name="Dismiss notes.txt").click()
    await expect(uploads.get_by_role("listitem")).to_have_count(2)

    await page.get_by_role("button", name="Delete image 1").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.locator("#add-images")).to_be_focused()
    await page.locator("#picker").set_input_files([picture(1), answer(1)])
    await expect(page.get_by_role("heading", name="Image 1")).to_be_visible()
    await expect(page.locator(".cm-content")).to_contain_text("Lindqvist")


async def test_images_change_places(prepare, open_page):
    someone, draft_id = await prepare("order", images=3)
    page = await open_page(someone)
    before = [image["id"] for image in (await stored(someone, draft_id))["images"]]
    await page.goto(address(draft_id))
    await page.get_by_role("button", name="Move image 3 up").click()
    await expect(page.locator(f"#up-{before[2]}")).to_be_focused()
    await page.get_by_alt_text("Image 1").drag_to(page.get_by_alt_text("Image 2"))
    await expect(page.get_by_text("Image 1 is now image 2 of 3.")).to_be_attached()
    expected = page.locator(f"#expected-{before[2]} [aria-label='Expected JSON of image 1']")
    await expect(expected).to_be_visible()
    after = [image["id"] for image in (await stored(someone, draft_id))["images"]]
    assert after == [before[2], before[0], before[1]]


async def test_what_is_typed_offline_is_saved_when_the_connection_is_back(prepare, open_page, guard):
    guard.expect("ERR_INTERNET_DISCONNECTED")
    someone, draft_id = await prepare("offline")
    page = await open_page(someone)
    await page.goto(address(draft_id, "task"))
    await expect(prompt(page)).to_be_visible()
    await page.context.set_offline(True)
    await prompt(page).fill("Typed without a connection.")
    await expect(page.locator("#save-state")).to_have_text("Offline: kept in this browser")
    await page.context.set_offline(False)
    await saved(page)
    assert (await stored(someone, draft_id))["extraction_prompt"] == "Typed without a connection."


async def test_two_tabs_do_not_mix_their_fields(prepare, open_page):
    someone, draft_id = await prepare("tabs")
    one = await open_page(someone)
    other = await one.context.new_page()
    for page in (one, other):
        await page.goto(address(draft_id, "task"))
        await expect(prompt(page)).to_have_value("Read the receipt.")
    await one.get_by_label("Name of this benchmark").fill("Named in one")
    await prompt(other).fill("Asked in the other")
    for page in (one, other):
        await saved(page)
    draft = await stored(someone, draft_id)
    assert (draft["name"], draft["extraction_prompt"]) == ("Named in one", "Asked in the other")


async def test_a_draft_that_is_being_paid_for_is_locked_and_can_be_unlocked(prepare, open_page, guard):
    guard.expect("status of 409")
    someone, draft_id = await prepare("locked")
    page = await open_page(someone)
    await page.goto(address(draft_id, "task"))
    await expect(prompt(page)).to_be_visible()
    await someone.check_out(draft_id)
    await prompt(page).fill("Changed too late.")
    await expect(page.get_by_text("A payment for this benchmark is open")).to_be_visible()
    await expect(prompt(page)).to_be_disabled()
    await page.get_by_role("button", name="Cancel the payment and edit").click()
    await expect(prompt(page)).to_be_enabled()
    await saved(page)
    assert (await stored(someone, draft_id))["extraction_prompt"] == "Changed too late."


async def test_an_unfinished_draft_is_offered_and_a_paid_one_can_be_copied(prepare, open_page):
    someone, draft_id = await prepare("offer")
    page = await open_page(someone)
    await page.goto(NEW)
    await page.get_by_role("button", name="Continue Receipts").click()
    await expect(page.get_by_role("heading", name="Image 1")).to_be_visible()
    await someone.pay(await someone.check_out(draft_id))
    await page.goto(address(draft_id))
    await page.get_by_role("button", name="Make a copy").click()
    await expect(page).not_to_have_url(re.compile(draft_id))
    await expect(page.get_by_role("button", name="Delete image 1")).to_be_enabled()


async def test_visitors_look_around_and_lose_nothing_by_signing_in(prepare, open_page, page):
    await page.goto(f"{NEW}?step=task")
    await prompt(page).fill("Before I signed in.")
    await page.get_by_role("link", name="Next: Models").click()
    await page.get_by_role("button", name="Best").click()
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page).to_have_url(re.compile("/login.next=%2Fbenchmark%2Fnew%3Fstep%3Dmodels"))
    someone, _ = await prepare("visitor", images=0)
    token = someone.client.cookies["modelpick_session"]
    await page.context.add_cookies(
        [{"name": "modelpick_session", "value": token, "url": page.url.split("/login")[0]}]
    )
    await page.goto(f"{NEW}?step=task")
    await saved(page)
    draft = await stored(someone, DRAFT_IN_ADDRESS.search(page.url)[1])
    assert draft["extraction_prompt"] == "Before I signed in."
    assert len(draft["selected_models"]) == 6


async def test_every_step_is_accessible_and_fits_a_phone(prepare, open_page, theme, axe, no_sideways_scroll):
    someone, draft_id = await prepare(f"axe-{theme}", images=2, models=24)
    page = await open_page(someone, width=390, height=844)
    ready = {"images": ".cm-content", "task": ".cm-content", "models": "tbody tr", "review": "tbody tr"}
    for step in STEPS:
        await page.goto(address(draft_id, step))
        await expect(page.locator(ready[step]).first).to_be_visible()
        await expect(page.get_by_label("Estimate")).to_contain_text("144")
        await axe(page)
        await no_sideways_scroll(page)
