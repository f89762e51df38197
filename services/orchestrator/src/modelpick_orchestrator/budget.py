"""What one call can cost at most."""

import math
from decimal import Decimal

from modelpick_shared.contracts.snapshot import ConfigSnapshot, ImageSnapshot, ModelSpec

_PER_MILLION = Decimal(1_000_000)
# The finest patches that vision models cut an image into are 14 x 14 pixels, one token each.
_PIXELS_A_TOKEN = 14 * 14
_LEAST_IMAGE_TOKENS = 4096
_FRAMING_TOKENS = 1024


def worst_case_usd(
    model: ModelSpec, config: ConfigSnapshot, image: ImageSnapshot, *, max_tokens: int
) -> Decimal:
    """Return the most that a call can cost: the input bound and `max_tokens` at the price cap."""
    tokens = min(model.context_length, input_tokens_bound(config, image))
    cost = tokens * model.max_input_usd_per_1m + max_tokens * model.max_output_usd_per_1m
    return cost / _PER_MILLION


def input_tokens_bound(config: ConfigSnapshot, image: ImageSnapshot) -> int:
    """Return a bound of the tokens sent: no token is shorter than a byte, or than a patch of the image."""
    text_bytes = len(config.extraction_prompt.encode())
    if config.json_schema is not None:
        text_bytes += len(str(config.json_schema).encode())
    image_tokens = max(_LEAST_IMAGE_TOKENS, math.ceil(image.width * image.height / _PIXELS_A_TOKEN))
    return _FRAMING_TOKENS + text_bytes + image_tokens
