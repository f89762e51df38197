"""What running a draft will cost and take, before it is paid for."""

import math
from collections import Counter
from decimal import Decimal
from typing import Protocol

from modelpick_checkout.drafts.schemas import CutRuns, Estimate, ModelEstimate
from modelpick_shared.catalog import effective_concurrency
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ModelSpec
from modelpick_shared.pricing import expected_usd, max_output_tokens, worst_case_usd

# A typical answer of a mid-size vision model; slow and fast ones differ by a factor of three either way.
TYPICAL_LATENCY_S = 8
_CENT_FRACTION = Decimal("0.0001")


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


def estimate(config: ConfigSnapshot, settings: EstimateSettings) -> Estimate:
    """Estimate a run of `config`: expected at list prices, worst case at the price caps."""
    call_usd = {model.id: _expected_call_usd(model, settings) for model in config.models}
    cut = _cut_runs(config, call_usd, settings.cost_soft_ceiling_usd)
    calls_each = len(config.images) * config.runs_per_image
    return Estimate(
        calls=config.total_jobs,
        expected_cost_usd=_rounded(calls_each * sum(call_usd.values(), Decimal(0))),
        worst_case_cost_usd=_rounded(_worst_case_usd(config, settings)),
        ceiling_usd=settings.cost_ceiling_usd,
        expected_duration_s=_duration_s(config, calls_each, settings),
        models=[
            ModelEstimate(
                id=model.id,
                calls=calls_each,
                expected_cost_usd=_rounded(calls_each * call_usd[model.id]),
                warning=_warning(model),
            )
            for model in config.models
        ],
        will_be_cut=[CutRuns(model_id=model_id, runs=runs) for model_id, runs in cut.items()],
    )


def _expected_call_usd(model: ModelSpec, settings: EstimateSettings) -> Decimal:
    return expected_usd(
        model, input_tokens=settings.default_input_tokens, output_tokens=settings.default_output_tokens
    )


def _worst_case_usd(config: ConfigSnapshot, settings: EstimateSettings) -> Decimal:
    once = sum(
        (
            worst_case_usd(
                model, config, image, max_tokens=max_output_tokens(model, settings.max_output_tokens)
            )
            for model in config.models
            for image in config.images
        ),
        Decimal(0),
    )
    return once * config.runs_per_image


def _cut_runs(
    config: ConfigSnapshot, call_usd: dict[str, Decimal], soft_ceiling_usd: Decimal
) -> Counter[str]:
    """Count the calls that would not start when the budget goes round by round, as the report's does."""
    spent_usd = Decimal(0)
    cut: Counter[str] = Counter()
    for _ in range(config.runs_per_image):
        for _ in config.images:
            for model in config.models:
                if spent_usd >= soft_ceiling_usd:
                    cut[model.id] += 1
                else:
                    spent_usd += call_usd[model.id]
    return cut


def _duration_s(config: ConfigSnapshot, calls_each: int, settings: EstimateSettings) -> int:
    """Return how long the slowest queue takes, at most as long as a report may."""
    waves = max(
        (
            math.ceil(calls_each / effective_concurrency(model, settings.per_model_concurrency))
            for model in config.models
        ),
        default=0,
    )
    if settings.global_concurrency:
        waves = max(waves, math.ceil(config.total_jobs / settings.global_concurrency))
    return min(waves * TYPICAL_LATENCY_S, settings.max_benchmark_duration_s)


def _warning(model: ModelSpec) -> str | None:
    if model.tier == "free":
        return "Free models are often rate limited: some of its runs may stay unmeasured."
    return None


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(_CENT_FRACTION)
