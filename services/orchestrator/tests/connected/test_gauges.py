"""Gauges say how reports stand, without reading the whole table each time."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import event, update

from modelpick_orchestrator import gauges
from modelpick_orchestrator.gauges import ReportGauges
from modelpick_shared.db.tables import Report

pytestmark = pytest.mark.connected

STATUSES = ("paid", "running", "complete", "partial", "failed")


@pytest.fixture
def reading(bench):
    return ReportGauges(bench.service_database, [])


@pytest.fixture
def whole_counts(bench):
    """Return a list with an entry for each time that the reports which ended were counted."""
    counted = []
    engine = bench.service_database._engine.sync_engine

    @event.listens_for(engine, "before_cursor_execute")
    def note(*arguments):
        if "GROUP BY reports.status" in arguments[2]:
            counted.append(arguments[2])

    yield counted
    event.remove(engine, "before_cursor_execute", note)


def shown():
    values = {
        status: REGISTRY.get_sample_value("modelpick_reports", {"status": status}) for status in STATUSES
    }
    return {status: value for status, value in values.items() if value}


async def becomes(bench, report, status):
    await bench.execute(update(Report).where(Report.id == report.id).values(status=status))


async def test_reports_are_counted_as_they_come_run_and_end(bench, reading):
    await reading.read()
    assert shown() == {}

    first, second = await bench.paid(), await bench.paid()
    await reading.read()
    assert shown() == {"paid": 2}

    await becomes(bench, first, "running")
    await reading.read()
    assert shown() == {"paid": 1, "running": 1}

    await becomes(bench, first, "complete")
    await becomes(bench, second, "failed")
    await reading.read()
    assert shown() == {"complete": 1, "failed": 1}

    await becomes(bench, second, "running")
    await reading.read()
    assert shown() == {"complete": 1, "running": 1}


async def test_a_report_that_came_and_ended_between_two_looks_is_counted(bench, reading):
    await reading.read()
    await becomes(bench, await bench.paid(), "complete")
    await reading.read()

    assert shown() == {"complete": 1}


async def test_those_that_ended_are_counted_only_when_something_came_or_ended(bench, reading, whole_counts):
    report = await bench.paid()
    for _ in range(3):
        await reading.read()
    assert len(whole_counts) == 1

    await becomes(bench, report, "running")
    await reading.read()
    assert (len(whole_counts), shown()) == (1, {"running": 1})

    await becomes(bench, report, "partial")
    for _ in range(3):
        await reading.read()
    assert (len(whole_counts), shown()) == (2, {"partial": 1})


async def test_after_a_while_they_are_counted_all_the_same(bench, reading, whole_counts, monkeypatch):
    report = await bench.paid()
    await becomes(bench, report, "complete")
    await reading.read()
    await becomes(bench, report, "partial")
    await reading.read()
    assert shown() == {"complete": 1}

    monkeypatch.setattr(gauges, "COUNT_AGAIN_S", -1.0)
    await reading.read()
    assert (len(whole_counts), shown()) == (2, {"partial": 1})
