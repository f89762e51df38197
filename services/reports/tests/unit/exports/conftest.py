"""Reports with random but plausible outcomes, the same ones for the same arguments."""

import math
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot, ModelSpec
from modelpick_shared.document import ReportFacts, RunFacts, build_document

ORDERED = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
SECTIONS = ("merchant", "customer", "invoice", "totals", "payment", "delivery")
KEYS = ("name", "street", "city", "postal_code", "vat_number", "date", "net_amount", "currency")
ROW_KEYS = ("description", "quantity", "unit_price", "total")
FAMILIES = (
    *("Claude Opus 4.5", "Gemini 3 Pro", "GPT-5.2", "Claude Sonnet 4.5", "Qwen3 VL 235B A22B Instruct"),
    *("Gemini 3 Flash", "GPT-5 Mini", "Grok 4 Fast", "Mistral Medium 3.1", "GLM 4.6V", "Llama 4 Maverick"),
    *("Pixtral Large 2411", "Nova Pro 1.0", "Gemma 3 27B", "Phi 4 Multimodal", "InternVL3 78B"),
)


@pytest.fixture
def make_report():
    """Return the maker of sample reports."""
    return sample_report


@pytest.fixture(scope="session")
def full_document():
    """Return a report of the largest order that can be made."""
    return sample_report(models=24, images=10, runs=3, fields=40, unmeasured=0.02, status="partial")


def sample_report(
    *,
    models=3,
    images=2,
    runs=2,
    fields=12,
    unmeasured=0.0,
    priced=True,
    status="complete",
    done=1.0,
    names=None,
    statistics=True,
    seed=7,
):
    """Return a report document.

    `done` is the share of the runs that have ended, `unmeasured` that of the ended ones without an answer.
    Without `statistics` no rate has an interval and no model is tied.
    """
    dice = random.Random(seed)
    config = ConfigSnapshot(
        models=[_model(number, names) for number in range(models)],
        images=[_image(number, fields) for number in range(images)],
        extraction_prompt="Read the invoice. Answer with JSON only, dates as YYYY-MM-DD, amounts as numbers.",
        runs_per_image=runs,
    )
    outcomes = [
        _run(dice, config, (model, image, run), unmeasured=unmeasured, priced=priced)
        for model in range(models)
        for image in range(images)
        for run in range(runs)
        if dice.random() < done
    ]
    ended = status in {"complete", "partial", "failed"}
    facts = ReportFacts(
        id=UUID("0195a8b0-0000-7000-8000-000000000001"),
        status=status,
        revision=3,
        total_jobs=config.total_jobs,
        spent_usd=sum((run.cost_usd or Decimal(0) for run in outcomes), Decimal(0)),
        created_at=ORDERED,
        started_at=ORDERED + timedelta(seconds=5),
        completed_at=ORDERED + timedelta(seconds=437.5) if ended else None,
    )
    document = build_document(facts, config, outcomes, image_url=lambda index: f"/api/share/t/images/{index}")
    return document if statistics else without_statistics(document)


def without_statistics(document):
    """Return the document as it was before there were intervals and ties."""
    models = [
        model.model_copy(
            update={
                "tied_with": [],
                "strict": model.strict.model_copy(update={"ci95": None}),
                "relaxed": model.relaxed.model_copy(update={"ci95": None}),
            }
        )
        for model in document.models
    ]
    return document.model_copy(update={"models": models})


def _model(number, names):
    name = names[number] if names else FAMILIES[number % len(FAMILIES)] + " (preview)" * (number // 16)
    tier = ("premium", "mid", "budget", "free")[min(3, number * 4 // 22)]
    price = Decimal(0) if tier == "free" else (Decimal(15) / (1 + number)).quantize(Decimal("0.001"))
    return ModelSpec(
        id=f"vendor-{number}/{FAMILIES[number % len(FAMILIES)].lower().replace(' ', '-')}-{number}",
        name=name,
        provider=f"Vendor {number}",
        tier=tier,
        input_usd_per_1m=price,
        output_usd_per_1m=5 * price,
        max_input_usd_per_1m=price,
        max_output_usd_per_1m=5 * price,
        context_length=128_000,
    )


def _image(number, fields):
    plain = [f"{section}.{key}" for section in SECTIONS for key in KEYS]
    expected = {"line_items": [{key: f"{key} {row}" for key in ROW_KEYS} for row in range(2)]}
    for path in plain[: max(0, fields - len(ROW_KEYS))]:
        section, key = path.split(".")
        expected.setdefault(section, {})[key] = f"{key} {number}"
    return ImageSnapshot(
        key=f"images/{number}",
        sha256="0" * 64,
        media_type="image/png",
        width=800,
        height=1200,
        bytes=1,
        expected=expected,
    )


def _run(dice, config, place, *, unmeasured, priced):
    number, image, run = place
    model = config.models[number]
    key = {"model_id": model.id, "image_index": image, "run_index": run}
    if dice.random() < unmeasured:
        reason = dice.choice(["rate_limited", "timeout", "provider_error"])
        return RunFacts(**key, outcome="unmeasured", unmeasured_reason=reason, error="429 Too Many Requests")
    measured = {
        "latency_ms": int(dice.lognormvariate(math.log(900 + 4000 / (1 + number % 7)), 0.35)),
        "prompt_tokens": 1400 + dice.randrange(200),
        "completion_tokens": 300 + dice.randrange(100),
        "provider": model.provider,
        "cost_usd": (model.input_usd_per_1m * Decimal("0.0035")).quantize(Decimal("0.000001"))
        if priced
        else None,
    }
    if dice.random() < 0.01 * number / 4:
        outcome = dice.choice(["invalid_json", "empty", "truncated", "refused"])
        return RunFacts(
            **key, **measured, outcome=outcome, passed=False, passed_relaxed=False, output="I am sorry"
        )
    return RunFacts(**key, **measured, **_answer(dice, number, config.images[image].expected))


def _answer(dice, number, expected):
    sections = {name: value for name, value in expected.items() if name in SECTIONS}
    paths = [f"{name}.{key}" for name, value in sections.items() for key in value]
    paths += [f"line_items[{row}].{key}" for row in range(2) for key in ROW_KEYS]
    diffs = [
        {"path": path, "kind": "wrong", "expected": "8.00", "actual": "=8", "rescued_by": None}
        for position, path in enumerate(paths)
        if dice.random() < 0.0006 * (number + 1) * (1 + 6 * (position % 9 == 4))
    ]
    return {
        "outcome": "wrong" if diffs else "passed",
        "passed": not diffs,
        "passed_relaxed": not diffs or (len(diffs) == 1 and dice.random() < 0.4),
        "diffs": diffs,
        "output": '{"merchant": {"name": "M\u00fcller & S\u00f6hne"}}',
    }
