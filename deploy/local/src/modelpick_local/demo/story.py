"""What the demo's customer does, from the first visit to the mail that the report is ready."""

import asyncio

from modelpick_local.demo.customer import READY_SUBJECT, Customer
from modelpick_local.demo.errors import DemoError, TooLateError
from modelpick_local.demo.options import Options
from modelpick_local.demo.picking import across_tiers
from modelpick_local.demo.samples import PROMPT, sample_uploads
from modelpick_local.demo.schemas import Draft, Report
from modelpick_local.demo.show import Screen

_RUN_TIMEOUT_S = 900.0  # a report's own deadline is 750 s


async def tell(site_url: str, mail_url: str, options: Options, screen: Screen) -> str:
    """Live the story and show it; return the address of the shared report. Raises DemoError."""
    async with Customer.visiting(site_url, mail_url, options.email) as customer:
        await customer.sign_in()
        screen.step(f"signed in as {customer.email}, by the link in a mail")
        draft = await _prepared(customer, options, screen)
        report_id = await _paid(customer, draft.id, screen)
        report = await _watched(customer, report_id, screen)
        screen.ranking(await customer.document(report_id))
        screen.mail(await customer.inbox.next_mail(READY_SUBJECT))
    return f"{site_url}/report/{report.share_token}"


async def _prepared(customer: Customer, options: Options, screen: Screen) -> Draft:
    uploads = sample_uploads(options.images)
    models = across_tiers(await customer.models(), options.models)
    draft = await customer.prepare_draft(uploads, [model.id for model in models], PROMPT)
    screen.step(f"uploaded {len(uploads)} receipts, picked {len(models)} models:")
    for model in models:
        screen.step(f"  {model.tier:8} {model.name}")
    screen.estimate(await customer.estimate(draft.id))
    return draft


async def _paid(customer: Customer, draft_id: str, screen: Screen) -> str:
    payable = await customer.check_out(draft_id)
    screen.step(f"paying at {payable.url}")
    await customer.pay(payable)
    report_id = await customer.report_of(payable.session_id)
    screen.step(f"paid: report {report_id}")
    return report_id


async def _watched(customer: Customer, report_id: str, screen: Screen) -> Report:
    names = {model.id: model.name for model in await customer.models()}
    try:
        async with asyncio.timeout(_RUN_TIMEOUT_S):
            report = await screen.follow(customer.watch(report_id), names)
    except TimeoutError:
        raise TooLateError(f"the report did not end within {_RUN_TIMEOUT_S:g} s") from None
    if report.status == "failed":
        raise DemoError(f"report {report_id} failed")
    return report
