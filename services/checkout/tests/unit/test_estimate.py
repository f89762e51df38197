import json
import time
from decimal import Decimal

import pytest

from modelpick_checkout.drafts.estimate import TYPICAL_LATENCY_S, estimate
from modelpick_shared.catalog import load_catalog
from modelpick_shared.pricing import worst_case_usd
from modelpick_shared.settings import BenchmarkSettings
from modelpick_shared.testing import config_snapshot

CATALOG = load_catalog()


@pytest.fixture
def settings():
    return BenchmarkSettings(_env_file=None)


def one_call(model_id, settings, **image):
    """Estimate one call of a model on one image."""
    config = config_snapshot(models=0, images=1, runs=1)
    images = [config.images[0].model_copy(update=image)]
    return estimate(config.model_copy(update={"models": [CATALOG[model_id]], "images": images}), settings)


def test_calls_are_models_times_images_times_runs(settings):
    found = estimate(config_snapshot(models=2, images=3, runs=3), settings)
    assert found.calls == 18
    assert [model.calls for model in found.models] == [9, 9]


def test_the_expected_cost_is_that_of_image_text_and_answer_at_list_prices(settings):
    expected = {"lines": [{"text": "x" * 300}] * 10}
    model = CATALOG["mistralai/mistral-medium-3-5"]
    found = one_call(model.id, settings, expected=expected)
    prompt_tokens = 5  # "Read the receipt."
    answer_tokens = -(-len(json.dumps(expected)) * 5 // 12) + 20
    cost = (1500 + prompt_tokens) * model.input_usd_per_1m + answer_tokens * model.output_usd_per_1m
    assert found.expected_cost_usd == found.models[0].expected_cost_usd == round(cost / 1_000_000, 4)


def test_the_schema_is_paid_for_with_every_call(settings):
    config = config_snapshot(models=1, images=2, runs=3)
    with_schema = config.model_copy(update={"json_schema": {"description": "x" * 40_000}})
    more = estimate(with_schema, settings).expected_cost_usd - estimate(config, settings).expected_cost_usd
    assert more == pytest.approx(
        6 * 10_000 * config.models[0].input_usd_per_1m / 1_000_000, rel=Decimal("0.01")
    )


def test_without_expected_json_the_usual_length_is_expected(settings):
    usual = one_call("x-ai/grok-4.6", settings, expected=None)
    longer = settings.model_copy(update={"default_output_tokens": 1500})
    more = one_call("x-ai/grok-4.6", longer, expected=None).expected_cost_usd - usual.expected_cost_usd
    assert more == 1000 * CATALOG["x-ai/grok-4.6"].output_usd_per_1m / 1_000_000


def test_no_answer_is_expected_to_be_longer_than_it_may_be(settings):
    found = one_call("x-ai/grok-4.6", settings, expected="x" * 60_000)
    assert found.expected_cost_usd <= found.worst_case_cost_usd


def test_the_worst_case_is_what_the_orchestrator_reserves(settings):
    config = config_snapshot(models=3, images=2, runs=3)
    reserved = sum(
        worst_case_usd(model, config, image, max_tokens=4096)
        for model in config.models
        for image in config.images
    )
    assert estimate(config, settings).worst_case_cost_usd == round(3 * reserved, 4)


def test_what_does_not_fit_is_cut_from_the_last_rows_for_all_models_alike(settings):
    config = config_snapshot(models=3, images=10, runs=3)
    one_round = estimate(config, settings).expected_cost_usd / 3
    tight = settings.model_copy(
        update={"cost_soft_ceiling_usd": one_round * 2, "cost_ceiling_usd": one_round * 2 + 1}
    )
    cut = estimate(config, tight).will_be_cut
    assert [item.model_id for item in cut] == [model.id for model in config.models]
    assert len({item.runs for item in cut}) == 1
    assert all(5 <= item.runs <= 20 for item in cut)


def test_nothing_is_cut_when_the_budget_is_large(settings):
    assert estimate(config_snapshot(models=2, images=2), settings).will_be_cut == []


def test_the_duration_is_that_of_the_slowest_queue_and_never_over_the_deadline(settings):
    config = config_snapshot(models=2, images=10, runs=3)
    assert estimate(config, settings).expected_duration_s == 10 * TYPICAL_LATENCY_S
    one_at_a_time = settings.model_copy(update={"per_model_concurrency": 1, "max_benchmark_duration_s": 100})
    assert estimate(config, one_at_a_time).expected_duration_s == 100


def test_the_global_limit_stretches_the_duration(settings):
    narrow = settings.model_copy(update={"global_concurrency": 2})
    found = estimate(config_snapshot(models=2, images=10, runs=3), narrow)
    assert found.expected_duration_s == 30 * TYPICAL_LATENCY_S


def test_all_free_models_share_twenty_calls_a_minute(settings):
    free = (
        config_snapshot(models=1, images=10, runs=3, tier="free")
        .models[0]
        .model_copy(update={"max_concurrency": None})
    )
    config = config_snapshot(models=0, images=10, runs=3)
    ten = [free.model_copy(update={"id": f"free/{number}"}) for number in range(6)]
    assert estimate(config.model_copy(update={"models": ten}), settings).expected_duration_s == 180 * 3


def test_an_empty_draft_costs_nothing(settings):
    found = estimate(config_snapshot(models=0, images=0), settings)
    assert (found.calls, found.expected_cost_usd, found.expected_duration_s) == (0, Decimal(0), 0)


def test_money_is_written_as_plain_decimals(settings):
    written = json.loads(
        estimate(config_snapshot(models=1, images=1, tier="free"), settings).model_dump_json()
    )
    assert written["expected_cost_usd"] == written["models"][0]["expected_cost_usd"] == "0.0000"
    assert written["ceiling_usd"] == "7.00"


def test_free_models_carry_a_warning(settings):
    found = estimate(config_snapshot(models=1, images=1, tier="free"), settings)
    assert "rate limited" in found.models[0].warning


def test_models_that_the_data_policy_rules_out_are_listed_without_calls(settings):
    config = config_snapshot(models=1, images=2)
    free = config_snapshot(models=1, tier="free").models
    found = estimate(config, settings, ruled_out=free)
    assert found.calls == 6
    assert [(model.id, model.calls) for model in found.models] == [(config.models[0].id, 6), (free[0].id, 0)]
    assert "data policy" in found.models[1].warning


def test_a_full_report_is_estimated_within_twenty_milliseconds(settings):
    config = config_snapshot(models=24, images=10, runs=3)
    config = config.model_copy(update={"json_schema": {f"p{i}": {"type": "string"} for i in range(2000)}})

    def seconds():
        started = time.perf_counter()
        estimate(config, settings)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(10)) < 0.02
