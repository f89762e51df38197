"""What running a draft will cost and take, before it is paid for."""

import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from modelpick_checkout.drafts.budget import CallCost, count_cut
from modelpick_checkout.drafts.image_tokens import image_tokens
from modelpick_checkout.drafts.schemas import CutRuns, Estimate, ModelEstimate
from modelpick_shared.catalog import effective_concurrency
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot, ModelSpec
from modelpick_shared.pricing import (
    expected_usd,
    image_tokens_bound,
    max_output_tokens,
    text_tokens_bound,
    worst_case_of_usd,
)

# A typical answer of a mid-size vision model; slow and fast ones differ by a factor of three either way.
TYPICAL_LATENCY_S = 8
# OpenRouter's limit for all free models of an account together (openrouter.ai/docs, "Free Variant").
FREE_CALLS_A_MINUTE = 20
# The usual rule of thumb for English. Other languages take more, but the prompt is a small part of a bill.
CHARACTERS_A_PROMPT_TOKEN = 4
# Quotes, brackets, digits and names in JSON make shorter tokens than prose does.
CHARACTERS_AN_ANSWER_TOKEN = 3
# Models indent and add a line or a fence; what they think beforehand is not known before it was billed.
ANSWER_MARGIN = 1.25
ANSWER_MARGIN_TOKENS = 20

_CENT_FRACTION = Decimal("0.0001")
_RATE_LIMITED = (
    "All free models together are allowed 20 calls a minute, and 50 or 1,000 calls a day: they are often "
    "rate limited, and some of its runs may stay unmeasured."
)
_RULED_OUT = (
    "The providers of free models may train on what they are sent. The data policy of this draft rules that "
    "out, so this model will not run."
)


class EstimateSettings(Protocol):
    """The settings that an estimate depends on."""

    @property
    def default_input_tokens(self) -> int: ...
    @property
    def default_output_tokens(self) -> int: ...
    @property
    def max_output_tokens(self) -> int: ...
    @property
    def cost_ceiling_usd(self) -> Decimal: ...
    @property
    def cost_soft_ceiling_usd(self) -> Decimal: ...
    @property
    def per_model_concurrency(self) -> int: ...
    @property
    def global_concurrency(self) -> int: ...
    @property
    def max_benchmark_duration_s(self) -> int: ...


class _ImageTokens(NamedTuple):
    """What is sent and expected back for an image, whatever the model."""

    image: ImageSnapshot
    answer: int
    bound: int


def estimate(
    config: ConfigSnapshot, settings: EstimateSettings, ruled_out: Iterable[ModelSpec] = ()
) -> Estimate:
    """Estimate a run of `config`: expected at list prices, worst case at the price caps.

    `ruled_out` are the models that were picked but will not run, because of the data policy.
    """
    rows = _rows(config, settings)
    cost_usd = {
        model.id: config.runs_per_image * sum((row[model.id].expected_usd for row in rows), Decimal(0))
        for model in config.models
    }
    worst_usd = sum((cost.worst_usd for row in rows for cost in row.values()), Decimal(0))
    return Estimate(
        calls=config.total_jobs,
        expected_cost_usd=_rounded(sum(cost_usd.values(), Decimal(0))),
        worst_case_cost_usd=_rounded(config.runs_per_image * worst_usd),
        ceiling_usd=settings.cost_ceiling_usd,
        expected_duration_s=_duration_s(config, settings),
        models=[
            *(_of_model(model, _calls_each(config), cost_usd[model.id]) for model in config.models),
            *(_without_calls(model) for model in ruled_out),
        ],
        will_be_cut=_cut_runs(config, rows, settings),
    )


def _rows(config: ConfigSnapshot, settings: EstimateSettings) -> list[dict[str, CallCost]]:
    """Return, image by image, what a call of each model costs."""
    text_bound = text_tokens_bound(config)
    text_tokens = _text_tokens(config)
    rows = []
    for image in config.images:
        tokens = _ImageTokens(
            image,
            _answer_tokens(image.expected, settings.default_output_tokens),
            text_bound + image_tokens_bound(image),
        )
        rows.append({model.id: _call_cost(model, tokens, text_tokens, settings) for model in config.models})
    return rows


def _call_cost(
    model: ModelSpec, tokens: _ImageTokens, text_tokens: int, settings: EstimateSettings
) -> CallCost:
    seen = image_tokens(model, tokens.image)
    max_tokens = max_output_tokens(model, settings.max_output_tokens)
    expected = expected_usd(
        model,
        input_tokens=text_tokens + (settings.default_input_tokens if seen is None else seen),
        output_tokens=min(tokens.answer, max_tokens),
    )
    worst = worst_case_of_usd(model, input_tokens=tokens.bound, max_tokens=max_tokens)
    # A bill above the reservation is a fault, not something to expect.
    return CallCost(min(expected, worst), worst)


def _text_tokens(config: ConfigSnapshot) -> int:
    """Return how many tokens the prompt and the schema take; the schema goes along with every call."""
    characters = len(config.extraction_prompt)
    if config.json_schema is not None:
        characters += _characters(config.json_schema)
    return math.ceil(characters / CHARACTERS_A_PROMPT_TOKEN)


def _answer_tokens(expected: JsonValue, default: int) -> int:
    if expected is None:
        return default
    tokens = _characters(expected) / CHARACTERS_AN_ANSWER_TOKEN
    return math.ceil(tokens * ANSWER_MARGIN) + ANSWER_MARGIN_TOKENS


def _characters(value: JsonValue) -> int:
    return len(json.dumps(value, ensure_ascii=False))


def _calls_each(config: ConfigSnapshot) -> int:
    return len(config.images) * config.runs_per_image


def _of_model(model: ModelSpec, calls: int, cost_usd: Decimal) -> ModelEstimate:
    warning = _RATE_LIMITED if model.tier == "free" else None
    return ModelEstimate(id=model.id, calls=calls, expected_cost_usd=_rounded(cost_usd), warning=warning)


def _without_calls(model: ModelSpec) -> ModelEstimate:
    return ModelEstimate(id=model.id, calls=0, expected_cost_usd=_rounded(Decimal(0)), warning=_RULED_OUT)


def _cut_runs(
    config: ConfigSnapshot, rows: list[dict[str, CallCost]], settings: EstimateSettings
) -> list[CutRuns]:
    cut = count_cut(
        rows,
        runs=config.runs_per_image,
        ceiling_usd=settings.cost_ceiling_usd,
        soft_ceiling_usd=settings.cost_soft_ceiling_usd,
    )
    return [CutRuns(model_id=model.id, runs=cut[model.id]) for model in config.models if cut[model.id]]


def _duration_s(config: ConfigSnapshot, settings: EstimateSettings) -> int:
    """Return how long the slowest queue takes, at most as long as a report may."""
    calls_each = _calls_each(config)
    waves = max(
        (
            math.ceil(calls_each / effective_concurrency(model, settings.per_model_concurrency))
            for model in config.models
        ),
        default=0,
    )
    if settings.global_concurrency:
        waves = max(waves, math.ceil(config.total_jobs / settings.global_concurrency))
    longest = max(waves * TYPICAL_LATENCY_S, _free_calls_s(config.models, calls_each))
    return min(longest, settings.max_benchmark_duration_s)


def _free_calls_s(models: Sequence[ModelSpec], calls_each: int) -> int:
    """Return how long the calls of all free models take, as their provider spreads them over minutes."""
    free_calls = calls_each * sum(model.tier == "free" for model in models)
    return math.ceil(free_calls * 60 / FREE_CALLS_A_MINUTE)


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(_CENT_FRACTION)
