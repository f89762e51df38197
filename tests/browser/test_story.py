"""The whole story in a browser: a visitor becomes a customer with a report."""

import json
import re

from playwright.async_api import expect

from modelpick_local.demo.customer import CARD, READY_SUBJECT, SIGN_IN_SUBJECT, Customer
from modelpick_local.demo.samples import sample_uploads

LINK = re.compile(r"https?://\S+")
EMAIL = "newcomer@example.com"


async def test_from_the_landing_page_to_the_report(page, system, told, models_do, paid_models):
    async with Customer.visiting(system.site_url, system.simulators()["mail"], EMAIL) as newcomer:
        picked = await paid_models(newcomer, 2)
        await models_do([model.id for model in picked], "perfect", latency_ms=900)

        await page.goto("/")
        await page.get_by_role("link", name="Start a benchmark").first.click()
        await signs_in(page, newcomer)
        await uploads(page, sample_uploads(2))
        await page.get_by_role("link", name="Next: Task").click()
        await expect(page.get_by_role("textbox", name="Extraction prompt")).not_to_be_empty()
        await page.get_by_role("link", name="Next: Models").click()
        for model in picked:
            await page.get_by_role("checkbox", name=model.name, exact=True).check()
        await page.get_by_role("link", name="Next: Review and pay").click()
        await pays(page)
        await watches(page)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        for model in picked:
            await expect(page.get_by_text(model.name).first).to_be_visible()
        mail = await newcomer.inbox.next_mail(READY_SUBJECT)
        assert page.url in LINK.findall(mail.text)


async def signs_in(page, newcomer):
    await page.get_by_role("button", name="Sign in to upload").click()
    await page.get_by_label("E-mail address").fill(newcomer.email)
    await page.get_by_role("button", name="Mail me a link").click()
    mail = await newcomer.inbox.next_mail(SIGN_IN_SUBJECT)
    await page.goto(next(link for link in LINK.findall(mail.text) if "/auth/verify?" in link))
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/benchmark/new**")


async def uploads(page, samples):
    files = []
    for number, sample in enumerate(samples):
        answer = json.dumps(sample.expected, indent=2).encode()
        files += [
            {"name": f"{number}.png", "mimeType": sample.media_type, "buffer": sample.content},
            {"name": f"{number}.json", "mimeType": "application/json", "buffer": answer},
        ]
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Choose files").click()
    await (await chooser.value).set_files(files)
    images = page.get_by_role("list", name="Images")
    await expect(images.locator("> li")).to_have_count(len(samples))
    await expect(page.get_by_role("navigation").get_by_role("link", name="Images done")).to_be_visible()


async def pays(page):
    await page.get_by_role("button", name=re.compile(r"^Pay \$")).click()
    await page.wait_for_url("**/c/pay/**")
    await page.get_by_label("Card number").fill(CARD["cc-number"])
    await page.get_by_label("Expiry").fill(CARD["cc-exp"])
    await page.get_by_label("CVC").fill(CARD["cc-csc"])
    await page.get_by_role("button", name="Pay").click()
    await page.wait_for_url("**/benchmark/*/processing")


async def watches(page):
    await expect(page.get_by_role("status", name="Connection")).to_have_text("Connected")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Benchmark complete")
    await page.wait_for_url("**/report/*")
