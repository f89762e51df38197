"""A customer finds their reports and drafts again."""

import re

import httpx
import pytest
from playwright.async_api import expect

from modelpick_local.demo.samples import sample_uploads

DOWNLOADS = {"CSV": "model", "JSON": '"runs"', "PDF": "%PDF"}


def item(page, heading):
    return page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=heading))


async def test_a_finished_report_is_opened_and_downloaded(signed_in, told, theme, axe):
    await signed_in.goto("/reports")
    row = item(signed_in, "Benchmark of").first
    await expect(row.get_by_text("Complete", exact=True)).to_be_visible()
    await expect(row.get_by_text("All 72 runs measured")).to_be_visible()
    await axe(signed_in)

    for name, contents in DOWNLOADS.items():
        async with signed_in.expect_download() as download:
            await row.get_by_role("link", name=f"Download {name}").click()
        body = (await (await download.value).path()).read_bytes()
        assert contents.encode() in body
    await row.get_by_role("link", name="Open report").click()
    await signed_in.wait_for_url(f"**/benchmark/{told.report_id}/report")


async def test_a_link_is_copied_and_withdrawn(customer, open_page, system, buy):
    person = await customer("sharing")
    report_id = await buy(person, sample_uploads(1), 2)
    await person.await_progress(report_id)
    page = await open_page(person, permissions=["clipboard-read", "clipboard-write"])
    await page.goto("/reports")
    shared = page.get_by_role("switch", name="Shared by link")
    await expect(shared).to_be_checked()
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_role("status").filter(has_text="The link is copied.")).to_be_attached()
    link = await page.evaluate("navigator.clipboard.readText()")
    assert link == f"{system.site_url}/report/{(await person.report(report_id)).share_token}"
    assert (await opened(link)) == httpx.codes.OK

    await shared.click()
    question = page.get_by_role("dialog", name="Stop sharing this report?")
    await page.keyboard.press("Escape")
    await expect(question).to_be_hidden()
    await expect(shared).to_be_checked()
    await shared.click()
    await question.get_by_role("button", name="Stop sharing").click()
    await expect(shared).not_to_be_checked()
    await expect(page.get_by_role("button", name="Copy link")).to_have_count(0)
    assert (await opened(link)) == httpx.codes.NOT_FOUND

    await shared.click()
    await expect(shared).to_be_checked()
    assert (await person.report(report_id)).share_token not in link


async def opened(link):
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.get(link)).status_code


async def test_drafts_are_continued_copied_and_deleted(customer, open_page, theme, axe, no_sideways_scroll):
    person = await customer(f"drafting-{theme}")
    draft = await person.new_draft("Invoices")
    await person.upload(draft.id, sample_uploads(1)[0])
    page = await open_page(person, width=390, height=844)
    await page.goto("/reports")
    await expect(item(page, "Invoices").get_by_text("1 image, 0 models")).to_be_visible()
    await expect(page.get_by_role("link", name="Continue Invoices")).to_have_attribute(
        "href", f"/benchmark/new?draft={draft.id}"
    )
    await axe(page)
    await no_sideways_scroll(page)

    await page.get_by_role("button", name="Copy Invoices").click()
    await expect(item(page, "Invoices")).to_have_count(2)
    await page.get_by_role("button", name="Delete Invoices").first.click()
    await axe(page)
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(item(page, "Invoices")).to_have_count(1)
    await expect(page.get_by_role("heading", name="Drafts")).to_be_focused()
    assert len((await person.client.get("/api/drafts")).json()["items"]) == 1


async def test_what_was_ordered_is_used_again_and_what_runs_is_watched(customer, open_page, buy):
    person = await customer("again")
    report_id = await buy(person, sample_uploads(1), 2)
    page = await open_page(person)
    await page.goto("/reports")
    row = item(page, "Benchmark of")
    await expect(row).to_have_count(1)
    await expect(row.get_by_text("Complete", exact=True)).to_be_visible()
    await page.goto(f"/benchmark/{report_id}/processing")
    await expect(page.get_by_role("link", name="Open the report")).to_be_visible()

    await page.go_back()
    await page.get_by_role("button", name="Use again: Receipts").click()
    await page.wait_for_url(re.compile(r"/benchmark/new\?draft=[0-9a-f-]{36}"))


async def test_who_has_nothing_yet_is_led_to_a_first_benchmark(customer, open_page, theme, axe):
    page = await open_page(await customer(f"new-{theme}"))
    await page.goto("/reports")
    await expect(page.get_by_role("heading", name="No benchmark yet")).to_be_visible()
    await axe(page)
    await page.get_by_role("link", name="Start your first benchmark").click()
    await page.wait_for_url("**/benchmark/new")


async def test_a_server_that_is_away_is_said_and_asked_again(signed_in, guard):
    guard.expect("status of 502")
    await signed_in.route("**/api/reports", lambda route: route.fulfill(status=502, body=""))
    await signed_in.goto("/reports")
    await expect(signed_in.get_by_role("alert")).to_contain_text("The server could not answer.")
    await signed_in.unroute("**/api/reports")
    await signed_in.get_by_role("button", name="Try again").click()
    await expect(item(signed_in, "Benchmark of").first).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
async def test_who_is_signed_out_is_asked_to_sign_in(open_page, width):
    page = await open_page(width=width)
    await page.goto("/reports")
    await page.wait_for_url("**/login?next=%2Freports")
