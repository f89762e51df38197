"""Chat requests: read once, checked for what OpenRouter would refuse."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from modelpick_simulators.openrouter.catalogue import Catalogue, Model
from modelpick_simulators.openrouter.errors import OpenRouterError, availability, constraint_filtered

PROVIDER_FIELDS = frozenset(
    [
        "allow_fallbacks",
        "data_collection",
        "enforce_distillable_text",
        "ignore",
        "max_price",
        "only",
        "order",
        "preferred_max_latency",
        "preferred_min_throughput",
        "quantizations",
        "require_parameters",
        "sort",
        "zdr",
    ]
)
# What a model must support for a parameter to be more than ignored; the response format depends on its type.
OPTIONAL_PARAMETERS = ("temperature", "top_p", "seed", "reasoning", "tools", "logprobs", "stop")
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True)
class ChatRequest:
    model: Model
    user: str
    image_url: str | None
    text_tokens: int
    max_tokens: int | None
    reasons: bool
    preferences: dict[str, Any]
    max_price: dict[str, Any] | None


def read_request(raw: bytes, catalogue: Catalogue) -> ChatRequest:
    """Parse and check a request body. Raises OpenRouterError."""
    body = _parsed(raw)
    model = _model(body, catalogue)
    url = _image_url(_messages(body))
    preferences = _preferences(body)
    _check_parameters(body)
    _check_price(model, preferences.get("max_price") or {})
    if preferences.get("require_parameters"):
        _check_support(model, body)
    return ChatRequest(
        model=model,
        user=str(body.get("user") or ""),
        image_url=url,
        text_tokens=(len(raw) - len(url or "")) // CHARACTERS_A_TOKEN,
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        reasons="reasoning" in model.supports and _wants_reasoning(body),
        preferences=preferences,
        max_price=preferences.get("max_price"),
    )


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        raise OpenRouterError(400, "Invalid JSON body") from problem
    if not isinstance(body, dict):
        raise OpenRouterError(400, "The request body must be an object")
    return body


def _model(body: dict[str, Any], catalogue: Catalogue) -> Model:
    wanted = body.get("model") or next(iter(body.get("models") or []), None)
    if not wanted:
        raise OpenRouterError(400, "No models provided")
    if not isinstance(wanted, str) or wanted not in catalogue:
        reason = availability("model_not_found", str(wanted))
        raise OpenRouterError(400, f"{wanted} is not a valid model ID", availability=reason)
    return catalogue[wanted]


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise OpenRouterError(400, 'Input required: specify "messages"')
    if not all(isinstance(each, dict) and isinstance(each.get("role"), str) for each in messages):
        raise OpenRouterError(400, "messages: every message needs a role")
    return messages


def _image_url(messages: list[dict[str, Any]]) -> str | None:
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else []:
            if part.get("type") == "image_url":
                url = part.get("image_url", {}).get("url")
                if not isinstance(url, str):
                    raise OpenRouterError(400, "image_url: url is required", error_type="invalid_image")
                return url
    return None


def _preferences(body: dict[str, Any]) -> dict[str, Any]:
    preferences = body.get("provider") or {}
    if not isinstance(preferences, dict):
        raise OpenRouterError(400, "provider: expected an object")
    unknown = sorted(set(preferences) - PROVIDER_FIELDS)
    if unknown:
        raise OpenRouterError(400, f"provider: unrecognized keys: {', '.join(unknown)}")
    return preferences


def _check_parameters(body: dict[str, Any]) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        limit = body.get(name)
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise OpenRouterError(400, f"{name}: expected a positive integer")
    temperature = body.get("temperature")
    if temperature is not None and not 0 <= temperature <= 2:  # noqa: PLR2004 - the documented range
        raise OpenRouterError(400, "temperature: expected a number from 0 to 2")
    if body.get("stream"):
        raise OpenRouterError(400, "stream: this simulator answers in one piece only")


def _check_price(model: Model, most: Mapping[str, Any]) -> None:
    prices = {"prompt": model.input_usd_per_1m, "completion": model.output_usd_per_1m}
    for name, price in prices.items():
        if name in most and _price(most[name]) < price:
            field = f"provider.max_price.{name}"
            raise constraint_filtered(model.id, field, f"{name} costs {price} USD per million tokens")


def _price(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as problem:
        raise OpenRouterError(400, f"provider.max_price: {value} is no price") from problem


def _check_support(model: Model, body: dict[str, Any]) -> None:
    needed = [name for name in OPTIONAL_PARAMETERS if body.get(name) is not None]
    form = str((body.get("response_format") or {}).get("type"))
    needed += {"json_schema": ["structured_outputs"], "json_object": ["response_format"]}.get(form, [])
    for name in needed:
        if name not in model.supports:
            field = "provider.require_parameters"
            raise constraint_filtered(model.id, field, f"no endpoint supports {name}")


def _wants_reasoning(body: dict[str, Any]) -> bool:
    reasoning = body.get("reasoning") or {}
    effort = reasoning.get("effort") or body.get("reasoning_effort")
    return effort != "none" and reasoning.get("enabled") is not False
