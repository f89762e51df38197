"""A customer watches a benchmark run."""

import re
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from modelpick_local.demo.samples import PROMPT, sample_uploads

CUT = r"ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)|status of 502"
REPORT_PAGE = re.compile(r"/report/[\w-]{20,}$")


@dataclass
class Watched:
    page: Page
    report_id: str
    models: list[str]


@pytest_asyncio.fixture(loop_scope="session")
async def watching(customer, open_page, models_do, paid_models):
    """Return a function with which somebody orders a report of models that do this, and watches it."""

    async def order(name, *, models=3, images=2, mode="normal", broken=0, **how):
        person = await customer(name)
        picked = [model.id for model in await paid_models(person, models)]
        await models_do(picked, mode, **how)
        await models_do(picked[:broken], "status:400")
        page = await open_page(person)
        report_id = await person.buy(sample_uploads(images), picked, PROMPT)
        await page.goto(f"/benchmark/{report_id}/processing")
        return Watched(page, report_id, picked)

    return order


def connection(page):
    return page.get_by_role("status", name="Connection")


def progress(page):
    return page.get_by_role("progressbar", name="Runs done")


async def done(page) -> int:
    return int(await progress(page).get_attribute("aria-valuenow"))


async def test_progress_is_live_and_leads_to_the_report(watching):
    page = (await watching("watcher", images=3, latency_ms=700)).page
    await expect(page.get_by_role("heading", level=1)).to_have_text("Benchmark running")
    await expect(connection(page)).to_have_text("Connected")
    await expect(page).to_have_title(re.compile(r"^[1-9]\d? % done"))
    await expect(page.get_by_text("Still to go")).to_be_visible()
    seen = await done(page)
    await expect(progress(page)).not_to_have_attribute("aria-valuenow", str(seen))
    assert await done(page) > seen

    await expect(page.get_by_role("heading", level=1)).to_have_text("Benchmark complete")
    await expect(page.get_by_text("The report is ready. All 27 runs are measured.")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="has finished")).to_have_count(3)
    await page.wait_for_url(REPORT_PAGE)


@pytest.mark.parametrize("how", ["network", "service"])
async def test_a_lost_connection_is_shown_and_comes_back(how, watching, models_do, guard, system):
    guard.expect(CUT)
    watched = await watching(f"lost-{how}", images=3, latency_ms=2000)
    page = watched.page
    await expect(connection(page)).to_have_text("Connected")

    if how == "network":
        await page.context.set_offline(offline=True)
        await expect(connection(page)).to_have_text("Reconnecting")
        await page.context.set_offline(offline=False)
    else:
        system.kill("reports")
        await expect(connection(page)).to_have_text("Reconnecting")
    # On a slow machine the report may be ready before the service is.
    complete = page.get_by_role("heading", name="Benchmark complete")
    await expect(connection(page).filter(has_text="Connected").or_(complete)).to_be_visible(timeout=30_000)
    await models_do(watched.models)
    await expect(complete).to_be_visible()
    assert await done(page) == 27


async def test_a_partial_report_says_what_is_missing_and_waits_for_its_reader(watching, models_do):
    watched = await watching("partial", broken=1, latency_ms=5000)
    page = watched.page
    await expect(page.get_by_role("heading", level=1)).to_have_text("Benchmark running")
    await models_do(watched.models[1:])
    await page.get_by_role("button", name="Stay here").click()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Benchmark ended with gaps")
    await expect(page.get_by_text("12 of 18 runs are measured")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text=re.compile(r"\d of 6 runs"))).to_have_count(1)
    await expect(page.get_by_text(re.compile("Opens in"))).to_have_count(0)

    await page.reload()
    await page.get_by_role("link", name="Open the report").click()
    await page.wait_for_url(REPORT_PAGE)


async def test_a_failed_report_says_why_and_that_the_money_comes_back(watching, theme, axe):
    page = (await watching(f"failed-{theme}", mode="status:400")).page
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("No model gave a result that could be measured.")
    await expect(alert).to_contain_text("Your payment is on its way back, in full.")
    await expect(alert.get_by_role("link", name="My reports")).to_be_visible()
    await axe(page)


async def test_a_running_report_is_accessible_survives_a_reload_and_fits_a_phone(
    watching, theme, axe, no_sideways_scroll
):
    page = (await watching(f"many-{theme}", models=18, images=1, latency_ms=5000)).page
    await expect(connection(page)).to_have_text("Connected")
    await expect(page.get_by_role("listitem").filter(has_text="of 3")).to_have_count(18)
    await axe(page)

    await page.set_viewport_size({"width": 390, "height": 844})
    await page.reload()
    await expect(connection(page)).to_have_text("Connected")
    await expect(page.get_by_text("18 models, 54 runs")).to_be_visible()
    await no_sideways_scroll(page)


async def test_who_is_signed_out_is_asked_to_sign_in(page, told):
    await page.goto(f"/benchmark/{told.report_id}/processing")
    await page.wait_for_url(re.compile(rf"/login\?next=%2Fbenchmark%2F{told.report_id}%2Fprocessing"))


async def test_somebody_elses_report_is_none(open_page, customer, told, guard, axe):
    guard.expect("status of 4(04|22)")
    page = await open_page(await customer("curious"))
    for report_id in (told.report_id, uuid4(), "nothing"):
        await page.goto(f"/benchmark/{report_id}/processing")
        await expect(page.get_by_role("heading", name="There is no such benchmark")).to_be_visible()
    await axe(page)
