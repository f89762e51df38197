from decimal import Decimal

import pytest

from modelpick_checkout.drafts.estimate import TYPICAL_LATENCY_S, estimate
from modelpick_shared.settings import BenchmarkSettings
from modelpick_shared.testing import config_snapshot


@pytest.fixture
def settings():
    return BenchmarkSettings(_env_file=None)


def test_calls_are_models_times_images_times_runs(settings):
    found = estimate(config_snapshot(models=2, images=3, runs=3), settings)
    assert found.calls == 18
    assert [model.calls for model in found.models] == [9, 9]


def test_the_expected_cost_is_that_of_default_tokens_at_list_prices(settings):
    config = config_snapshot(models=1, images=2, runs=3)
    model = config.models[0]
    call_usd = (1500 * model.input_usd_per_1m + 500 * model.output_usd_per_1m) / 1_000_000
    found = estimate(config, settings)
    assert found.expected_cost_usd == found.models[0].expected_cost_usd == round(6 * call_usd, 4)
    assert found.worst_case_cost_usd > found.expected_cost_usd


def test_what_does_not_fit_is_cut_from_the_last_round_first(settings):
    config = config_snapshot(models=3, images=10, runs=3)
    one_round = estimate(config, settings).expected_cost_usd / 3
    tight = settings.model_copy(update={"cost_soft_ceiling_usd": one_round * 2})
    cut = estimate(config, tight).will_be_cut
    assert [item.model_id for item in cut] == [model.id for model in config.models]
    assert all(item.runs <= 10 for item in cut)


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


def test_an_empty_draft_costs_nothing(settings):
    found = estimate(config_snapshot(models=0, images=0), settings)
    assert (found.calls, found.expected_cost_usd, found.expected_duration_s) == (0, Decimal(0), 0)


def test_free_models_carry_a_warning(settings):
    found = estimate(config_snapshot(models=1, images=1, tier="free"), settings)
    assert "rate limited" in found.models[0].warning
