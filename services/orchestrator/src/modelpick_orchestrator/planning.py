"""The plan of a report: its models and its jobs, each with what one call can cost at most."""

from typing import Any
from uuid import UUID

from modelpick_shared.contracts import JobKey
from modelpick_shared.contracts.snapshot import ConfigSnapshot
from modelpick_shared.pricing import max_output_tokens as longest_answer
from modelpick_shared.pricing import worst_case_usd

Rows = list[dict[str, Any]]


def plan_rows(report_id: UUID, config: ConfigSnapshot, *, max_output_tokens: int) -> tuple[Rows, Rows]:
    """Return the rows of `report_models` and `benchmark_jobs`."""
    max_tokens = {model.id: longest_answer(model, max_output_tokens) for model in config.models}
    models = [
        {
            "report_id": report_id,
            "model_id": model.id,
            "position": position,
            "total": len(config.images) * config.runs_per_image,
            "max_tokens": max_tokens[model.id],
        }
        for position, model in enumerate(config.models)
    ]
    return models, _job_rows(report_id, config, max_tokens)


def _job_rows(report_id: UUID, config: ConfigSnapshot, max_tokens: dict[str, int]) -> Rows:
    return [
        JobKey(report_id, model.id, image_index, run_index)._asdict() | {"worst_case_usd": worst_case}
        for model in config.models
        for image_index, image in enumerate(config.images)
        for worst_case in [worst_case_usd(model, config, image, max_tokens=max_tokens[model.id])]
        for run_index in range(config.runs_per_image)
    ]
