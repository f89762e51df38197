"""What the tests share: an operator, and a broker with dead letters."""

import asyncio
import json
import os
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from modelpick_local.home import Home
from modelpick_local.processes import ProcessId
from modelpick_local.state import ProcessState, RunState, write_state
from modelpick_ops.main import app
from modelpick_shared.broker import (
    BrokerConnector,
    Delivery,
    OutgoingMessage,
    Publisher,
    QueueBrowser,
    Service,
    dead_letter_queue,
    event_queue,
    model_queue,
)
from modelpick_shared.contracts import (
    ImageRef,
    PriceCap,
    ReportCompleted,
    RequestParameters,
    RunReplayRequested,
    RunRequested,
)
from modelpick_shared.ids import new_id

MODEL = "openai/gpt-5-mini"


@pytest.fixture
def jobs():
    return model_queue(MODEL)


@pytest.fixture
def events():
    return event_queue(Service.NOTIFIER, ReportCompleted)


@pytest.fixture
def replays():
    return event_queue(Service.ORCHESTRATOR, RunReplayRequested)


@pytest.fixture
def running_system(monkeypatch, tmp_path):
    """Return a function that makes this checkout's system look as if it ran, with these variables."""
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    def run(**variables):
        launcher = ProcessState.of(ProcessId.of(os.getpid()))
        state = RunState(run_id="1", launcher=launcher, site_url="http://localhost", variables=variables)
        write_state(Home.at(tmp_path), state)

    return run


@pytest.fixture
def operator(monkeypatch, tmp_path, fresh_broker_url):
    """Return a function that types a command of `modelpick`."""
    monkeypatch.setenv("RABBITMQ_URL", fresh_broker_url)
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    async def type_in(*arguments, **terminal):
        return await asyncio.to_thread(CliRunner().invoke, app, [*map(str, arguments)], **terminal)

    return type_in


@pytest.fixture
def modelpick(operator):
    """Return a function that runs a command that succeeds, and gives its items."""

    async def run(*arguments):
        answer = await operator(*arguments, "--json")
        assert answer.exit_code == 0, answer.stderr
        return json.loads(answer.stdout)["items"]

    return run


@pytest.fixture
async def publisher(fresh_broker_url, jobs, events, replays):
    connector = BrokerConnector(fresh_broker_url, name="test")
    async with Publisher(connector, queues=[jobs, events, replays]) as publisher:
        await publisher.connect()
        yield publisher


@pytest.fixture
async def browser(fresh_broker_url):
    async with QueueBrowser(BrokerConnector(fresh_broker_url, name="test")) as browser:
        yield browser


@pytest.fixture
def look(browser):
    """Return a function that reads all messages of a queue and leaves them there."""

    async def read(name) -> list[Delivery]:
        async with browser.letters(name) as letters:
            return [letter.delivery async for letter in letters]

    return read


@pytest.fixture
def dead(look):
    """Return a function that reads the dead letters of a queue and leaves them there."""
    return lambda queue: look(dead_letter_queue(queue).name)


@pytest.fixture
def lay_down(publisher, jobs):
    """Return a function that lays messages down as a consumer does."""

    async def lay(*messages, queue=jobs, body=None):
        for message in messages:
            sent = OutgoingMessage.of(message)
            delivery = Delivery(
                body or sent.body, sent.type, sent.message_id, sent.correlation_id, {}, redelivered=False
            )
            await publisher.publish(delivery.as_dead_letter(queue.name, "it was too much [/]", 5))

    return lay


@pytest.fixture
def a_job():
    """Return a function that makes a job of a report of its own."""
    now = datetime.now(UTC)

    def make(**changes):
        fields = {
            "report_id": new_id(),
            "model_id": MODEL,
            "image_index": 1,
            "run_index": 2,
            "attempt_token": new_id(),
            "lease_ends_at": now,
            "deadline_at": now,
            "parameters": RequestParameters(max_tokens=1),
            "prompt": "",
            "image": ImageRef(key="", sha256="", media_type=""),
            "price_cap": PriceCap(prompt_usd_per_1m=0, completion_usd_per_1m=0),
        }
        return RunRequested(**(fields | changes))

    return make


@pytest.fixture
def an_event():
    return ReportCompleted(report_id=new_id(), status="complete", email="a@example.com")
