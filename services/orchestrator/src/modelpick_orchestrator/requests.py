"""How a model is asked: the request parameters that it supports, from its catalogue entry."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from modelpick_shared.contracts import ImageRef, JobKey, PriceCap, RequestParameters, RunRequested
from modelpick_shared.contracts.snapshot import ConfigSnapshot, ModelSpec

_EFFORTS = {
    name: rank for rank, name in enumerate(("none", "minimal", "low", "medium", "high", "xhigh", "max"))
}


class Lease(NamedTuple):
    """One attempt at a job: its token, and until when it and the report may take, in database time."""

    token: UUID
    ends_at: datetime
    deadline_at: datetime


def run_request(
    job: JobKey,
    config: ConfigSnapshot,
    lease: Lease,
    *,
    max_tokens: int,
    preferred_provider: str | None = None,
    calls_made: int = 0,
) -> RunRequested:
    """Build the message that asks a worker to run `job`."""
    model = config.model(job.model_id)
    image = config.images[job.image_index]
    return RunRequested(
        **job._asdict(),
        attempt_token=lease.token,
        lease_ends_at=lease.ends_at,
        deadline_at=lease.deadline_at,
        parameters=request_parameters(model, config, max_tokens=max_tokens),
        prompt=config.extraction_prompt,
        json_schema=config.json_schema,
        image=ImageRef(key=image.key, sha256=image.sha256, media_type=image.media_type),
        price_cap=PriceCap(
            prompt_usd_per_1m=model.max_input_usd_per_1m, completion_usd_per_1m=model.max_output_usd_per_1m
        ),
        preferred_provider=preferred_provider,
        calls_made=calls_made,
    )


def request_parameters(model: ModelSpec, config: ConfigSnapshot, *, max_tokens: int) -> RequestParameters:
    """Return what to send to the model; the answer's length never depends on the expected JSON."""
    return RequestParameters(
        max_tokens=max_tokens,
        temperature=0.0 if "temperature" in model.supports else None,
        response_format=_response_format(model, has_schema=config.json_schema is not None),
        reasoning_effort=_reasoning_effort(model),
        data_policy=config.data_policy,
    )


def _reasoning_effort(model: ModelSpec) -> str | None:
    """Return `none` where reasoning is known to be optional, else the lowest effort; None without any."""
    if "reasoning" not in model.supports or not model.reasoning_efforts:
        return None
    if not model.reasoning_mandatory:
        return "none"
    return min(model.reasoning_efforts, key=lambda effort: _EFFORTS.get(effort, len(_EFFORTS)))


def _response_format(model: ModelSpec, *, has_schema: bool) -> str | None:
    if has_schema and "structured_outputs" in model.supports:
        return "json_schema"
    return "json_object" if "response_format" in model.supports else None
