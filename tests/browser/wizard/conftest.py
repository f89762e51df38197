"""Drafts to prepare in a browser, and how to look at them."""

import json
import re

import pytest
from playwright.async_api import Page, expect

from modelpick_local.demo.samples import sample_uploads

NEW = "/benchmark/new"
DRAFT_IN_ADDRESS = re.compile(r"draft=([0-9a-f-]{36})")


class Wizard:
    """What tests of the wizard hold in their hands: files, addresses, and parts of its page."""

    new = NEW

    def address(self, draft_id, step="images"):
        return f"{NEW}?draft={draft_id}&step={step}"

    def draft_in(self, page: Page):
        """Return the id of the draft that a page shows."""
        return DRAFT_IN_ADDRESS.search(page.url)[1]

    def picture(self, index, name=None):
        upload = sample_uploads(index + 1)[index]
        return {"name": name or f"{index}.png", "mimeType": upload.media_type, "buffer": upload.content}

    def answer(self, index):
        expected = json.dumps(sample_uploads(index + 1)[index].expected)
        return {"name": f"{index}.json", "mimeType": "application/json", "buffer": expected.encode()}

    def editor(self, page: Page, label):
        return page.get_by_role("textbox", name=label)

    def prompt(self, page: Page):
        return page.get_by_role("textbox", name="Extraction prompt")

    async def saved(self, page: Page):
        await expect(page.locator("#save-state")).to_have_text("Saved")

    async def stored(self, someone, draft_id):
        return (await someone.client.get(f"/api/drafts/{draft_id}")).raise_for_status().json()


@pytest.fixture
def wizard():
    return Wizard()


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
