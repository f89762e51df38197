import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from modelpick_shared.document import ReportFacts, RunFacts, build_document, run_number
from modelpick_shared.ids import new_id
from modelpick_shared.testing import config_snapshot

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))


def facts(**changes) -> ReportFacts:
    values = {
        "id": new_id(),
        "status": "complete",
        "revision": 9,
        "total_jobs": 8,
        "spent_usd": Decimal("0.0080"),
        "created_at": START,
        "started_at": START + timedelta(seconds=1),
        "completed_at": START + timedelta(seconds=43.5),
    }
    return ReportFacts(**(values | changes))


@pytest.fixture
def config():
    return config_snapshot(models=2, images=2, runs=2)


def run(config, model=0, image=0, number=0, **changes) -> RunFacts:
    values = {
        "outcome": "passed",
        "passed": True,
        "passed_relaxed": True,
        "diffs": [],
        "output": "{}",
        "latency_ms": 700,
        "cost_usd": Decimal("0.001"),
    }
    return RunFacts(config.models[model].id, image, number, **(values | changes))


def every_run(config, **changes):
    return [
        run(config, model, image, number, **changes)
        for number in range(2)
        for image in range(2)
        for model in range(2)
    ]


def wrong(path="total", **changes):
    diff = {"path": path, "kind": "wrong", "expected": 0, "actual": 1, "rescued_by": None}
    return {"outcome": "wrong", "passed": False, "passed_relaxed": False, "diffs": [diff]} | changes


def unmeasured(reason="timeout"):
    return {
        "outcome": "unmeasured",
        "unmeasured_reason": reason,
        "passed": None,
        "passed_relaxed": None,
        "diffs": None,
        "output": None,
        "cost_usd": None,
    }


def build(report, config, runs):
    document = build_document(report, config, runs, image_url=lambda index: f"/images/{index}")
    return json.loads(document.model_dump_json())


def test_the_document_has_the_promised_shape(config):
    document = build(facts(), config, every_run(config))
    assert list(document) == [
        "id", "status", "revision", "created_at", "completed_at", "config", "totals", "models", "fields",
        "runs",
    ]  # fmt: skip
    assert list(document["config"]) == [
        "models", "images", "extraction_prompt", "json_schema", "runs_per_image", "data_policy"
    ]  # fmt: skip
    assert list(document["models"][0]) == [
        "id", "name", "provider", "tier", "rank", "tied_with", "strict", "relaxed", "field_accuracy",
        "consistency", "latency_ms", "cost_usd", "outcomes", "pareto",
    ]  # fmt: skip
    assert list(document["runs"][0]) == [
        "n", "model_id", "image_index", "run_index", "outcome", "unmeasured_reason", "strict", "relaxed",
        "diffs", "output", "output_truncated", "latency_ms", "prompt_tokens", "completion_tokens",
        "cost_usd", "provider", "attempts", "error",
    ]  # fmt: skip
    assert document["created_at"] == "2026-01-02T01:04:05Z"
    assert document["totals"] == {
        "jobs": 8, "measured": 8, "unmeasured": 0, "spent_usd": "0.0080", "duration_s": 42.5
    }  # fmt: skip
    assert document["config"]["images"][1] == {"index": 1, "url": "/images/1", "expected": {"total": 1}}
    assert document["models"][0]["strict"] == {"pass_rate": 1.0, "ci95": None}
    assert document["models"][0]["cost_usd"] == {
        "total": "0.004", "per_image": "0.001", "per_1000_images": "1"
    }  # fmt: skip


def test_runs_come_by_model_image_and_run_and_n_is_their_position(config):
    runs = build(facts(), config, every_run(config)[::-1])["runs"]
    assert [entry["n"] for entry in runs] == list(range(8))
    order = {model.id: position for position, model in enumerate(config.models)}
    places = [(order[entry["model_id"]], entry["image_index"], entry["run_index"]) for entry in runs]
    assert places == sorted(places)


def test_a_run_keeps_its_number_while_others_are_still_missing(config):
    (entry,) = build(facts(status="running", completed_at=None), config, [run(config, 1, 0, 1)])["runs"]
    assert entry["n"] == run_number(config, config.models[1].id, 0, 1) == 5


def test_an_unmeasured_run_counts_neither_for_nor_against_a_model(config):
    runs = [*every_run(config)[:-1], run(config, 1, 1, 1, **unmeasured())]
    document = build(facts(status="partial"), config, runs)
    last = document["models"][1]
    assert last["strict"]["pass_rate"] == 1.0
    assert last["outcomes"] == {
        "passed": 3, "wrong": 0, "invalid_json": 0, "empty": 0, "truncated": 0, "refused": 0, "unmeasured": 1
    }  # fmt: skip
    assert document["totals"]["unmeasured"] == 1
    entry = document["runs"][-1]
    assert entry["unmeasured_reason"] == "timeout"
    assert [entry[name] for name in ("strict", "relaxed", "cost_usd", "latency_ms", "output")] == [None] * 5
    assert entry["diffs"] == []


def test_a_model_without_measured_runs_has_no_figures_and_no_rank(config):
    runs = [run(config, 0, image, number) for image in range(2) for number in range(2)]
    runs += [run(config, 1, image, number, **unmeasured()) for image in range(2) for number in range(2)]
    document = build(facts(status="partial"), config, runs)
    good, dead = document["models"]
    assert (good["rank"], good["pareto"]) == (1, True)
    assert (dead["rank"], dead["pareto"], dead["field_accuracy"], dead["consistency"]) == (
        None,
        False,
        None,
        None,
    )
    assert dead["strict"]["pass_rate"] is dead["latency_ms"]["p50"] is dead["cost_usd"]["per_image"] is None
    assert document["fields"] == [
        {"path": "total", "by_model": {config.models[0].id: 1.0, config.models[1].id: None}}
    ]


def test_models_are_ranked_and_their_fields_counted(config):
    runs = [run(config, 0, image, number, **wrong()) for image in range(2) for number in range(2)]
    runs += [run(config, 1, image, number) for image in range(2) for number in range(2)]
    document = build(facts(), config, runs)
    assert [model["rank"] for model in document["models"]] == [2, 1]
    assert [model["pareto"] for model in document["models"]] == [False, True]
    assert document["models"][0]["field_accuracy"] == 0.0
    assert document["runs"][0]["diffs"] == [
        {"path": "total", "kind": "wrong", "expected": 0, "actual": 1, "rescued_by": None}
    ]


def test_a_long_output_is_cut_at_2_kib_between_characters(config):
    texts = {"a" * 2048: (2048, False), "a" * 2049: (2048, True), "a" + "ü" * 1024: (2047, True)}
    for text, (length_bytes, truncated) in texts.items():
        (entry,) = build(facts(), config, [run(config, output=text)])["runs"]
        assert len(entry["output"].encode()) == length_bytes
        assert text.startswith(entry["output"])
        assert entry["output_truncated"] is truncated


def test_a_report_that_has_not_started_is_all_plan_and_no_result(config):
    report = facts(status="paid", started_at=None, completed_at=None, revision=0, spent_usd=Decimal(0))
    document = build(report, config, [])
    assert document["runs"] == []
    assert document["completed_at"] is document["totals"]["duration_s"] is None
    assert [model["rank"] for model in document["models"]] == [None, None]
    assert document["totals"]["spent_usd"] == "0"
    assert START.astimezone(UTC).isoformat().startswith(document["created_at"][:19])
