"""The report document keeps what was promised about it."""

from itertools import product

import pytest

pytestmark = pytest.mark.e2e

RUN_FIELDS = {
    *("n", "model_id", "image_index", "run_index", "outcome", "unmeasured_reason", "strict", "relaxed"),
    *("diffs", "output", "output_truncated", "latency_ms", "prompt_tokens", "completion_tokens", "cost_usd"),
    *("provider", "attempts", "error"),
}
MODEL_FIELDS = {
    *("id", "name", "provider", "tier", "rank", "tied_with", "strict", "relaxed", "field_accuracy"),
    *("consistency", "latency_ms", "cost_usd", "outcomes", "pareto"),
}
OUTCOMES = {"passed", "wrong", "invalid_json", "empty", "truncated", "refused", "unmeasured"}


@pytest.fixture
def document(told):
    return told.document


def test_it_has_the_fields_of_the_contract_and_no_others(document):
    assert set(document) == {
        *("id", "status", "revision", "created_at", "completed_at"),
        *("config", "totals", "models", "fields", "runs"),
    }
    assert set(document["config"]) == {
        *("models", "images", "extraction_prompt", "json_schema", "runs_per_image", "data_policy"),
    }
    assert set(document["totals"]) == {"jobs", "measured", "unmeasured", "spent_usd", "duration_s"}
    assert all(set(run) == RUN_FIELDS for run in document["runs"])
    assert all(set(model) == MODEL_FIELDS for model in document["models"])
    assert all(set(image) == {"index", "url", "expected"} for image in document["config"]["images"])


def test_every_run_of_every_model_on_every_image_is_there_once(document, told):
    keys = [(run["model_id"], run["image_index"], run["run_index"]) for run in document["runs"]]

    assert sorted(keys) == sorted(product(told.models, range(4), range(3)))
    assert len({run["n"] for run in document["runs"]}) == len(keys) == document["totals"]["jobs"] == 72


def test_totals_are_the_sums_of_the_runs(document):
    runs, totals = document["runs"], document["totals"]
    unmeasured = sum(run["outcome"] == "unmeasured" for run in runs)

    assert totals["unmeasured"] == unmeasured
    assert totals["measured"] == len(runs) - unmeasured
    assert document["status"] == ("partial" if unmeasured else "complete")
    spent_usd = sum(float(run["cost_usd"] or 0) for run in runs)
    assert spent_usd <= float(totals["spent_usd"]) + 1e-6


def test_a_models_figures_are_those_of_its_runs(document):
    for model in document["models"]:
        runs = [run for run in document["runs"] if run["model_id"] == model["id"]]
        measured = [run for run in runs if run["outcome"] != "unmeasured"]

        assert set(model["outcomes"]) == OUTCOMES
        for outcome, count in model["outcomes"].items():
            assert count == sum(run["outcome"] == outcome for run in runs)
        strict = sum(run["strict"] for run in measured) / len(measured)
        relaxed = sum(run["relaxed"] for run in measured) / len(measured)
        assert model["strict"]["pass_rate"] == pytest.approx(strict)
        assert model["relaxed"]["pass_rate"] == pytest.approx(relaxed)


def test_relaxed_accepts_whatever_strict_accepts(document):
    assert all(run["relaxed"] for run in document["runs"] if run["strict"])
    assert all(run["strict"] == (run["outcome"] == "passed") for run in measured_runs(document))


def test_ranks_follow_the_strict_pass_rate(document):
    ranked = sorted(
        (model for model in document["models"] if model["rank"] is not None),
        key=lambda model: (model["rank"], -model["strict"]["pass_rate"]),
    )
    rates = [model["strict"]["pass_rate"] for model in ranked]

    assert ranked[0]["rank"] == 1
    assert rates == sorted(rates, reverse=True)
    names = {model["id"] for model in ranked}
    assert all(set(model["tied_with"]) <= names - {model["id"]} for model in ranked)


def test_a_wrong_answer_says_where_it_differs(document):
    for run in document["runs"]:
        assert bool(run["diffs"]) == (run["outcome"] == "wrong")
        for diff in run["diffs"]:
            assert set(diff) == {"path", "kind", "expected", "actual", "rescued_by"}
            assert diff["kind"] in {"missing", "extra", "wrong"}


def test_a_measured_run_has_its_latency_cost_and_output(document):
    for run in measured_runs(document):
        assert run["latency_ms"] > 0
        assert isinstance(run["cost_usd"], str)
        assert "e" not in run["cost_usd"].lower()
        assert len((run["output"] or "").encode()) <= 2048


def test_field_accuracy_is_told_by_path_and_model(document, told):
    paths = {field["path"] for field in document["fields"]}

    assert any("line_items" in path for path in paths)
    assert {"merchant", "total"} <= {path.lstrip("/$.") for path in paths}
    for field in document["fields"]:
        assert set(field["by_model"]) <= set(told.models)
        assert all(rate is None or 0 <= rate <= 1 for rate in field["by_model"].values())


def measured_runs(document):
    return [run for run in document["runs"] if run["outcome"] != "unmeasured"]
