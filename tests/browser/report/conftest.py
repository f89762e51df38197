"""Ended reports, stored as if they had run."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import expect

from modelpick_shared.db import Database
from modelpick_shared.db.tables import BenchmarkRun
from modelpick_shared.testing import config_snapshot, insert_report
from modelpick_shared.testing.builders import an_image

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
EXPECTED = {"shop": "Harbour Coffee", "total": 8.5, "lines": [{"name": "Tea", "price": 3}]}
ENDED = {
    "status": "complete",
    "started_at": NOW,
    "completed_at": NOW + timedelta(seconds=40),
    "images_removed_at": NOW,  # there never were any
}


@pytest.fixture
def a_run():
    """Return the maker of a run's columns; it answers with what is expected unless told otherwise."""
    return run_columns


def run_columns(model, image, run, *, right=True, relaxed=None, diffs=(), output=None, **columns):
    return {
        "model_id": model,
        "image_index": image,
        "run_index": run,
        "outcome": "passed" if right else "wrong",
        "passed": right,
        "passed_relaxed": right if relaxed is None else relaxed,
        "field_diffs": list(diffs),
        "output_text": json.dumps(EXPECTED) if output is None else output,
        "response_time_ms": 800 + 100 * image + 7 * run,
        "cost": Decimal("0.002"),
        "prompt_tokens": 1200,
        "completion_tokens": 80,
        "provider": "Azure",
        **columns,
    }


@pytest.fixture
def a_config():
    """Return the maker of a configuration, whose images all show the same receipt."""

    def make(models, images):
        config = config_snapshot(models=models, images=images, runs=3)
        return config.model_copy(update={"images": [an_image(number, EXPECTED) for number in range(images)]})

    return make


@pytest.fixture
def seed(system):
    """Return a function that stores an ended report, somebody's when their id is named, and returns it."""

    async def store(config, runs, *, user_id=None):
        owner = {} if user_id is None else {"user_id": UUID(user_id)}
        async with (
            Database(system.variables()["DATABASE_URL"], application="test") as database,
            database.transaction() as session,
        ):
            report = await insert_report(session, config, completed_jobs=len(runs), **ENDED, **owner)
            session.add_all(BenchmarkRun(report_id=report.id, **run) for run in runs)
        return report

    return store


@pytest.fixture
def small_order(a_config):
    """Return a configuration and its runs: one model right, one that shouts, one wrong."""
    config = a_config(3, 8)
    return config, list(small_runs(config))


def small_runs(config):
    """One model always right, one that shouts the shop's name, one always wrong."""
    first, shouting, wrong = (model.id for model in config.models)
    shout = {"path": "shop", "kind": "wrong", "expected": "Harbour Coffee", "actual": "HARBOUR COFFEE"}
    diffs = [
        {"path": "total", "kind": "missing", "expected": 8.5},
        {"path": "tip", "kind": "extra", "actual": 1},
        {"path": "lines[0].name", "kind": "wrong", "expected": "Tea", "actual": "Coffee"},
    ]
    answer = {"shop": "Harbour Coffee", "lines": [{"name": "Coffee", "price": 3}], "tip": 1}
    for image in range(8):
        for run in range(3):
            yield run_columns(first, image, run, cost=Decimal("0.02"))
            yield run_columns(
                shouting,
                image,
                run,
                right=False,
                relaxed=True,
                diffs=[shout | {"rescued_by": "relaxed"}],
                output=json.dumps(EXPECTED | {"shop": "HARBOUR COFFEE"}),
            )
            yield run_columns(wrong, image, run, right=False, diffs=diffs, output=json.dumps(answer))


@pytest_asyncio.fixture(loop_scope="session")
async def small(seed, small_order):
    return await seed(*small_order)


@pytest.fixture
def explore():
    """Return a function that opens a report and waits until it can be explored."""

    async def open_it(page, report):
        await page.goto(f"/report/{report.share_token}")
        await expect(page.locator("[data-explorable]")).to_be_visible()

    return open_it
