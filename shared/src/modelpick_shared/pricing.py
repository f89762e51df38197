"""What one call can cost at most: what a customer is told, and what the orchestrator reserves."""

import json
import math
from decimal import Decimal

from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot, ModelSpec

PER_MILLION = Decimal(1_000_000)
# The finest patches that vision models cut an image into are 14 x 14 pixels, one token each.
_PIXELS_A_TOKEN = 14 * 14
_LEAST_IMAGE_TOKENS = 4096
_FRAMING_TOKENS = 1024


def worst_case_usd(
    model: ModelSpec, config: ConfigSnapshot, image: ImageSnapshot, *, max_tokens: int
) -> Decimal:
    """Return the most that a call can cost: the input bound and `max_tokens` at the price cap."""
    return worst_case_of_usd(model, input_tokens=input_tokens_bound(config, image), max_tokens=max_tokens)


def worst_case_of_usd(model: ModelSpec, *, input_tokens: int, max_tokens: int) -> Decimal:
    """Return the most that a call of at most so many tokens can cost, at the price cap."""
    tokens = min(model.context_length, input_tokens)
    cost = tokens * model.max_input_usd_per_1m + max_tokens * model.max_output_usd_per_1m
    return cost / PER_MILLION


def expected_usd(model: ModelSpec, *, input_tokens: int, output_tokens: int) -> Decimal:
    """Return what a call of that many tokens costs at the model's list price."""
    cost = input_tokens * model.input_usd_per_1m + output_tokens * model.output_usd_per_1m
    return cost / PER_MILLION


def max_output_tokens(model: ModelSpec, limit: int) -> int:
    """Return how long a model's answer may be: `limit`, unless the model allows less."""
    return min(limit, model.max_output_tokens or limit)


def input_tokens_bound(config: ConfigSnapshot, image: ImageSnapshot) -> int:
    """Return a bound of the tokens sent: no token is shorter than a byte, or than a patch of the image."""
    return text_tokens_bound(config) + image_tokens_bound(image)


def text_tokens_bound(config: ConfigSnapshot) -> int:
    """Return a bound of the tokens of everything sent but the image; the same for all models and images."""
    text_bytes = len(config.extraction_prompt.encode())
    if config.json_schema is not None:
        text_bytes += len(json.dumps(config.json_schema, ensure_ascii=False).encode())
    return _FRAMING_TOKENS + text_bytes


def image_tokens_bound(image: ImageSnapshot) -> int:
    """Return a bound of the tokens that any model makes of an image."""
    return max(_LEAST_IMAGE_TOKENS, math.ceil(image.width * image.height / _PIXELS_A_TOKEN))
