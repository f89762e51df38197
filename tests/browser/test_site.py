"""The pages around the product: the start page, signing in, coming back from Stripe, errors, the theme."""

import re
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import expect

from modelpick_local.demo.customer import SIGN_IN_SUBJECT
from modelpick_local.demo.inbox import Inbox
from modelpick_local.demo.picking import across_tiers
from modelpick_local.demo.samples import PROMPT, sample_uploads

QUICK_ADDRESSES = ["/login", "/nothing-here", "/unavailable.html", "/auth/verify?token=x", "/checkout/cancel"]
SENT = "Look into your mailbox"


def named(page, role, name, **options):
    return page.get_by_role(role, name=name, **options)


async def mailed_link(system, address):
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        mail = await Inbox(client, system.simulators()["mail"], address).next_mail(SIGN_IN_SUBJECT)
    return re.search(r"http\S+/auth/verify\?token=[\w-]+", mail.text)[0]


async def ask_for_link(page, address):
    await page.get_by_label("E-mail address").fill(address)
    await named(page, "button", "Mail me a link").click()


async def payable(customer):
    models = [model.id for model in across_tiers(await customer.models(), 1)]
    draft = await customer.prepare_draft(sample_uploads(1), models, PROMPT)
    return draft, await customer.check_out(draft.id)


@pytest.fixture
def somebody():
    return f"site-{uuid4().hex[:8]}@example.com"


@pytest.fixture
def fine_in_both_themes(axe, no_sideways_scroll):
    """Return a function that checks a page as it stands, in both themes and at a phone's width."""

    async def check(page):
        for theme in ("dark", "light"):
            await page.emulate_media(color_scheme=theme)
            await axe(page)
        desk = page.viewport_size
        await page.set_viewport_size({"width": 390, "height": 844})
        await no_sideways_scroll(page)
        await page.set_viewport_size(desk)

    return check


async def test_the_start_page_is_read_without_javascript(open_page):
    page = await open_page(java_script_enabled=False)
    await page.goto("/")
    await expect(named(page, "heading", "Which vision model should read your documents?")).to_be_visible()
    for heading in ("How answers are scored", "What happens with your images", "$14.99 for a report"):
        await expect(named(page, "heading", heading)).to_be_visible()
    await expect(page.locator("[data-theme-switch]")).to_be_hidden()
    await page.get_by_text("Which files can be read?").click()
    await expect(page.get_by_text("PNG, JPEG, WebP and GIF with one frame")).to_be_visible()


async def test_the_start_page_says_that_its_sample_is_simulated(page):
    await page.goto("/")
    await expect(page.get_by_text("simulated models", exact=True)).to_be_visible()
    assert await page.get_by_role("table").first.locator("tbody tr").count() >= 5
    await expect(named(page, "img", re.compile("Right answers against the cost"))).to_be_visible()
    await expect(named(page, "link", "See a sample report")).to_have_attribute("href", "/sample")


async def test_the_start_page_comes_to_life_without_moving(page, fine_in_both_themes):
    await page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(each) => window.shift += each.value)).observe({type: 'layout-shift', buffered: true})"
    )
    await page.goto("/", wait_until="networkidle")
    await expect(named(page, "button", re.compile("Use .* theme"))).to_be_visible()
    assert await page.evaluate("window.shift") < 0.01
    await fine_in_both_themes(page)


async def test_whoever_is_signed_in_can_sign_out_in_the_header(open_page, customer):
    page = await open_page(await customer("leaving"))
    await page.goto("/")
    await named(page, "button", "Sign out").click()
    await expect(named(page, "link", "Sign in")).to_be_visible()
    assert (await page.request.get("/api/me")).status == 401


@pytest.mark.parametrize("address", QUICK_ADDRESSES)
async def test_a_small_page_is_accessible_and_fits_a_phone(page, guard, address, fine_in_both_themes):
    guard.expect("status of 404")
    await page.goto(address)
    await expect(named(page, "heading", re.compile("."), level=1)).to_be_visible()
    await fine_in_both_themes(page)


async def test_the_mailed_link_leads_back_to_where_somebody_was(system, page, somebody, fine_in_both_themes):
    await page.goto("/login?next=" + "%2Freports%3Ffrom%3Dmail")
    await ask_for_link(page, somebody)
    await expect(named(page, "heading", SENT)).to_be_focused()
    await fine_in_both_themes(page)

    tab = await page.context.new_page()
    await tab.goto(await mailed_link(system, somebody))
    await named(tab, "button", "Sign in").click()
    await tab.wait_for_url("**/reports?from=mail")
    await expect(named(tab, "button", "Sign out")).to_be_visible()

    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(named(page, "heading", "You are signed in")).to_be_visible()
    await fine_in_both_themes(page)
    await named(page, "link", "Continue").click()
    await page.wait_for_url("**/reports?from=mail")


async def test_another_device_signs_in_and_begins_a_benchmark(system, open_page, somebody):
    laptop, phone = await open_page(), await open_page(width=390)
    await laptop.goto("/login?next=%2Freports")
    await ask_for_link(laptop, somebody)
    await expect(named(laptop, "heading", SENT)).to_be_visible()
    await phone.goto(await mailed_link(system, somebody))
    await named(phone, "button", "Sign in").click()
    await phone.wait_for_url(lambda address: urlsplit(address).path == "/benchmark/new")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/", "//evil.test/", "/%5Cevil.test", "javascript:alert(1)"]
)
async def test_nobody_is_sent_to_another_site(open_page, customer, elsewhere):
    page = await open_page(await customer("led"))
    await page.goto(f"/login?next={elsewhere}")
    await expect(named(page, "link", "Continue")).to_have_attribute("href", "/benchmark/new")


async def test_a_link_that_was_used_says_so(system, open_page, guard, somebody):
    guard.expect("status of 400")
    page, scanner = await open_page(), await open_page()
    await page.goto("/login")
    await ask_for_link(page, somebody)
    link = await mailed_link(system, somebody)
    for browser in (scanner, page):
        await browser.goto(link)
        await named(browser, "button", "Sign in").click()
        await browser.wait_for_load_state()
    await expect(named(page, "heading", "This link does not work any more")).to_be_visible()
    await named(page, "link", "Ask for a new link").click()
    await expect(page.get_by_label("E-mail address")).to_be_visible()


async def test_another_mail_can_be_sent_after_a_pause(page, somebody):
    await page.clock.install()
    await page.goto("/login")
    await ask_for_link(page, somebody)
    again = named(page, "button", re.compile("Send it again"))
    await expect(again).to_have_attribute("aria-disabled", "true")
    await page.clock.fast_forward(31_000)
    await again.click()
    await expect(page.get_by_text("Sent again, 2 mails in all.")).to_be_visible()


async def test_a_limit_is_told_in_words_and_lifted_with_time(page, guard):
    guard.expect("status of 429")
    await page.clock.install()
    problem = {"title": "Too Many Requests", "status": 429}
    await page.route(
        "**/api/auth/magic-link",
        lambda route: route.fulfill(
            status=429,
            json=problem,
            headers={"Retry-After": "600", "Content-Type": "application/problem+json"},
        ),
    )
    await page.goto("/login")
    await ask_for_link(page, "ada@example.com")
    await expect(page.get_by_role("alert")).to_contain_text("wait 10 minutes")
    await page.clock.fast_forward(601_000)
    await expect(page.get_by_role("alert")).to_be_hidden()
    await expect(named(page, "button", "Mail me a link")).to_have_attribute("aria-disabled", "false")


async def test_signing_in_says_what_is_wrong(page, guard, fine_in_both_themes):
    guard.expect("ERR_INTERNET_DISCONNECTED", "status of 422")
    await page.goto("/login")
    for address, says in (("", "Please enter"), ("ada", "typing slip"), ("ada@exam,ple.com", "typing slip")):
        await ask_for_link(page, address)
        await expect(page.get_by_role("alert")).to_contain_text(says)
        await expect(page.get_by_label("E-mail address")).to_be_focused()
    await fine_in_both_themes(page)
    await page.context.set_offline(True)
    await ask_for_link(page, "ada@example.com")
    await expect(page.get_by_role("alert")).to_contain_text("could not be reached")


async def test_coming_back_unpaid_unlocks_the_benchmark(open_page, customer, fine_in_both_themes):
    bea = await customer("unpaid")
    draft, paying = await payable(bea)
    locked = await bea.client.patch(f"/api/drafts/{draft.id}", json={"name": "B"})
    assert locked.status_code == 409
    page = await open_page(bea)
    await page.goto(f"/checkout/cancel?draft_id={draft.id}")
    await expect(page.get_by_text("The benchmark is unlocked.")).to_be_visible()
    assert (await bea.payment(paying.session_id)).status == "expired"
    await fine_in_both_themes(page)
    await named(page, "button", "Back to my benchmark").click()
    await page.wait_for_url(f"**/benchmark/new?draft={draft.id}&step=review")


async def test_coming_back_unpaid_works_without_javascript(open_page, customer):
    bea = await customer("plain")
    draft, paying = await payable(bea)
    page = await open_page(bea, java_script_enabled=False)
    await page.goto(f"/checkout/cancel?draft_id={draft.id}")
    await named(page, "button", "Back to my benchmark").click()
    await page.wait_for_url("**/benchmark/new?**")
    assert (await bea.payment(paying.session_id)).status == "expired"


async def test_the_page_after_paying_moves_on_once_it_is_paid(
    open_page, customer, guard, fine_in_both_themes
):
    guard.expect("ERR_INTERNET_DISCONNECTED")
    bea = await customer("paying")
    draft, paying = await payable(bea)
    page = await open_page(bea)
    await page.goto(f"/checkout/success?session_id={paying.session_id}")
    await expect(named(page, "heading", "Your payment is being confirmed")).to_be_visible()
    await expect(named(page, "link", "Go back to the benchmark.")).to_have_attribute(
        "href", f"/checkout/cancel?draft_id={draft.id}"
    )
    await fine_in_both_themes(page)
    await page.context.set_offline(True)
    await expect(page.get_by_role("status")).to_have_text("The connection was lost. Trying again.")
    await page.context.set_offline(False)
    await bea.enter_card(paying)
    await page.wait_for_url(re.compile(r"/benchmark/[0-9a-f-]{36}/(processing|report)|/report/"))


async def test_somebody_unknown_is_asked_to_sign_in_and_led_back(page):
    await page.goto("/checkout/success?session_id=cs_test_1")
    here, header = page.get_by_role("main"), named(page, "navigation", "Site")
    address = await named(here, "link", "Sign in").get_attribute("href")
    assert await named(header, "link", "Sign in").get_attribute("href") == address
    await named(here, "link", "Sign in").click()
    assert urlsplit(page.url).query == "next=%2Fcheckout%2Fsuccess%3Fsession_id%3Dcs_test_1"


async def test_an_unknown_address_leads_home(page, guard):
    guard.expect("status of 404")
    answer = await page.goto("/nothing/here")
    assert answer.status == 404
    await named(page, "link", "To the start page").click()
    await expect(named(page, "heading", "Which vision model should read your documents?")).to_be_visible()


async def test_the_theme_follows_the_system_until_another_is_chosen(page):
    def look():
        return page.evaluate("getComputedStyle(document.documentElement).colorScheme")

    async def dark_is_shown():
        return await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(25, 22, 19)"

    await page.goto("/login")
    assert not await dark_is_shown()
    await page.emulate_media(color_scheme="dark")
    assert await dark_is_shown()
    await named(page, "button", "Use light theme").click()
    await page.goto("/auth/verify?token=x")
    assert await look() == "light"
    await named(page, "button", "Use dark theme").click()
    assert await dark_is_shown()
    await page.emulate_media(color_scheme="light")
    assert not await dark_is_shown()
