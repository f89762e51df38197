import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from modelpick_local.demo.customer import READY_SUBJECT, Customer
from modelpick_local.demo.picking import across_tiers
from modelpick_local.demo.samples import PROMPT, sample_uploads
from modelpick_local.demo.schemas import Draft, Estimate, Mail, Payment
from modelpick_local.system import System

FAST = {"SIMULATOR_LATENCY_MS": "50-150"}


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


@pytest.fixture
async def story(told, system):
    """Return the story, its customer sitting in front of a browser again."""
    cookies = told.customer.client.cookies
    mail_url = system.simulators()["mail"]
    async with Customer.visiting(system.site_url, mail_url, told.customer.email) as customer:
        customer.client.cookies = cookies
        told.customer = customer
        yield told


@pytest.fixture
async def stranger(visit, system):
    """Return a browser that nobody is signed in with."""
    return await visit(system)


@pytest.fixture
def raw(system):
    """Return a function that sends one request to the site, as a program would, and gives the answer."""

    async def send(method, address, **arguments) -> httpx.Response:
        async with httpx.AsyncClient(base_url=system.site_url, trust_env=False) as client:
            return await client.request(method, address, **arguments)

    return send


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
