"""Whole systems with simulators, and the means to look at them from outside."""

import asyncio
import json
import os
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from modelpick_local.demo.customer import READY_SUBJECT, Customer
from modelpick_local.demo.picking import across_tiers
from modelpick_local.demo.samples import PROMPT, sample_uploads
from modelpick_local.demo.schemas import Draft, Estimate, Mail, Payment
from modelpick_local.demo.vendors import NO_VENDORS
from modelpick_local.state import Phase
from modelpick_local.system import System
from modelpick_shared.testing import eventually

FAST = {"SIMULATOR_LATENCY_MS": "50-150"}
# Many people sign in from one machine here, and some of them many times.
NO_LIMITS = dict.fromkeys(
    (
        "RATE_LIMIT_SIGN_IN_PER_ADDRESS",
        "RATE_LIMIT_SIGN_IN_PER_IP",
        "RATE_LIMIT_CHECKOUTS",
        "RATE_LIMIT_UPLOADS",
    ),
    "0",
)


@pytest.fixture(scope="session")
def own_stores(request):
    """Return a function that gives a system stores of its own on those that the environment names, if any."""

    def make() -> dict[str, str]:
        stores = {}
        if os.environ.get("DATABASE_URL"):
            stores["DATABASE_URL"] = request.getfixturevalue("postgres_server").create()
        if os.environ.get("RABBITMQ_URL"):
            stores["RABBITMQ_URL"] = request.getfixturevalue("rabbit_server").create_vhost()
        return stores

    return make


@pytest.fixture(scope="session")
def system_with(own_stores):
    """Return a function that makes a system with these settings, to be used in a `with` statement."""

    def make(**settings: str) -> System:
        environment = {**NO_VENDORS, **NO_LIMITS, **own_stores(), **settings}
        return System(env=environment, stop_timeout_s=150.0)

    return make


@pytest.fixture(scope="session")
def system(system_with):
    """Run one system for all the stories that leave it as they found it."""
    with system_with(**FAST) as system:
        yield system


@dataclass
class Story:
    """What happened to one customer, with everything they saw."""

    customer: Customer
    models: list[str]
    draft: Draft
    schema: dict[str, Any]
    estimate: Estimate
    session_id: str
    payment: Payment
    report_id: str
    events: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1][2]

    @property
    def share_token(self) -> str:
        return self.last["share_token"]


@pytest.fixture(scope="session")
def told(system):
    """Tell the story once: a visitor signs in, uploads four receipts, pays, watches and gets a mail."""
    return asyncio.run(_tell(system))


async def _tell(system: System) -> Story:
    mail_url = system.simulators()["mail"]
    async with Customer.visiting(system.site_url, mail_url, "ada@example.com") as customer:
        await customer.sign_in()
        models = [model.id for model in across_tiers(await customer.models(), 6)]
        draft = await customer.prepare_draft(sample_uploads(4), models, PROMPT)
        schema = await customer.infer_schema(draft.id)
        estimate = await customer.estimate(draft.id)
        payable = await customer.check_out(draft.id)
        await customer.pay(payable)
        report_id = await customer.report_of(payable.session_id)
        payment = await customer.payment(payable.session_id)
        story = Story(customer, models, draft, schema, estimate, payable.session_id, payment, report_id)
        await _watch(story)
        return story


async def _watch(story: Story) -> None:
    customer = story.customer
    async with asyncio.timeout(120), aclosing(customer.events(story.report_id)) as events:
        async for event in events:
            story.events.append((event.name, int(event.id or -1), json.loads(event.data)))
    answer = await customer.client.get(f"/api/reports/{story.report_id}/document")
    story.document = answer.raise_for_status().json()
    await customer.inbox.next_mail(READY_SUBJECT)
    story.mails = list(await customer.inbox.mails())


@pytest.fixture
async def visit():
    """Return a function that opens a browser at a system; with a name, somebody signs in there."""
    browsers = []

    async def open_one(system, name=None) -> Customer:
        browser = Customer.visiting(
            system.site_url, system.simulators()["mail"], f"{name or 'nobody'}@example.com"
        )
        customer = await browser.__aenter__()
        browsers.append(browser)
        if name is not None:
            await customer.sign_in()
        return customer

    yield open_one
    for browser in browsers:
        await browser.__aexit__(None, None, None)


@pytest.fixture
def buy():
    """Return a function with which a customer buys a report on so many paid models, and gets its id."""

    async def buy_one(customer, uploads, models):
        # Free models run one call at a time and would only make the tests slow.
        paid = [model for model in await customer.models() if model.tier != "free"]
        return await customer.buy(uploads, [model.id for model in across_tiers(paid, models)], PROMPT)

    return buy_one


@pytest.fixture
def ledger():
    """Return a function that reads what a system's database holds about a report, in one row."""

    def read(system, report_id) -> dict:
        with psycopg.connect(system.variables()["DATABASE_URL"], row_factory=dict_row) as connection:
            row = connection.execute(LEDGER, {"report": report_id}).fetchone()
        assert row is not None
        return row

    return read


LEDGER = """
SELECT report.status, report.total_jobs, report.completed_jobs, report.over_ceiling,
    report.spent_usd, report.reserved_usd, report.ceiling_usd,
    (SELECT count(*) FROM benchmark_runs WHERE report_id = report.id) AS runs,
    (SELECT count(*) FROM benchmark_jobs WHERE report_id = report.id AND state <> 'done') AS open_jobs,
    (SELECT sum(done) FROM report_models WHERE report_id = report.id) AS counted,
    (SELECT coalesce(sum(billed_usd), 0) FROM attempts WHERE report_id = report.id) AS billed_usd,
    (SELECT count(*) FROM reports WHERE order_id = report.order_id) AS reports_of_order,
    (SELECT count(*) FROM emails WHERE report_id = report.id AND key LIKE 'report-%%' AND state = 'sent')
        AS sent_mails,
    (SELECT count(*) FROM emails WHERE report_id = report.id AND key LIKE 'report-%%') AS mails,
    (SELECT count(*) FROM outbox WHERE sent_at IS NULL) AS unsent
FROM reports AS report WHERE report.id = %(report)s
"""


@pytest.fixture
def settled_once(ledger):
    """Return a function that checks a finished report: every outcome, cent and mail counted once."""

    async def check(system, customer, report_id, jobs) -> None:
        def nothing_left() -> dict | None:
            row = ledger(system, report_id)
            return row if row["unsent"] == 0 and row["sent_mails"] == row["mails"] == 1 else None

        row = await eventually(nothing_left, within_s=30)
        assert row["total_jobs"] == row["completed_jobs"] == row["runs"] == row["counted"] == jobs
        assert row["open_jobs"] == 0
        assert row["reports_of_order"] == 1
        assert row["billed_usd"] == row["spent_usd"]
        assert not row["over_ceiling"]
        assert row["spent_usd"] + row["reserved_usd"] <= row["ceiling_usd"]
        assert len(await customer.inbox.mails(READY_SUBJECT)) == 1

    return check


@pytest.fixture
def journal():
    """Return a function that reads what the model API saw."""

    async def read(system) -> dict:
        address = f"{system.simulators()['openrouter']}/_control/journal"
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            return (await client.get(address)).raise_for_status().json()

    return read


@pytest.fixture
def kill():
    """Return a function that kills parts of a system and waits until they are ready again."""

    async def kill_all(system, *names):
        before = {name: system.parts()[name].restarts for name in names}
        for name in names:
            system.kill(name)
        await eventually(lambda: all(is_back(system, name, before[name]) for name in names), within_s=90)

    def is_back(system, name, restarts):
        part = system.parts()[name]
        return part.restarts > restarts and part.phase == Phase.READY

    return kill_all
