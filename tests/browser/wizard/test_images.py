"""Images by picker, by drag and drop and by paste, in the order that is wanted."""

import asyncio
import base64
import json
import re

import pytest
from playwright.async_api import expect

DROP_LARGE_FILE = """() => {
  const dataTransfer = new DataTransfer();
  const content = new Uint8Array(10 * 1024 * 1024 + 1);
  dataTransfer.items.add(new File([content], "large.png", { type: "image/png" }));
  window.dispatchEvent(new DragEvent("drop", { dataTransfer }));
}"""

# What a program copies: a picture, or text with a picture of it, as spreadsheets do.
COPY = """async ({ picture, text }) => {
  const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
  const parts = { "image/png": new Blob([bytes], { type: "image/png" }) };
  if (text) parts["text/plain"] = new Blob([text], { type: "text/plain" });
  await navigator.clipboard.write([new ClipboardItem(parts)]);
}"""
DRAGGED = """(files) => {
  const dataTransfer = new DataTransfer();
  for (const { name, type, content } of files) {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    dataTransfer.items.add(new File([bytes], name, { type }));
  }
  return dataTransfer;
}"""


def encoded(file):
    return base64.b64encode(file["buffer"]).decode()


@pytest.fixture
def copy(wizard):
    """Return a function that puts a picture into the clipboard, with a text where one is given."""

    async def put(page, index, text=""):
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.evaluate(COPY, {"picture": encoded(wizard.picture(index)), "text": text})

    return put


async def test_a_copied_image_is_pasted_with_the_focus_nowhere(wizard, prepare, copy, open_page):
    someone, _ = await prepare("paste", images=0)
    page = await open_page(someone)
    arrives = asyncio.Event()

    async def on_its_way(route):
        await arrives.wait()
        await route.continue_()

    await page.route("**/api/drafts/*/images", on_its_way)
    await page.goto(wizard.new)
    await expect(page.locator("#add-images")).to_be_enabled()
    await copy(page, 0)
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("Control+V")
    row = page.get_by_label("Uploads").get_by_role("listitem")
    await expect(row.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    await expect(row.get_by_role("progressbar")).to_be_visible()
    arrives.set()
    shown = page.get_by_alt_text(re.compile("^Image 1"))
    await expect(shown).to_have_attribute("src", re.compile("^/"))
    await expect(row).to_have_count(0)
    assert await shown.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 0
    [image] = (await wizard.stored(someone, wizard.draft_in(page)))["images"]
    assert image["media_type"] == "image/png"


async def test_a_text_is_pasted_into_an_editor_even_when_a_picture_of_it_comes_along(
    wizard, prepare, copy, open_page
):
    someone, draft_id = await prepare("paste-text")
    page = await open_page(someone)
    await page.goto(wizard.address(draft_id))
    editor = page.locator(".cm-content")
    await editor.fill("")
    await copy(page, 1, '{"total": 12}')
    await editor.focus()
    await page.keyboard.press("Control+V")
    await expect(editor).to_have_text('{"total": 12}')
    name = page.get_by_label("Name of this benchmark")
    await name.fill("")
    await page.keyboard.press("Control+V")
    await expect(name).to_have_value('{"total": 12}')
    await wizard.saved(page)
    await expect(page.get_by_label("Uploads")).to_have_count(0)
    [image] = (await wizard.stored(someone, draft_id))["images"]
    assert image["expected_json"] == {"total": 12}

    await page.locator("#step-title").focus()
    await page.keyboard.press("Control+V")
    await expect(page.get_by_role("heading", name="Image 2")).to_be_visible()


async def test_files_are_dropped_anywhere_on_the_page(wizard, prepare, open_page):
    someone, _ = await prepare("drop", images=0)
    page = await open_page(someone)
    await page.goto(wizard.new)
    await expect(page.locator("#add-images")).to_be_enabled()
    given = [wizard.answer(0), wizard.picture(1), wizard.picture(0)]
    files = [{"name": each["name"], "type": each["mimeType"], "content": encoded(each)} for each in given]
    dragged = {"dataTransfer": await page.evaluate_handle(DRAGGED, files), "bubbles": True}
    await page.dispatch_event("#step-title", "dragover", dragged)
    await expect(page.locator(".drop.over")).to_be_visible()
    await page.dispatch_event("#step-title", "drop", dragged)
    await expect(page.get_by_alt_text("Image 1: 0.png")).to_be_visible()
    await expect(page.get_by_alt_text("Image 2: 1.png")).to_be_visible()
    await expect(wizard.editor(page, "Expected JSON of image 1")).to_contain_text("Harbour Street Coffee")
    await wizard.saved(page)
    first, second = (await wizard.stored(someone, wizard.draft_in(page)))["images"]
    assert first["expected_json"] == json.loads(wizard.answer(0)["buffer"])
    assert second["expected_json"] is None


async def test_a_structure_is_copied_to_all_and_what_is_not_filled_in_is_said(wizard, prepare, open_page):
    someone, _ = await prepare("structure", images=0)
    page = await open_page(someone)
    await page.goto(wizard.new)
    files = [wizard.picture(0), wizard.answer(0), wizard.picture(1), wizard.picture(2)]
    await page.locator("#picker").set_input_files(files)
    await page.get_by_role("button", name="Copy structure to the 2 empty ones").click()
    second = wizard.editor(page, "Expected JSON of image 2")
    await expect(second).to_be_focused()
    await expect(second).to_contain_text('"merchant": null')
    await expect(page.get_by_text("No value is filled in yet")).to_have_count(2)
    steps = page.get_by_label("Steps")
    await expect(steps).to_contain_text("2 JSONs to fill in")
    await second.fill('{"merchant": "Lindqvist"}')
    await steps.get_by_role("link", name="Review and pay").click()
    await expect(page.get_by_text("Image 3: no value is filled in yet.")).to_be_visible()
    await page.get_by_role("link", name="Fill them in").click()
    await expect(wizard.editor(page, "Expected JSON of image 3")).to_be_focused()


async def test_files_that_do_not_fit_say_so_one_by_one(wizard, prepare, open_page, guard):
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
    await page.goto(wizard.address(draft_id))
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"}
    await page.locator("#picker").set_input_files([wizard.picture(0, "same.png"), text])
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
    await page.locator("#picker").set_input_files([wizard.picture(1), wizard.answer(1)])
    await expect(page.get_by_role("heading", name="Image 1")).to_be_visible()
    await expect(page.locator(".cm-content")).to_contain_text("Lindqvist")


async def test_images_change_places(wizard, prepare, open_page):
    someone, draft_id = await prepare("order", images=3)
    page = await open_page(someone)
    before = [image["id"] for image in (await wizard.stored(someone, draft_id))["images"]]
    await page.goto(wizard.address(draft_id))
    await page.get_by_role("button", name="Move image 3 up").click()
    await expect(page.locator(f"#up-{before[2]}")).to_be_focused()
    await page.get_by_alt_text("Image 1").drag_to(page.get_by_alt_text("Image 2"))
    await expect(page.get_by_text("Image 1 is now image 2 of 3.")).to_be_attached()
    expected = page.locator(f"#expected-{before[2]} [aria-label='Expected JSON of image 1']")
    await expect(expected).to_be_visible()
    after = [image["id"] for image in (await wizard.stored(someone, draft_id))["images"]]
    assert after == [before[2], before[0], before[1]]
