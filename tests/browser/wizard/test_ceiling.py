"""What the cost ceiling would cut is said before it is paid for, by model and by image."""

import pytest
from playwright.async_api import expect

STEPS = ("images", "task", "models", "review")
# Answers as long as this cost more than the ceiling allows when all models are asked for them.
LONG = {"text": "word " * 4000}


@pytest.fixture
def costly(prepare):
    """Return a function that prepares a draft that costs more than the ceiling allows, and its estimate."""

    async def make(name):
        someone, draft_id = await prepare(name, images=4, models=24)
        address = f"/api/drafts/{draft_id}"
        (await someone.client.patch(address, json={"json_schema": None})).raise_for_status()
        for image in (await someone.client.get(address)).json()["images"]:
            changed = await someone.client.patch(
                f"{address}/images/{image['id']}", json={"expected_json": LONG}
            )
            changed.raise_for_status()
        return someone, draft_id, (await someone.client.get(f"{address}/estimate")).json()

    return make


async def test_the_ceilings_cuts_are_in_sight_in_every_step(wizard, costly, open_page, axe):
    someone, draft_id, estimate = await costly("ceiling")
    cuts = {cut["model_id"]: cut["runs"] for cut in estimate["will_be_cut"]}
    page = await open_page(someone)
    bar = page.get_by_label("Estimate")
    for step in STEPS:
        await page.goto(wizard.address(draft_id, step))
        await expect(bar).to_contain_text(f"{sum(cuts.values())} calls of {len(cuts)} models")
    await expect(page.get_by_label("Price")).to_contain_text(f"{sum(cuts.values())} calls")
    notice = page.locator("#cuts")
    await expect(notice).to_contain_text(f"would cut {sum(cuts.values())} of 288 calls")
    await axe(page)


async def test_which_models_lose_what_is_said_in_plain_words(wizard, costly, open_page):
    someone, draft_id, estimate = await costly("losses")
    names = {model.id: model.name for model in await someone.models()}
    page = await open_page(someone)
    await page.goto(wizard.address(draft_id, "images"))
    await page.get_by_label("Estimate").get_by_role("link").click()
    await expect(page.locator("#cuts")).to_be_focused()
    for cut in estimate["will_be_cut"]:
        loss = page.locator("#cuts li").filter(has_text=names[cut["model_id"]])
        made = 12 - cut["runs"]
        await expect(loss).to_contain_text(f"{cut['runs']} of 12 calls")
        await expect(loss).to_contain_text("would read each image" if made % 4 == 0 else "image")
        row = page.get_by_role("row").filter(has=page.locator(f"[id='pick-{cut['model_id']}']"))
        await expect(row).to_contain_text(f"{cut['runs']} calls cut")

    await page.get_by_role("button", name="Cheapest").click()
    await expect(page.locator("#cuts")).to_have_count(0)
    await expect(page.get_by_label("Estimate")).not_to_contain_text("cuts")
