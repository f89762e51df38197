import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelpick_ops import dead_letters
from modelpick_ops.dead_letters import Filter
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

pytestmark = pytest.mark.connected

MODEL = "openai/gpt-5-mini"
JOBS = model_queue(MODEL)
EVENTS = event_queue(Service.NOTIFIER, ReportCompleted)
REPLAYS = event_queue(Service.ORCHESTRATOR, RunReplayRequested)


@pytest.fixture
def modelpick(fresh_broker_url, monkeypatch, tmp_path):
    """Return a function that runs the command line and gives its exit code and JSON."""
    monkeypatch.setenv("RABBITMQ_URL", fresh_broker_url)
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    async def run(*arguments):
        answer = await asyncio.to_thread(CliRunner().invoke, app, [*map(str, arguments), "--json"])
        items = json.loads(answer.stdout)["items"] if answer.exit_code == 0 else answer.stderr
        return answer.exit_code, items

    return run


@pytest.fixture
async def publisher(fresh_broker_url):
    connector = BrokerConnector(fresh_broker_url, name="test")
    async with Publisher(connector, queues=[JOBS, EVENTS, REPLAYS]) as publisher:
        await publisher.connect()
        yield publisher


@pytest.fixture
async def look(fresh_broker_url):
    """Return a function that reads all messages of a queue and leaves them there."""

    async def read(name) -> list[Delivery]:
        browser = QueueBrowser(BrokerConnector(fresh_broker_url, name="test"))
        async with browser, browser.letters(name) as letters:
            return [letter.delivery async for letter in letters]

    return read


def a_job(**changes):
    now = datetime.now(UTC)
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


def letter_of(message, queue, body=None) -> OutgoingMessage:
    """Return a message as a consumer lays it down."""
    outgoing = OutgoingMessage.of(message)
    delivery = Delivery(
        body or outgoing.body,
        outgoing.type,
        outgoing.message_id,
        outgoing.correlation_id,
        {},
        redelivered=False,
    )
    return delivery.as_dead_letter(queue.name, "it was too much", 5)


async def lay_down(publisher, *messages, queue=JOBS):
    for message in messages:
        await publisher.publish(letter_of(message, queue))


def an_event():
    return ReportCompleted(report_id=new_id(), status="complete", email="a@example.com")


async def test_the_list_has_every_queue_with_its_counts(modelpick, publisher):
    await lay_down(publisher, a_job(), a_job())
    code, items = await modelpick("queues", "list")
    by_name = {item["queue"]: item for item in items}
    assert code == 0
    assert len(items) == 24 + 9
    assert by_name[JOBS.name] == {"queue": JOBS.name, "ready": 0, "consumers": 0, "dead": 2}
    assert by_name["jobs.anthropic-claude-opus-5"]["ready"] is None, "nobody declared it yet"


async def test_peeking_shows_why_and_since_when_and_keeps_everything_as_it_was(modelpick, publisher, look):
    jobs = [a_job(run_index=number) for number in range(3)]
    await lay_down(publisher, *jobs)
    before = await look(dead_letter_queue(JOBS).name)
    code, items = await modelpick("queues", "peek", JOBS.name, "--limit", 2)
    assert code == 0
    assert [item["job"] for item in items] == [f"{MODEL} 1 0", f"{MODEL} 1 1"]
    assert items[0]["reason"] == "it was too much"
    assert items[0]["attempts"] == "5"
    assert items[0]["first_failed_at"] == items[0]["last_failed_at"]
    assert items[0]["report"] == str(jobs[0].report_id)
    after = await look(dead_letter_queue(JOBS).name)
    kept = [
        {letter.message_id: (letter.headers["x-reason"], letter.body) for letter in letters}
        for letters in (before, after)
    ]
    assert kept[0] == kept[1]
    assert len(after) == 3


async def test_replaying_a_job_asks_the_orchestrator_and_nobody_else(modelpick, publisher, look):
    job = a_job()
    await lay_down(publisher, job)
    code, items = await modelpick("queues", "replay", f"{JOBS.name}.dead")
    assert (code, [item["outcome"] for item in items]) == (0, ["moved"])
    (asked,) = [letter.open(RunReplayRequested) for letter in await look(REPLAYS.name)]
    assert (asked.report_id, asked.model_id, asked.image_index, asked.run_index) == job.job_key
    assert asked.attempt_token == job.attempt_token
    assert await look(dead_letter_queue(JOBS).name) == await look(JOBS.name) == []


async def test_an_event_goes_back_to_its_own_queue_once_as_it_was(modelpick, publisher, look):
    event = an_event()
    await lay_down(publisher, event, queue=EVENTS)
    (letter,) = await look(dead_letter_queue(EVENTS).name)
    assert (await modelpick("queues", "replay", EVENTS.name))[0] == 0
    (again,) = await look(EVENTS.name)
    assert again.open(ReportCompleted) == event
    assert (again.message_id, again.type, again.correlation_id) == (
        letter.message_id,
        letter.type,
        letter.correlation_id,
    )
    assert set(again.headers) >= {"x-first-failed-at"}
    assert "x-reason" not in again.headers
    assert await modelpick("queues", "replay", EVENTS.name) == (0, [])


async def test_a_dry_run_shows_what_would_move_and_moves_nothing(modelpick, publisher, look):
    await lay_down(publisher, a_job(), a_job())
    code, items = await modelpick("queues", "replay", JOBS.name, "--dry-run")
    assert (code, [item["outcome"] for item in items]) == (0, ["would move"] * 2)
    assert len(await look(dead_letter_queue(JOBS).name)) == 2
    assert not await look(REPLAYS.name)


async def test_filters_and_the_limit_leave_the_rest(modelpick, publisher, look):
    wanted, other, third = a_job(), a_job(), a_job(model_id="other/model")
    await lay_down(publisher, wanted, other, third)
    await modelpick("queues", "replay", JOBS.name, "--report", wanted.report_id)
    assert [letter.open(RunRequested) for letter in await look(dead_letter_queue(JOBS).name)] == [
        other,
        third,
    ]
    await modelpick("queues", "replay", JOBS.name, "--model", "other/model")
    assert [letter.open(RunRequested) for letter in await look(dead_letter_queue(JOBS).name)] == [other]
    await lay_down(publisher, wanted)
    assert len((await modelpick("queues", "replay", JOBS.name, "--limit", 1))[1]) == 1
    assert len(await look(dead_letter_queue(JOBS).name)) == 1


async def test_a_job_that_nobody_can_read_stays_and_says_why(modelpick, publisher, look):
    await publisher.publish(letter_of(a_job(), JOBS, body=b"not json"))
    code, items = await modelpick("queues", "replay", JOBS.name)
    assert (code, items[0]["outcome"], items[0]["reason"]) == (0, "unreadable", "it was too much")
    assert len(await look(dead_letter_queue(JOBS).name)) == 1


async def test_two_replays_at_once_move_each_letter_once(fresh_broker_url, publisher, look):
    jobs = [a_job(run_index=number) for number in range(10)]
    await lay_down(publisher, *jobs)

    async def replay():
        connector = BrokerConnector(fresh_broker_url, name="test")
        async with QueueBrowser(connector) as browser:
            return await dead_letters.replay(browser, connector, JOBS, Filter(), dry_run=False)

    moved = await asyncio.gather(replay(), replay())
    assert sum(map(len, moved)) == 10
    asked = [letter.open(RunReplayRequested).attempt_token for letter in await look(REPLAYS.name)]
    assert sorted(asked) == sorted(job.attempt_token for job in jobs)


async def test_purging_drops_dead_letters_and_never_work(modelpick, publisher, look):
    await publisher.send(a_job())
    await lay_down(publisher, a_job())
    assert (await modelpick("queues", "purge", JOBS.name, "--yes"))[1][0]["dropped"] == 1
    assert not await look(dead_letter_queue(JOBS).name)
    items = (await modelpick("queues", "list"))[1]
    assert next(item for item in items if item["queue"] == JOBS.name)["ready"] == 1


async def test_an_unknown_queue_is_a_usage_error_and_a_missing_broker_a_failure(modelpick, monkeypatch):
    assert (await modelpick("queues", "peek", "jobs.nothing"))[0] == 2
    monkeypatch.setenv("RABBITMQ_URL", "amqp://127.0.0.1:1")
    code, said = await modelpick("queues", "list")
    assert code == 1
    assert len(said.strip().splitlines()) == 1
    monkeypatch.delenv("RABBITMQ_URL")
    assert (await modelpick("queues", "list"))[0] == 2


async def test_the_command_itself_prints_a_table(fresh_broker_url, publisher, tmp_path):
    await lay_down(publisher, a_job())
    command = Path(sys.executable).with_name("modelpick")
    environment = os.environ | {"RABBITMQ_URL": fresh_broker_url, "COLUMNS": "200"}
    done = await asyncio.to_thread(
        subprocess.run, [command, "queues", "list"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert JOBS.name in done.stdout
