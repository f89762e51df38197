"""The other routes of the API: models, key, credits, generations."""

import hashlib
import time
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from modelpick_simulators.openrouter.access import check_key
from modelpick_simulators.openrouter.catalogue import PER_MILLION, Model
from modelpick_simulators.openrouter.completions import Generation
from modelpick_simulators.openrouter.desk import Desk, the_desk
from modelpick_simulators.openrouter.errors import OpenRouterError
from modelpick_simulators.openrouter.faults import scripted_status

UsesDesk = Annotated[Desk, Depends(the_desk)]
# Generations are written down asynchronously: a look-up right after the answer finds nothing.
GENERATION_DELAY_S = 0.3
FIRST_MODEL_CREATED_AT = 1_735_689_600
CREDITS_USD = 1_000_000.0
ALWAYS_SUPPORTED = frozenset({"max_tokens", "max_completion_tokens"})
DOCUMENTED_PARAMETERS = frozenset(
    [
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "top_a",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "max_tokens",
        "max_completion_tokens",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "prediction",
        "seed",
        "response_format",
        "structured_outputs",
        "stop",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "include_reasoning",
        "reasoning",
        "reasoning_effort",
        "web_search_options",
        "verbosity",
    ]
)


async def authorised(request: Request, desk: UsesDesk) -> None:
    check_key(request.headers.get("Authorization"), desk.api_key)


router = APIRouter(prefix="/api/v1")
private = APIRouter(prefix="/api/v1", dependencies=[Depends(authorised)])


@router.get("/models")
async def list_models(
    desk: UsesDesk, input_modalities: str = "", supported_parameters: str = ""
) -> dict[str, Any]:
    modalities, parameters = _names(input_modalities), _names(supported_parameters)
    entries = [_model_entry(model) for model in desk.catalogue.values()]
    kept = [
        entry
        for entry in entries
        if modalities <= set(entry["architecture"]["input_modalities"])
        and parameters <= set(entry["supported_parameters"])
    ]
    return {"data": kept, "total_count": len(kept), "links": {"next": None}}


@private.get("/key")
async def show_key(desk: UsesDesk) -> dict[str, Any]:
    script = desk.scripts.take_key_fault()
    if script is not None and scripted_status(script.mode) == 401:  # noqa: PLR2004 - unauthorised
        raise OpenRouterError(401, "No auth credentials found")
    used = float(desk.journal.cost_usd)
    usage = {f"usage{period}": used for period in ("", "_daily", "_weekly", "_monthly")}
    byok = {f"byok_usage{period}": 0.0 for period in ("", "_daily", "_weekly", "_monthly")}
    spent = script is not None
    return {"data": _KEY | usage | byok | ({"limit": used, "limit_remaining": 0.0} if spent else {})}


@private.get("/credits")
async def show_credits(desk: UsesDesk) -> dict[str, Any]:
    return {"data": {"total_credits": CREDITS_USD, "total_usage": float(desk.journal.cost_usd)}}


@private.get("/generation")
async def show_generation(id: str, desk: UsesDesk) -> dict[str, Any]:  # noqa: A002 - the parameter's name
    generation = desk.generations.get(id)
    if generation is None or time.time() < generation.created_at + GENERATION_DELAY_S:
        raise OpenRouterError(404, f"Generation {id} not found")
    return {"data": _generation_entry(generation)}


_KEY = {
    "label": "sk-or-v1-sim...ulated",
    "limit": None,
    "limit_remaining": None,
    "limit_reset": None,
    "include_byok_in_limit": False,
    "is_free_tier": False,
    "is_management_key": False,
    "is_provisioning_key": False,
    "creator_user_id": None,
    "expires_at": None,
    "rate_limit": {"requests": -1, "interval": "10s", "note": "This field is deprecated and safe to ignore."},
}


def _names(listed: str) -> set[str]:
    return {name.strip() for name in listed.split(",") if name.strip()}


def _model_entry(model: Model) -> dict[str, Any]:
    reasoning = {"mandatory": False, "default_enabled": True} if "reasoning" in model.supports else None
    entry = {
        "id": model.id,
        "canonical_slug": model.id,
        "name": model.name,
        "created": FIRST_MODEL_CREATED_AT + int(hashlib.sha256(model.id.encode()).hexdigest()[:6], 16),
        "description": f"{model.name}, simulated.",
        "context_length": model.context_length,
        "architecture": _ARCHITECTURE,
        "pricing": _pricing(model),
        "top_provider": _top_provider(model),
        "per_request_limits": None,
        "supported_parameters": sorted(ALWAYS_SUPPORTED | (model.supports & DOCUMENTED_PARAMETERS)),
        "default_parameters": None,
        "supported_voices": None,
        "expiration_date": None,
        "knowledge_cutoff": None,
        "hugging_face_id": None,
        "links": {"details": f"/api/v1/models/{model.id}/endpoints"},
    }
    return entry | ({"reasoning": reasoning} if reasoning else {})


_ARCHITECTURE = {
    "modality": "text+image->text",
    "input_modalities": ["text", "image"],
    "output_modalities": ["text"],
    "tokenizer": "Other",
    "instruct_type": None,
}


def _pricing(model: Model) -> dict[str, str]:
    prompt, completion = (
        format((price / PER_MILLION).normalize(), "f")
        for price in (model.input_usd_per_1m, model.output_usd_per_1m)
    )
    return {"prompt": prompt, "completion": completion, "request": "0", "image": "0"}


def _top_provider(model: Model) -> dict[str, Any]:
    return {
        "context_length": model.context_length,
        "max_completion_tokens": model.max_output_tokens,
        "is_moderated": False,
    }


def _generation_entry(generation: Generation) -> dict[str, Any]:
    bill, cost_usd = generation.bill, float(generation.bill.cost_usd)
    return _UNUSED_GENERATION_FIELDS | {
        "id": generation.id,
        "upstream_id": f"chatcmpl-{generation.id[-12:]}",
        "model": generation.model,
        "provider_name": generation.provider,
        "created_at": datetime.fromtimestamp(generation.created_at, UTC).isoformat(),
        "external_user": generation.user or None,
        "finish_reason": generation.answer.finish_reason,
        "native_finish_reason": generation.answer.finish_reason,
        "latency": generation.latency_ms,
        "generation_time": generation.latency_ms,
        "total_cost": cost_usd,
        "usage": cost_usd,
        "tokens_prompt": bill.prompt_tokens,
        "tokens_completion": bill.completion_tokens,
        "native_tokens_prompt": bill.prompt_tokens,
        "native_tokens_completion": bill.completion_tokens,
        "native_tokens_reasoning": bill.reasoning_tokens,
        "num_media_prompt": 1,
        "is_byok": False,
        "streamed": False,
        "cancelled": False,
        "api_type": "completions",
        "data_region": "global",
        "origin": "",
    }


_UNUSED_GENERATION_FIELDS: dict[str, Any] = dict.fromkeys(
    [
        "app_id",
        "cache_discount",
        "upstream_inference_cost",
        "moderation_latency",
        "service_tier",
        "native_tokens_completion_images",
        "native_tokens_cached",
        "num_input_audio_prompt",
        "num_media_completion",
        "num_search_results",
        "num_fetches",
        "web_search_engine",
        "preset_id",
        "router",
        "provider_responses",
        "user_agent",
        "http_referer",
        "workspace_id",
        "request_id",
        "session_id",
    ]
)
