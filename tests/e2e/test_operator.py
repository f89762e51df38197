"""An operator at the command line of a running system."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from modelpick_local.demo.customer import READY_SUBJECT
from modelpick_local.demo.samples import sample_uploads
from modelpick_shared.broker import BrokerConnector, Delivery, OutgoingMessage, Publisher, model_queue
from modelpick_shared.contracts import Envelope, RunRequested
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.e2e

IMAGES, MODELS = 4, 4
JOBS = IMAGES * MODELS * 3


@pytest.fixture
def modelpick(slow_system):
    """Return a function that runs the command line as an operator of this system would."""

    async def run(*arguments):
        command = Path(sys.executable).with_name("modelpick")
        done = await asyncio.to_thread(
            subprocess.run,
            [command, *map(str, arguments)],
            env=os.environ | {"MODELPICK_HOME": str(slow_system.home.root)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def dawdling(slow_system):
    """Return what makes calls take longer meanwhile: no report is over before a command comes to it."""

    @asynccontextmanager
    async def dawdle():
        address = slow_system.simulators()["openrouter"]
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as client:
            (await client.post("/_control/script", json={"latency_ms": 5000})).raise_for_status()
            try:
                yield
            finally:
                (await client.post("/_control/script", json={})).raise_for_status()

    return dawdle


async def test_a_cancelled_report_is_resumed_to_its_end_with_one_mail(
    slow_system, visit, buy, modelpick, settled_once, dawdling
):
    customer = await visit(slow_system, "cancelled")
    report_id = await buy(customer, sample_uploads(IMAGES), MODELS)
    await customer.await_progress(report_id, 0.2)
    async with dawdling():
        await modelpick("reports", "cancel", report_id)
    async with asyncio.timeout(30):
        partial = await customer.await_progress(report_id)
    assert partial.status == "partial"
    shown = json.loads(await modelpick("reports", "show", report_id, "--json"))
    assert set(shown["unmeasured"]) == {"cancelled"}
    await customer.inbox.next_mail(READY_SUBJECT)
    # Calls of the cancelled jobs that were under way are billed, and used by the resume.
    await eventually(lambda: nothing_in_flight(slow_system, report_id), within_s=30)

    await modelpick("reports", "resume", report_id)
    await eventually(lambda: status_of(slow_system, report_id) == "complete", within_s=90)
    await settled_once(slow_system, customer, report_id, JOBS)


async def test_replaying_the_job_of_a_finished_report_changes_nothing(
    slow_system, visit, buy, modelpick, journal, ledger
):
    customer = await visit(slow_system, "replayed")
    report_id = await buy(customer, sample_uploads(2), 2)
    await customer.await_progress(report_id)
    run = first_request(slow_system, report_id)
    queue = model_queue(run.model_id)
    async with Publisher(BrokerConnector(slow_system.variables()["RABBITMQ_URL"], name="test")) as publisher:
        await publisher.publish(dead_letter_of(run, queue.name))
    await eventually(lambda: ledger(slow_system, report_id)["sent_mails"] == 1, within_s=20)
    before, calls = ledger(slow_system, report_id), len((await journal(slow_system))["calls"])

    moved = json.loads(await modelpick("queues", "replay", queue.name, "--report", report_id, "--json"))
    assert [item["outcome"] for item in moved["items"]] == ["moved"]
    listed = json.loads(await modelpick("queues", "list", "--json"))["items"]
    assert not any(item["dead"] for item in listed)
    await eventually(
        lambda: "replay.ignored" in (slow_system.home.logs / "orchestrator.log").read_text(), within_s=20
    )
    assert ledger(slow_system, report_id) == before
    assert len((await journal(slow_system))["calls"]) == calls


def rows(system, statement, *values):
    with psycopg.connect(system.variables()["DATABASE_URL"]) as connection:
        return connection.execute(statement, values).fetchall()


def status_of(system, report_id):
    return rows(system, "SELECT status FROM reports WHERE id = %s", report_id)[0][0]


def nothing_in_flight(system, report_id):
    counts = "SELECT count(*) FROM attempts WHERE report_id = %s AND state = 'in_flight'"
    return rows(system, counts, report_id)[0][0] == 0


def first_request(system, report_id) -> RunRequested:
    bodies = "SELECT body FROM outbox WHERE type = 'run.requested' AND correlation_id = %s ORDER BY id"
    return Envelope.model_validate_json(rows(system, bodies, report_id)[0][0]).unwrap(RunRequested)


def dead_letter_of(run, queue_name) -> OutgoingMessage:
    sent = OutgoingMessage.of(run)
    delivery = Delivery(sent.body, sent.type, sent.message_id, sent.correlation_id, {}, redelivered=False)
    return delivery.as_dead_letter(queue_name, "planted", 1)
