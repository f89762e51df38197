"""What the wizard loads before it can be used, and what it says when the rest does not come."""

import asyncio
import gzip
import re

import pytest
from playwright.async_api import expect

MOST_BYTES = 40_000
NOTE_WHEN_USABLE = """new MutationObserver((changes, observer) => {
  if (!document.querySelector("#add-images")) return;
  window.usable_at = performance.now();
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });"""
LOADED_BEFORE = """performance.getEntriesByType("resource")
  .filter(({ name, startTime }) => startTime < window.usable_at && /\\.(js|css)$/.test(name))
  .map(({ name }) => name)"""


@pytest.fixture(autouse=True)
def failing_requests(guard):
    guard.expect("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "status of 404")


@pytest.fixture
async def missing():
    """Return a function that lets a part of the application fail to load until the event that it returns."""

    async def lose(page, part, kinds=("js", "css")):
        found = asyncio.Event()

        async def answer(route):
            await (route.continue_() if found.is_set() else route.fulfill(status=404))

        await page.route(re.compile(rf"/assets/{part}-[^/]+\.({'|'.join(kinds)})(\?|$)"), answer)
        return found

    return lose


async def test_what_is_loaded_before_the_first_step_can_be_used_is_small(wizard, prepare, open_page):
    someone, _ = await prepare("first-load", images=0)
    page = await open_page(someone)
    await page.add_init_script(NOTE_WHEN_USABLE)
    await page.goto(wizard.new)
    await expect(page.locator("#add-images")).to_be_enabled()
    loaded = [page.url, *await page.evaluate(LOADED_BEFORE)]
    assert any("/assets/new-" in address for address in loaded)
    bodies = [await (await page.request.get(address)).body() for address in loaded]
    assert sum(len(gzip.compress(body, 9)) for body in bodies) < MOST_BYTES


@pytest.mark.parametrize("kinds", [("js",), ("js", "css")], ids="-".join)
async def test_a_step_that_does_not_come_offline_comes_by_itself_with_the_connection(
    wizard, prepare, open_page, missing, kinds
):
    someone, draft_id = await prepare("step-offline")
    page = await open_page(someone)
    found = await missing(page, "TaskStep", kinds)
    await page.goto(wizard.address(draft_id))
    await expect(page.locator(".cm-content")).to_be_visible()
    await page.context.set_offline(True)
    found.set()
    await page.get_by_label("Name of this benchmark").fill("Typed offline")
    await page.get_by_role("link", name="Next: Task").click()
    await expect(page.get_by_text("This step could not be loaded.")).to_be_visible()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("button", name="Try again")).to_be_enabled()
    await expect(page.get_by_text("This step could not be loaded.")).to_be_visible()
    await page.context.set_offline(False)
    await expect(wizard.prompt(page)).to_have_value("Read the receipt.")
    await wizard.saved(page)
    assert (await wizard.stored(someone, draft_id))["name"] == "Typed offline"


async def test_a_step_whose_file_was_renewed_comes_with_the_page_of_now(wizard, prepare, open_page, missing):
    someone, draft_id = await prepare("step-renewed")
    page = await open_page(someone)
    found = await missing(page, "TaskStep")
    await page.goto(wizard.address(draft_id))
    await expect(page.locator(".cm-content")).to_be_visible()
    # From the next page on, as after a deployment: this one still asks for a file that is no longer there.
    page.on("request", lambda request: found.set() if request.is_navigation_request() else None)
    await page.get_by_label("Name of this benchmark").fill("Typed before")
    await page.get_by_role("link", name="Next: Task").click()
    await page.get_by_role("button", name="Try again").click()
    await expect(wizard.prompt(page)).to_have_value("Read the receipt.")
    assert found.is_set()
    await expect(page.get_by_label("Name of this benchmark")).to_have_value("Typed before")
    await page.go_back()
    await expect(page.locator(".cm-content")).to_be_visible()


# Without its style sheet, a script is not even asked for.
@pytest.mark.parametrize("kinds", [("js",), ("js", "css")], ids="-".join)
async def test_files_wait_until_what_uploads_them_is_there(wizard, prepare, open_page, missing, kinds):
    someone, _ = await prepare(f"waiting-files-{'-'.join(kinds)}", images=0)
    page = await open_page(someone)
    # Nor does what the steps share, as without a connection.
    found = await missing(page, "(Given|TaskStep|JsonField)", kinds)
    await page.goto(wizard.new)
    await page.locator("#picker").set_input_files([wizard.picture(0), wizard.answer(0)])
    await expect(page.get_by_text("Your images could not be loaded.")).to_be_visible()
    found.set()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="Image 1")).to_be_visible()
    await expect(wizard.editor(page, "Expected JSON of image 1")).to_contain_text("Harbour Street Coffee")
