"""A real browser in front of a running system. All browser tests share one of each, and one event loop."""

import os
import re
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, ConsoleMessage, Dialog, WebError, async_playwright, expect

from modelpick_local.debian_packages import find_or_install
from modelpick_local.demo.customer import Customer
from modelpick_local.demo.picking import across_tiers
from modelpick_local.errors import LocalError

HERE = Path(__file__).parent
AXE = HERE.parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# A container's root has no sandbox; nothing may be asked of the network.
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
PATIENCE_MS = 10_000
REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`));
"""
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)
            if pytest_asyncio.is_async_test(item):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def chromium():
    """Find a browser, or install Debian's. Without one the tests are skipped, but not where CI runs them."""
    try:
        return find_or_install(BROWSERS, "chromium", print)
    except LocalError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium):
    """Run one Chromium for all tests; each page has a context of its own in it."""
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


class Guard:
    """Notes what a page of the site must never do: errors in its console, dialogs, refusals by its CSP."""

    def __init__(self, site_url: str) -> None:
        self._site_url = site_url
        # Asking who is signed in is answered with 401 for nobody, and browsers call that an error.
        self._expected = [re.compile(r"status of 401")]
        self.problems: list[str] = []

    def expect(self, *patterns: str) -> None:
        """Say that the test provokes errors that match one of these, such as a connection cut on purpose."""
        self._expected.extend(re.compile(pattern) for pattern in patterns)

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("dialog", self._on_dialog)

    def check(self) -> None:
        """Raise AssertionError when something happened that no test expects."""
        unexpected = [text for text in self.problems if not any(each.search(text) for each in self._expected)]
        assert not unexpected, "the page did what it must not:\n" + "\n".join(unexpected)

    def _on_console(self, message: ConsoleMessage) -> None:
        address = message.location["url"]
        if message.type == "error" and (not address or address.startswith(self._site_url)):
            self.problems.append(f"console: {message.text} ({address})")

    def _on_error(self, error: WebError) -> None:
        self.problems.append(f"uncaught: {error.error}")

    async def _on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.type} {dialog.message}")
        await dialog.dismiss()


@pytest.fixture
def guard(system):
    """Return what watches every page of this test; `guard.expect("...")` allows what a test provokes."""
    return Guard(system.site_url)


@pytest.fixture(params=["light", "dark"])
def theme(request):
    """Run a test in both themes: its pages open in the one named."""
    return request.param


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser, system, guard, request, tmp_path):
    """Return a function that opens a page in a context of its own, somebody's when a customer is named.

    A test that fails leaves a screenshot of each of its pages in its temporary folder.
    """
    theme = request.getfixturevalue("theme") if "theme" in request.fixturenames else "light"
    pages = []

    async def open_one(customer=None, *, width=1280, height=800, **options):
        options = {"color_scheme": theme, "reduced_motion": "reduce", **options}
        context = await browser.new_context(
            base_url=system.site_url, viewport={"width": width, "height": height}, **options
        )
        context.set_default_timeout(PATIENCE_MS)
        guard.watch(context)
        await context.add_init_script(REPORT_VIOLATIONS)
        if customer is not None:
            await sign_in(context, customer, system.site_url)
        pages.append(await context.new_page())
        return pages[-1]

    yield open_one
    for number, page in enumerate(pages):
        if request.node.stash.get(FAILED, False) and not page.is_closed():
            picture = tmp_path / f"page-{number}.png"
            await page.screenshot(path=picture, full_page=True)
            print(f"{page.url} looked like {picture}")  # noqa: T201 - shown with the failure
        await page.context.close()
    guard.check()


@pytest_asyncio.fixture(loop_scope="session")
async def page(open_page):
    """Open a page that nobody is signed in with."""
    return await open_page()


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in(open_page, told):
    """Open a page of the customer whose finished report `told` tells of."""
    return await open_page(told.customer)


@pytest_asyncio.fixture(loop_scope="session")
async def customer(system):
    """Return a function that signs somebody in through the API, where they may act while a page is open."""
    async with AsyncExitStack() as stack:

        async def sign_in_one(name) -> Customer:
            mail_url = system.simulators()["mail"]
            visiting = Customer.visiting(system.site_url, mail_url, f"{name}@example.com")
            customer = await stack.enter_async_context(visiting)
            await customer.sign_in()
            return customer

        yield sign_in_one


@pytest_asyncio.fixture(loop_scope="session")
async def models_do(system):
    """Return a function that says how these models behave, until the test is over."""
    told = set()

    async def say(models, mode="normal", **how):
        told.update(models)
        async with httpx.AsyncClient(
            base_url=system.simulators()["openrouter"], trust_env=False, timeout=30
        ) as client:
            for model in models:
                script = {"mode": mode, "model": model, **how}
                (await client.post("/_control/script", json=script)).raise_for_status()

    yield say
    await say(told)


@pytest.fixture
def paid_models():
    """Return a function that picks so many models, none of the free ones, which answer one at a time."""

    async def pick(customer, count):
        paid = [model for model in await customer.models() if model.tier != "free"]
        return across_tiers(paid, count)

    return pick


async def sign_in(context: BrowserContext, customer: Customer, site_url: str) -> None:
    session = customer.client.cookies["modelpick_session"]
    await context.add_cookies([{"name": "modelpick_session", "value": session, "url": site_url}])


@pytest.fixture
def visit_to_the_end():
    """Return a function that opens an address and waits for the page at which it ends."""

    async def visit(page, address, **options) -> None:
        await page.goto(address, **options)
        if address.startswith("/checkout/cancel?"):
            # Its script asks to unlock the benchmark, and goes to the server's refusal.
            await expect(page.get_by_role("heading", name="That did not work")).to_be_visible()
            await page.wait_for_load_state(options.get("wait_until", "load"))

    return visit


@pytest.fixture
def axe():
    """Return a function that fails with what axe-core finds wrong on a page."""

    async def check(page) -> None:
        await page.evaluate(AXE.read_text())
        found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert not found["violations"], "\n".join(map(_told, found["violations"]))

    return check


def _told(violation) -> str:
    where = [f"    {node['html'][:200]}\n      {node['failureSummary']}" for node in violation["nodes"]]
    return "\n".join([f"{violation['id']}: {violation['help']}", *where])


@pytest.fixture
def no_sideways_scroll():
    """Return a function that fails, naming what sticks out, when a page is wider than its window."""

    async def check(page) -> None:
        wide = await page.evaluate(STICKING_OUT)
        assert not wide, f"wider than the window at {page.viewport_size}: {wide}"

    return check


STICKING_OUT = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > root.clientWidth + 1)
    .map((each) => `${each.tagName.toLowerCase()}.${each.className} ${each.textContent.trim().slice(0, 40)}`)
    .slice(0, 8);
}"""
