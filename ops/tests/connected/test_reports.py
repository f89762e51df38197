import asyncio
import json

import pytest
from sqlalchemy import func, update
from typer.testing import CliRunner

from modelpick_ops.main import app
from modelpick_shared.broker import BrokerConnector, QueueBrowser, Service, event_queue
from modelpick_shared.contracts import ReportCancelRequested, ReportResumeRequested
from modelpick_shared.db import Database
from modelpick_shared.db.tables import BenchmarkRun, Refund, Report, ReportModel
from modelpick_shared.ids import new_id
from modelpick_shared.testing import config_snapshot, insert_report

pytestmark = pytest.mark.connected


@pytest.fixture
async def database(fresh_database_url):
    async with Database(fresh_database_url, application="test") as database:
        yield database


@pytest.fixture
async def report(database):
    config = config_snapshot(models=1, images=1, runs=2)
    async with database.transaction() as session:
        report = await insert_report(session, config, status="partial", completed_jobs=2)
        model = config.models[0].id
        session.add(
            ReportModel(report_id=report.id, model_id=model, position=0, total=2, done=2, unmeasured=1)
        )
        session.add(
            BenchmarkRun(
                report_id=report.id,
                model_id=model,
                image_index=0,
                run_index=0,
                outcome="unmeasured",
                unmeasured_reason="budget",
            )
        )
    return report


@pytest.fixture
def modelpick(fresh_broker_url, fresh_database_url, monkeypatch, tmp_path):
    monkeypatch.setenv("RABBITMQ_URL", fresh_broker_url)
    monkeypatch.setenv("DATABASE_URL", fresh_database_url)
    monkeypatch.setenv("MODELPICK_HOME", str(tmp_path))

    async def run(*arguments):
        return await asyncio.to_thread(CliRunner().invoke, app, ["reports", *map(str, arguments)])

    return run


@pytest.fixture
def asked(fresh_broker_url):
    """Return a function that reads what the orchestrator was asked."""

    async def read(message_type):
        name = event_queue(Service.ORCHESTRATOR, message_type).name
        browser = QueueBrowser(BrokerConnector(fresh_broker_url, name="test"))
        async with browser, browser.letters(name) as letters:
            return [letter.delivery.open(message_type).report_id async for letter in letters]

    return read


async def test_a_report_is_shown_with_its_money_counts_and_reasons(modelpick, report):
    shown = json.loads((await modelpick("show", report.id, "--json")).stdout)
    assert (shown["status"], shown["ceiling_usd"], shown["unmeasured"]) == ("partial", "7.00", {"budget": 1})
    assert [(model["total"], model["unmeasured"]) for model in shown["models"]] == [(2, 1)]
    table = await modelpick("show", report.id)
    assert table.exit_code == 0
    assert "partial" in table.stdout
    assert "budget 1" in table.stdout


async def test_an_unknown_report_is_a_failure(modelpick):
    answer = await modelpick("show", new_id())
    assert answer.exit_code == 1
    assert "no report" in answer.stderr


async def test_resuming_asks_the_orchestrator(modelpick, report, asked):
    answer = await modelpick("resume", report.id, "--json")
    assert json.loads(answer.stdout)["items"] == [
        {"report": str(report.id), "status": "partial", "asked": "report.resume_requested", "runs": 1}
    ]
    assert await asked(ReportResumeRequested) == [report.id]


async def test_a_refunded_or_running_or_whole_report_is_not_resumed(modelpick, report, database, asked):
    async with database.transaction() as session:
        await session.execute(update(Report).values(status="running"))
    assert "running" in (await modelpick("resume", report.id)).stderr
    async with database.transaction() as session:
        await session.execute(update(Report).values(status="partial"))
        await session.execute(update(BenchmarkRun).values(outcome="wrong", unmeasured_reason=None))
    assert "nothing unmeasured" in (await modelpick("resume", report.id)).stderr
    async with database.transaction() as session:
        session.add(
            Refund(payment_intent_id="pi_1", order_id=report.order_id, amount_cents=1499, reason="asked")
        )
    answer = await modelpick("resume", report.id)
    assert answer.exit_code == 1
    assert "refunded" in answer.stderr
    assert await asked(ReportResumeRequested) == []


async def test_a_report_whose_images_have_gone_is_not_resumed(modelpick, report, database, asked):
    async with database.transaction() as session:
        await session.execute(update(Report).values(images_removed_at=func.now()))
    answer = await modelpick("resume", report.id)
    assert answer.exit_code == 1
    assert "images are no longer kept" in answer.stderr
    assert await asked(ReportResumeRequested) == []


async def test_only_what_waits_or_runs_is_cancelled(modelpick, report, database, asked):
    assert (await modelpick("cancel", report.id)).exit_code == 1
    async with database.transaction() as session:
        await session.execute(update(Report).values(status="running"))
    assert (await modelpick("cancel", report.id)).exit_code == 0
    assert await asked(ReportCancelRequested) == [report.id]


async def test_what_is_no_id_is_a_usage_error(modelpick):
    assert (await modelpick("show", "7")).exit_code == 2


async def test_a_database_that_is_away_or_empty_is_a_failure_in_one_line(
    modelpick, monkeypatch, empty_database_url
):
    for address in ("postgresql://127.0.0.1:1/nothing", empty_database_url):
        monkeypatch.setenv("DATABASE_URL", address)
        answer = await modelpick("show", new_id())
        assert answer.exit_code == 1
        assert len(answer.stderr.strip().splitlines()) == 1


async def test_without_a_broker_nothing_is_asked_and_the_command_fails(modelpick, report, monkeypatch):
    monkeypatch.setenv("RABBITMQ_URL", "amqp://127.0.0.1:1")
    answer = await modelpick("resume", report.id)
    assert answer.exit_code == 1
    assert answer.stdout == ""
    monkeypatch.setenv("RABBITMQ_URL", "")
    assert (await modelpick("resume", report.id)).exit_code == 2


async def test_reports_are_listed_by_status_the_newest_first(modelpick, report, database):
    async with database.transaction() as session:
        later = await insert_report(session, config_snapshot(models=1, images=1), status="running")
    listed = json.loads((await modelpick("list", "--json")).stdout)["items"]
    assert [row["id"] for row in listed] == [str(later.id), str(report.id)]
    running = json.loads((await modelpick("list", "--status", "running", "--json")).stdout)["items"]
    assert [row["id"] for row in running] == [str(later.id)]
    assert len(json.loads((await modelpick("list", "--limit", "1", "--json")).stdout)["items"]) == 1
    assert (await modelpick("list", "--status", "nothing")).exit_code == 2
