"""Listing, peeking and purging; what a wrong command is answered."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelpick_shared.broker import OutgoingMessage, dead_letter_queue, model_queue
from modelpick_shared.broker.topology import work_queues

pytestmark = pytest.mark.connected

COMMAND = Path(sys.executable).with_name("modelpick")


async def test_the_list_has_every_queue_with_its_counts(modelpick, lay_down, a_job, jobs):
    await lay_down(a_job(), a_job())
    items = await modelpick("queues", "list")
    by_name = {item["queue"]: item for item in items}
    assert len(items) == 24 + len(work_queues([]))
    assert by_name[jobs.name] == {"queue": jobs.name, "ready": 0, "consumers": 0, "dead": 2}
    undeclared = {"queue": "jobs.anthropic-claude-opus-5", "ready": None, "consumers": None, "dead": None}
    assert by_name[undeclared["queue"]] == undeclared


async def test_peeking_shows_why_and_since_when(modelpick, lay_down, a_job, jobs):
    job = a_job()
    await lay_down(job)
    (item,) = await modelpick("queues", "peek", jobs.name)
    assert item["first_failed_at"] == item.pop("last_failed_at")
    assert item.pop("first_failed_at")
    assert item.pop("message_id")
    assert item == {
        "type": "run.requested",
        "report": str(job.report_id),
        "job": f"{job.model_id} 1 2",
        "queue": jobs.name,
        "reason": "it was too much [/]",
        "attempts": "5",
    }


async def test_peeking_keeps_every_letter_its_headers_and_the_order(modelpick, lay_down, a_job, jobs, dead):
    await lay_down(*(a_job(run_index=number) for number in range(30)))
    before = await dead(jobs)
    shown = await modelpick("queues", "peek", f"{jobs.name}.dead", "--limit", 2)
    assert [item["message_id"] for item in shown] == [letter.message_id for letter in before[:2]]
    assert len(await modelpick("queues", "peek", jobs.name)) == 20
    after = await dead(jobs)
    kept = [
        [(one.message_id, one.type, one.correlation_id, one.headers, one.body) for one in letters]
        for letters in (before, after)
    ]
    assert kept[0] == kept[1]


async def test_a_letter_is_still_there_however_often_it_was_peeked_at(modelpick, lay_down, a_job, jobs, dead):
    await lay_down(a_job())
    (before,) = await dead(jobs)
    for _ in range(12):
        (item,) = await modelpick("queues", "peek", jobs.name)
        assert item["reason"] == "it was too much [/]"
    (after,) = await dead(jobs)
    assert (after.message_id, after.headers, after.body) == (before.message_id, before.headers, before.body)


async def test_what_strangers_wrote_is_shown_as_it_is(operator, lay_down, a_job, jobs):
    await lay_down(a_job())
    answer = await operator("queues", "peek", jobs.name, env={"COLUMNS": "400"})
    assert answer.exit_code == 0
    assert "it was too much [/]" in answer.stdout


async def test_purging_drops_dead_letters_and_never_work(
    modelpick, operator, publisher, lay_down, a_job, jobs
):
    await publisher.send(a_job())
    await lay_down(a_job())
    refused = await operator("queues", "purge", jobs.name, "--yes")
    assert refused.exit_code == 2
    assert f"{jobs.name}.dead" in refused.stderr
    dead_name = dead_letter_queue(jobs).name
    assert await modelpick("queues", "purge", dead_name) == [{"queue": dead_name, "dropped": 1}]
    items = await modelpick("queues", "list")
    counts = next(item for item in items if item["queue"] == jobs.name)
    assert (counts["ready"], counts["dead"]) == (1, 0)


async def test_a_person_is_asked_before_anything_is_dropped(fresh_broker_url, lay_down, a_job, jobs, dead):
    await lay_down(a_job())
    terminal, end = os.openpty()
    os.write(terminal, b"n\n")
    done = await asyncio.to_thread(
        subprocess.run,
        [COMMAND, "queues", "purge", dead_letter_queue(jobs).name],
        env=os.environ | {"RABBITMQ_URL": fresh_broker_url},
        stdin=end,
        capture_output=True,
    )
    os.close(terminal)
    os.close(end)
    assert done.returncode == 1
    assert len(await dead(jobs)) == 1


@pytest.mark.parametrize("name", ["jobs.nothing", "jobs.", "jobs.a_b.dead", "nothing", "", "report.paid"])
async def test_an_unknown_queue_is_a_usage_error(operator, name):
    for command in ("peek", "replay"):
        answer = await operator("queues", command, name)
        assert answer.exit_code == 2
        assert "no queue is called" in answer.stderr


async def test_dead_letters_of_a_model_that_left_the_catalogue_are_found(
    modelpick, publisher, lay_down, a_job
):
    former = model_queue("former/model")
    await publisher.connect()
    publisher._queues.append(former)
    await publisher._discard(publisher._channel)
    await lay_down(a_job(model_id="former/model"), queue=former)
    (item,) = await modelpick("queues", "replay", former.name)
    assert (item["outcome"], item["job"]) == ("moved", "former/model 1 2")


async def test_wrong_words_and_numbers_are_usage_errors(operator, jobs):
    assert (await operator("queues", "peek", jobs.name, "--limit", 0)).exit_code == 2
    assert (await operator("queues", "replay", jobs.name, "--report", "7")).exit_code == 2
    assert (await operator("queues", "replay")).exit_code == 2
    assert (await operator("queues", "mend")).exit_code == 2


async def test_a_missing_broker_is_a_failure_in_one_line(operator, monkeypatch):
    monkeypatch.setenv("RABBITMQ_URL", "amqp://127.0.0.1:1")
    answer = await operator("queues", "list")
    assert answer.exit_code == 1
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("value", ["", "somewhere"])
async def test_without_an_address_the_command_says_which_setting_is_missing(operator, monkeypatch, value):
    monkeypatch.setenv("RABBITMQ_URL", value)
    answer = await operator("queues", "list")
    assert answer.exit_code == 2
    assert "RABBITMQ_URL" in answer.stderr


async def test_a_running_system_of_this_checkout_says_where_its_broker_is(
    modelpick, running_system, monkeypatch, fresh_broker_url, publisher
):
    monkeypatch.delenv("RABBITMQ_URL")
    running_system(RABBITMQ_URL=fresh_broker_url)
    assert any(item["ready"] == 0 for item in await modelpick("queues", "list"))


async def test_a_message_of_unknown_make_is_shown_and_stays(modelpick, publisher, jobs, dead):
    await publisher.publish(OutgoingMessage(dead_letter_queue(jobs).exchange, jobs.name, b"\xff", "", ""))
    (item,) = await modelpick("queues", "peek", jobs.name)
    assert (item["report"], item["job"], item["reason"]) == (None, None, None)
    (item,) = await modelpick("queues", "replay", jobs.name)
    assert item["outcome"] == "unreadable"
    assert len(await dead(jobs)) == 1


async def test_the_command_itself_prints_a_table(fresh_broker_url, lay_down, a_job, jobs):
    await lay_down(a_job())
    environment = os.environ | {"RABBITMQ_URL": fresh_broker_url, "COLUMNS": "200"}
    done = await asyncio.to_thread(
        subprocess.run, [COMMAND, "queues", "list"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert jobs.name in done.stdout
    assert "absent" in done.stdout
