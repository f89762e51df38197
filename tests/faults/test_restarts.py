"""Each service is restarted once while visitors come: nobody sees a failure."""

import asyncio
import signal
from collections import Counter

import httpx
import pytest

from modelpick_local.demo.samples import sample_uploads
from modelpick_local.state import Phase
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.faults

PER_SECOND = 50
SERVICES = ("checkout", "webhook", "orchestrator", "model-worker", "notifier", "reports")
READY_S = 60.0


@pytest.fixture(scope="module")
def system(system_with):
    with system_with(SIMULATOR_LATENCY_MS="50-150", RESEND_WEBHOOK_SECRET="whsec_dGVzdA==") as system:
        yield system


async def test_no_request_fails_while_each_service_is_restarted_once(system, visit, buy):
    customer = await visit(system, "ada")
    report_id = await buy(customer, sample_uploads(1), 2)
    ended = await customer.await_progress(report_id)
    over = asyncio.Event()
    cookies = dict(customer.client.cookies)
    async with httpx.AsyncClient(
        base_url=system.site_url, cookies=cookies, trust_env=False, timeout=30
    ) as client:
        load = asyncio.create_task(visitors(client, requests(report_id, ended.share_token), over))
        for service in SERVICES:
            await restart(system, service)
        over.set()
        answers = await load
    assert len(answers) > PER_SECOND
    assert Counter(answer for answer in answers if answer[1] >= 500 or answer[1] == 0) == {}


def requests(report_id, share_token):
    """Return what visitors ask for in turns, at every service that browsers and Stripe reach."""
    return [
        ("GET", "/", {}),
        ("GET", "/api/models", {}),
        ("GET", "/api/me", {}),
        ("POST", "/api/drafts", {"json": {"name": "under way"}}),
        ("GET", f"/api/reports/{report_id}", {}),
        ("GET", f"/api/share/{share_token}", {}),
        ("GET", f"/report/{share_token}", {}),
        # Forged: refused by the service itself, once it is there to refuse.
        ("POST", "/api/webhooks/stripe", {"content": b"{}", "headers": {"Stripe-Signature": "t=1,v1=0"}}),
        ("POST", "/api/webhooks/resend", {"content": b"{}"}),
    ]


async def visitors(client, wanted, over):
    """Send requests at their times, whatever becomes of the others, until it is over."""
    clock, sent = asyncio.get_running_loop(), []
    began = clock.time()
    while not over.is_set():
        sent.append(asyncio.create_task(ask(client, *wanted[len(sent) % len(wanted)])))
        await asyncio.sleep(max(0, began + len(sent) / PER_SECOND - clock.time()))
    return await asyncio.gather(*sent)


async def ask(client, method, path, options):
    try:
        answer = await client.request(method, path, **options)
    except httpx.TransportError as error:
        return method, 0, f"{path}: {error!r}"
    return method, answer.status_code, path


async def restart(system, service):
    """Ask a service to end; the launcher starts it again."""
    before = system.pid(service)
    system.kill(service, signal.SIGTERM)

    def is_back():
        part = system.parts()[service]
        return part.pid not in {None, before} and part.phase is Phase.READY

    await eventually(is_back, within_s=READY_S)
