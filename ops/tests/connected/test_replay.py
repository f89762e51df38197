"""Replaying dead letters: nothing is lost, and nothing moves that was not meant to."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from modelpick_ops import dead_letters
from modelpick_ops.dead_letters import Filter
from modelpick_shared.broker import BrokerConnector, QueueBrowser
from modelpick_shared.contracts import ReportCompleted, RunReplayRequested, RunRequested
from modelpick_shared.errors import BrokerUnavailableError
from modelpick_shared.testing import eventually

pytestmark = pytest.mark.connected


def outcomes(items):
    return [item["outcome"] for item in items]


def opened(letters):
    return [letter.open(RunRequested) for letter in letters]


async def test_replaying_a_job_asks_the_orchestrator_and_nobody_else(
    modelpick, lay_down, a_job, look, dead, jobs, replays
):
    job = a_job()
    await lay_down(job)
    assert outcomes(await modelpick("queues", "replay", f"{jobs.name}.dead")) == ["moved"]
    (asked,) = [letter.open(RunReplayRequested) for letter in await look(replays.name)]
    assert (asked.report_id, asked.model_id, asked.image_index, asked.run_index) == job.job_key
    assert asked.attempt_token == job.attempt_token
    assert await dead(jobs) == []
    listed = await modelpick("queues", "list")
    assert next(item for item in listed if item["queue"] == jobs.name)["ready"] == 0


async def test_an_event_goes_back_to_its_own_queue_once_as_it_was(
    modelpick, lay_down, an_event, look, dead, events
):
    await lay_down(an_event, queue=events)
    (letter,) = await dead(events)
    assert outcomes(await modelpick("queues", "replay", events.name)) == ["moved"]
    (again,) = await look(events.name)
    assert again.open(ReportCompleted) == an_event
    for name in ("message_id", "type", "correlation_id", "body"):
        assert getattr(again, name) == getattr(letter, name)
    assert again.headers == {
        name: text for name, text in letter.headers.items() if name in {"x-first-failed-at", "traceparent"}
    }
    assert "x-first-failed-at" in again.headers
    assert await modelpick("queues", "replay", events.name) == []


async def test_a_dry_run_shows_what_would_move_and_moves_nothing(
    modelpick, lay_down, a_job, look, dead, jobs, replays
):
    await lay_down(a_job(), a_job())
    shown = await modelpick("queues", "replay", jobs.name, "--dry-run", "--limit", 1)
    assert outcomes(shown) == ["would move"]
    assert outcomes(await modelpick("queues", "replay", jobs.name, "--dry-run")) == ["would move"] * 2
    assert len(await dead(jobs)) == 2
    assert not await look(replays.name)


async def test_filters_leave_the_rest_in_its_order(modelpick, lay_down, a_job, dead, jobs):
    letters = first, wanted, other, last = a_job(), a_job(), a_job(model_id="other/model"), a_job()
    await lay_down(*letters)
    assert len(await modelpick("queues", "replay", jobs.name, "--report", wanted.report_id)) == 1
    assert opened(await dead(jobs)) == [first, other, last]
    assert len(await modelpick("queues", "replay", jobs.name, "--model", "other/model")) == 1
    assert opened(await dead(jobs)) == [first, last]
    both = ("--model", first.model_id, "--report", other.report_id)
    assert await modelpick("queues", "replay", jobs.name, *both) == []
    assert len(await dead(jobs)) == 2


async def test_the_limit_moves_the_oldest(modelpick, lay_down, a_job, dead, jobs):
    oldest, older, newer = a_job(), a_job(), a_job()
    await lay_down(oldest, older, newer)
    assert len(await modelpick("queues", "replay", jobs.name, "--limit", 2)) == 2
    assert opened(await dead(jobs)) == [newer]


async def test_a_job_that_nobody_can_read_stays_and_says_why(
    modelpick, lay_down, a_job, an_event, dead, jobs
):
    fine = a_job()
    await lay_down(a_job(), body=b"not json")
    await lay_down(an_event)
    await lay_down(fine)
    items = await modelpick("queues", "replay", jobs.name, "--limit", 1)
    assert outcomes(items) == ["unreadable", "unreadable", "moved"]
    assert {item["reason"] for item in items} == {"it was too much [/]"}
    assert len(await dead(jobs)) == 2


async def test_two_replays_at_once_move_each_letter_once(
    fresh_broker_url, lay_down, a_job, look, jobs, replays
):
    letters = [a_job(run_index=number) for number in range(10)]
    await lay_down(*letters)

    async def replay():
        connector = BrokerConnector(fresh_broker_url, name="test")
        async with QueueBrowser(connector) as browser:
            return await dead_letters.replay(browser, connector, jobs, Filter(), dry_run=False)

    moved = await asyncio.gather(replay(), replay())
    assert sum(map(len, moved)) == 10
    asked = [letter.open(RunReplayRequested).attempt_token for letter in await look(replays.name)]
    assert sorted(asked) == sorted(job.attempt_token for job in letters)


async def test_nothing_is_lost_when_a_replay_is_interrupted(
    fresh_broker_url, lay_down, a_job, browser, look, dead, jobs, replays
):
    letters = [a_job() for _ in range(600)]
    await asyncio.gather(*map(lay_down, letters))
    command = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("modelpick"),
        *("queues", "replay", jobs.name),
        env=os.environ | {"RABBITMQ_URL": fresh_broker_url},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        # A test session in the background has its interrupts ignored, and hands that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    async def moved():
        return (await browser.counts([replays.name]))[replays.name].ready

    await eventually(moved, within_s=30, every_s=0.005)
    command.send_signal(signal.SIGINT)
    _, said = await command.communicate()
    assert command.returncode == 1, said
    assert b"interrupted" in said
    left = {job.attempt_token for job in opened(await dead(jobs))}
    asked = {letter.open(RunReplayRequested).attempt_token for letter in await look(replays.name)}
    assert left | asked == {job.attempt_token for job in letters}
    assert left


async def test_what_the_orchestrator_cannot_be_asked_stays_dead(browser, lay_down, a_job, dead, jobs):
    await lay_down(a_job())
    nowhere = BrokerConnector("amqp://127.0.0.1:1", name="test")
    with pytest.raises(BrokerUnavailableError):
        await dead_letters.replay(browser, nowhere, jobs, Filter(), dry_run=False)
    assert len(await dead(jobs)) == 1
