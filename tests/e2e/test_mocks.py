"""DEBUG_MOCK_STRIPE and DEBUG_MOCK_OPENROUTER: no vendor is asked, and the same pipeline runs."""

import pytest

from modelpick_local.demo.customer import READY_SUBJECT
from modelpick_local.demo.samples import PROMPT, sample_uploads

pytestmark = pytest.mark.e2e

JOBS = 2 * 2 * 3
# A real key: with the mock switched on, nothing may be spent on it.
MOCKED = {
    "DEBUG_MOCK_STRIPE": "true",
    "DEBUG_MOCK_OPENROUTER": "true",
    "OPENROUTER_API_KEY": "sk-or-v1-real",
    "SIMULATOR_LATENCY_MS": "50-150",
}


@pytest.fixture(scope="module")
def mocked(system_with):
    with system_with(**MOCKED) as system:
        yield system


async def test_checkout_makes_the_paid_report_at_once_and_it_runs_to_its_end(
    mocked, visit, settled_once, journal
):
    customer = await visit(mocked, "mocked")
    models = [model.id for model in await customer.models()][:2]
    draft = await customer.prepare_draft(sample_uploads(2), models, PROMPT)

    payable = await customer.check_out(draft.id)
    payment = await customer.payment(payable.session_id)

    assert payable.session_id.startswith("cs_mock_")
    assert payable.url.endswith(f"/checkout/success?session_id={payable.session_id}")
    assert payment.status == "paid"
    report = await customer.await_progress(payment.report_id)
    assert report.status == "complete"
    assert len((await journal(mocked))["calls"]) >= JOBS
    await customer.inbox.next_mail(READY_SUBJECT)
    await settled_once(mocked, customer, report.id, JOBS)
