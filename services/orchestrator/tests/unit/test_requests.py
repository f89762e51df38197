from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from modelpick_orchestrator.outcomes import run_values
from modelpick_orchestrator.planning import plan_rows
from modelpick_orchestrator.requests import Lease, request_parameters, run_request
from modelpick_orchestrator.snapshots import Snapshot
from modelpick_shared.catalog import load_catalog
from modelpick_shared.contracts import AttemptOutcome, JobKey, RunFinished
from modelpick_shared.ids import new_id
from modelpick_shared.pricing import worst_case_usd
from modelpick_shared.testing import config_snapshot

CATALOG = load_catalog()
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}}


def parameters(model_id, **changes):
    config = config_snapshot().model_copy(update=changes)
    return request_parameters(CATALOG[model_id], config, max_tokens=4096)


def test_a_schema_is_sent_as_such_where_the_model_supports_it():
    assert parameters("openai/gpt-5-mini", json_schema=SCHEMA).response_format == "json_schema"
    assert parameters("openai/gpt-5-mini").response_format == "json_object"
    assert parameters("amazon/nova-2-lite-v1", json_schema=SCHEMA).response_format is None


def test_temperature_is_sent_only_where_it_is_supported():
    assert parameters("google/gemini-2.5-flash-lite").temperature == 0
    assert parameters("openai/gpt-5-mini").temperature is None


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        (
            {"supports": ["reasoning"], "reasoning_efforts": ["high", "low"], "reasoning_mandatory": False},
            "none",
        ),
        (
            {"supports": ["reasoning"], "reasoning_efforts": ["high", "low"], "reasoning_mandatory": True},
            "low",
        ),
        ({"supports": ["reasoning"], "reasoning_efforts": [], "reasoning_mandatory": False}, None),
        ({"supports": [], "reasoning_efforts": ["low"], "reasoning_mandatory": False}, None),
    ],
)
def test_reasoning_is_off_or_as_low_as_the_model_allows(model, effort):
    config = config_snapshot(models=1)
    model = config.models[0].model_copy(update=model)
    assert request_parameters(model, config, max_tokens=4096).reasoning_effort == effort


def test_the_drafts_data_policy_goes_with_every_request():
    job = JobKey(new_id(), config_snapshot(models=1).models[0].id, 0, 0)
    now = datetime.now(UTC)
    for policy in ("any", "no_training"):
        config = config_snapshot(models=1).model_copy(update={"data_policy": policy})
        run = run_request(job, config, Lease(new_id(), now, now), max_tokens=4096)
        assert run.parameters.data_policy == policy


def test_the_answer_may_be_as_long_as_the_setting_or_the_model_allows():
    config = config_snapshot(models=2)
    short = config.models[1].model_copy(update={"max_output_tokens": 1000})
    config = config.model_copy(update={"models": [config.models[0], short]})
    models, jobs = plan_rows(new_id(), config, max_output_tokens=4096)
    assert [row["max_tokens"] for row in models] == [4096, 1000]
    assert {row["worst_case_usd"] for row in jobs if row["model_id"] == short.id} == {
        worst_case_usd(short, config, config.images[0], max_tokens=1000)
    }


def test_a_request_carries_its_image_lease_and_price_cap():
    config = config_snapshot(models=1)
    now = datetime.now(UTC)
    job = JobKey(new_id(), config.models[0].id, 1, 2)
    lease = Lease(new_id(), now + timedelta(seconds=300), now + timedelta(seconds=750))
    run = run_request(job, config, lease, max_tokens=4096)
    assert run.job_key == job
    assert (run.attempt_token, run.lease_ends_at, run.deadline_at) == lease
    assert run.image.sha256 == config.images[1].sha256
    assert run.price_cap.completion_usd_per_1m == config.models[0].max_output_usd_per_1m


def test_the_worst_case_covers_the_price_cap_the_prompt_and_the_longest_answer():
    config = config_snapshot(models=1)
    model, image = config.models[0], config.images[0]
    worst = worst_case_usd(model, config, image, max_tokens=4096)
    answer_alone = 4096 * model.max_output_usd_per_1m / Decimal(1_000_000)
    assert answer_alone < worst < 2 * answer_alone


def test_free_models_cost_nothing_at_worst():
    config = config_snapshot(models=1, tier="free")
    assert worst_case_usd(config.models[0], config, config.images[0], max_tokens=4096) == 0


@pytest.mark.parametrize(
    ("cost", "billed"),
    [
        (Decimal("0.5"), Decimal("0.5")),
        (Decimal(-1), None),
        (None, None),
    ],
)
def test_a_bill_is_believed_only_when_it_is_not_negative(cost, billed):
    config = config_snapshot(models=1)
    result = RunFinished(
        report_id=new_id(),
        model_id=config.models[0].id,
        image_index=0,
        run_index=0,
        attempt_token=new_id(),
        outcome=AttemptOutcome.ANSWERED,
        output="{}",
        cost_usd=cost,
    )
    assert run_values(result, Snapshot(config.model_dump(mode="json")))["cost"] == billed


def test_a_long_output_is_cut_at_64_kib_between_characters():
    config = config_snapshot(models=1)
    result = RunFinished(
        report_id=new_id(),
        model_id=config.models[0].id,
        image_index=0,
        run_index=0,
        attempt_token=new_id(),
        outcome=AttemptOutcome.TRUNCATED,
        output="ä" * 40_000,
    )
    stored = run_values(result, Snapshot(config.model_dump(mode="json")))["output_text"]
    assert len(stored.encode()) == 64 * 1024
    assert set(stored) == {"ä"}
