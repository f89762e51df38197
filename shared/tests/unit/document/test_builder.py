import json
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from modelpick_shared.document import ReportFacts, RunFacts, build_document, run_number
from modelpick_shared.ids import new_id
from modelpick_shared.testing import an_image, config_snapshot

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
    assert document["models"][0]["strict"] == {"pass_rate": 1.0, "ci95": [0.342380228, 1.0]}
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


def test_models_are_ranked_and_their_fields_counted():
    config = config_snapshot(models=3, images=6, runs=1)
    runs = [run(config, 0, image, **wrong()) for image in range(6)]
    runs += [run(config, model, image) for model in (1, 2) for image in range(6)]
    document = build(facts(), config, runs)
    worst, good, as_good = document["models"]
    assert [model["rank"] for model in (worst, good, as_good)] == [3, 1, 1]
    assert [model["tied_with"] for model in (worst, good, as_good)] == [[], [as_good["id"]], [good["id"]]]
    assert [model["pareto"] for model in (worst, good, as_good)] == [False, True, True]
    assert (worst["field_accuracy"], good["field_accuracy"]) == (0.0, 1.0)
    assert document["runs"][0]["diffs"] == [
        {"path": "total", "kind": "wrong", "expected": 0, "actual": 1, "rescued_by": None}
    ]


def test_two_images_do_not_show_that_one_model_is_better(config):
    runs = [run(config, 0, image, number, **wrong()) for image in range(2) for number in range(2)]
    runs += [run(config, 1, image, number) for image in range(2) for number in range(2)]
    document = build(facts(), config, runs)
    assert [model["rank"] for model in document["models"]] == [1, 1]


def test_a_model_that_is_mostly_unmeasured_is_neither_ranked_nor_tied(config):
    runs = [run(config, 0, image, number) for image in range(2) for number in range(2)]
    runs += [run(config, 1, 0, 0), *(run(config, 1, *place, **unmeasured()) for place in ((0, 1), (1, 0)))]
    ranked, unranked = build(facts(status="partial"), config, runs)["models"]
    assert (ranked["rank"], ranked["tied_with"]) == (1, [])
    assert (unranked["rank"], unranked["tied_with"], unranked["pareto"]) == (None, [], False)
    assert unranked["strict"]["pass_rate"] == 1.0
    assert unranked["strict"]["ci95"][0] < 0.3


def test_a_long_output_is_cut_at_2_kib_between_characters(config):
    texts = {"a" * 2048: (2048, False), "a" * 2049: (2048, True), "a" + "ü" * 1024: (2047, True)}
    for text, (length_bytes, truncated) in texts.items():
        (entry,) = build(facts(), config, [run(config, output=text)])["runs"]
        assert len(entry["output"].encode()) == length_bytes
        assert text.startswith(entry["output"])
        assert entry["output_truncated"] is truncated


def receipt(number):
    lines = [{"description": f"item {line}", "quantity": line, "price": 1.5 * line} for line in range(8)]
    return {"shop": {"name": f"Shop {number}", "town": "Berlin"}, "items": lines, "tax": 19, "total": number}


def a_full_report(*, diffs=3, output="{}"):
    """24 models x 10 images x 3 runs: better and worse models, a twentieth of the runs unmeasured."""
    draws = random.Random(5)
    config = config_snapshot(models=24, images=10, runs=3)
    config = config.model_copy(update={"images": [an_image(n, receipt(n)) for n in range(10)]})
    paths = [f"items[{line}].{name}" for line in range(8) for name in ("description", "quantity", "price")]
    runs = []
    for model, image in ((model, image) for model in range(24) for image in range(10)):
        passing = draws.betavariate(1 - model / 30, 0.01 + model / 30)
        for number in range(3):
            changes = wrong() | {"output": output, "latency_ms": draws.randint(400, 4000)}
            changes["diffs"] = [
                {"path": path, "kind": "wrong", "expected": 1.5, "actual": "1.50", "rescued_by": "relaxed"}
                for path in draws.sample(paths, diffs)
            ]
            if draws.random() < passing:
                changes |= {"outcome": "passed", "passed": True, "passed_relaxed": True, "diffs": []}
            cost_usd = Decimal(draws.randint(100, 9999)) / 10**7
            own = unmeasured() if draws.random() < 0.05 else changes | {"cost_usd": cost_usd}
            runs.append(run(config, model, image, number, **own))
    return config, runs


def test_identical_data_give_identical_bytes_in_whatever_order_the_runs_come():
    config, runs = a_full_report()
    report, documents = facts(), set()
    for seed in range(5):
        shuffled = random.Random(seed).sample(runs, len(runs))
        document = build_document(report, config, shuffled, image_url=lambda index: f"/images/{index}")
        documents.add(document.model_dump_json())
    assert len(documents) == 1


@pytest.mark.parametrize(
    ("diffs", "output", "least"),
    [
        (3, "x" * 5000, 2048),
        (8, "ü" * 5000, 2048),
        (8, '{"line": "12.50"}\n' * 300, 1000),
        (20, "x" * 5000, 500),
    ],
)
def test_a_full_report_with_long_outputs_and_many_differences_stays_under_2_mb(diffs, output, least):
    """Where there is too much of all of them, outputs are cut at less than 2 KiB."""
    config, runs = a_full_report(diffs=diffs, output=output)
    document = build_document(facts(), config, runs, image_url=lambda index: f"/images/{index}")
    assert len(document.model_dump_json().encode()) < 2_000_000
    outputs = [entry.output for entry in document.runs if entry.output is not None]
    assert all(len(text.encode()) >= least and output.startswith(text) for text in outputs)
    assert sum(len(entry.diffs) for entry in document.runs) == sum(len(own.diffs or []) for own in runs)


def test_even_hundreds_of_differences_in_every_run_stay_under_2_mb_and_count_all():
    config, runs = a_full_report(output="x" * 5000)
    many = [
        {"path": f"items[{line}].note", "kind": "wrong", "expected": "e" * 300, "actual": "a" * 300}
        for line in range(200)
    ]
    crowded = [replace(own, diffs=many) if own.outcome == "wrong" else own for own in runs]
    document = build_document(facts(), config, crowded, image_url=lambda index: f"/images/{index}")
    assert len(document.model_dump_json().encode()) < 2_000_000
    assert all(entry.diffs for entry in document.runs if entry.outcome == "wrong")


def test_a_full_report_is_built_in_300_ms():
    """The figure is 300 ms; three times as much is allowed, for machines busy with other tests."""
    config, runs = a_full_report()
    report, times_ms = facts(), []
    for _ in range(3):
        start = time.process_time()
        build_document(report, config, runs, image_url=lambda index: f"/images/{index}").model_dump_json()
        times_ms.append(1000 * (time.process_time() - start))
    print(f"document of 24 x 10 x 3 runs: {min(times_ms):.0f} ms")  # noqa: T201 - the figure itself
    assert min(times_ms) < 3 * 300


def test_ranks_follow_the_pass_rate_and_ties_are_mutual():
    config, runs = a_full_report()
    models = build(facts(), config, runs)["models"]
    by_rate = sorted(models, key=lambda model: -model["strict"]["pass_rate"])
    ranks = [model["rank"] for model in by_rate]
    assert ranks == sorted(ranks)
    for model in models:
        same = [other["id"] for other in models if other["rank"] == model["rank"]]
        assert set(model["tied_with"]) == set(same) - {model["id"]}
        low, high = model["strict"]["ci95"]
        assert 0 <= low <= model["strict"]["pass_rate"] <= high <= 1


def test_a_report_that_has_not_started_is_all_plan_and_no_result(config):
    report = facts(status="paid", started_at=None, completed_at=None, revision=0, spent_usd=Decimal(0))
    document = build(report, config, [])
    assert document["runs"] == []
    assert document["completed_at"] is document["totals"]["duration_s"] is None
    assert [model["rank"] for model in document["models"]] == [None, None]
    assert document["totals"]["spent_usd"] == "0"
    assert START.astimezone(UTC).isoformat().startswith(document["created_at"][:19])
