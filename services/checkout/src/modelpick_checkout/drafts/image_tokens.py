"""How many tokens an image takes, as far as its model's provider says."""

import math
from collections.abc import Callable
from fractions import Fraction

from modelpick_shared.contracts.snapshot import ImageSnapshot, ModelSpec

Rule = Callable[[int, int], int]


def image_tokens(model: ModelSpec, image: ImageSnapshot) -> int | None:
    """Return how many tokens a model makes of an image by its size, or None where no rule is published."""
    for beginning, rule in _RULES:
        if model.id.startswith(beginning):
            return rule(image.width, image.height)
    return None


def _claude(longest_px: int, most_tokens: int) -> Rule:
    """Return the rule of https://platform.claude.com/docs/en/build-with-claude/vision.

    Patches of 28 x 28 pixels, which is one token for about 750 pixels, after the image was made to fit.
    """

    def tokens(width: int, height: int) -> int:
        # In fractions: 4,000 px made to fit into 2,576 must not end a hair above a whole number of patches.
        scale = min(Fraction(1), Fraction(longest_px, max(width, height)))
        patches = math.ceil(width * scale / 28) * math.ceil(height * scale / 28)
        return min(patches, most_tokens)

    return tokens


def _openai_tiles(width: int, height: int) -> int:
    """Follow https://platform.openai.com/docs/guides/images-vision: 85 tokens, and 170 for each 512 px tile.

    The image is first made to fit into 2048 x 2048 pixels, then its shorter side into 768.
    """
    fit = min(Fraction(1), Fraction(2048, max(width, height)))
    scale = min(fit, Fraction(768, min(width, height)))
    return 85 + 170 * math.ceil(width * scale / 512) * math.ceil(height * scale / 512)


def _openai_patches(width: int, height: int) -> int:
    """Follow the same page for small models: at most 1,536 patches of 32 px, times 1.62."""
    patches = math.ceil(width / 32) * math.ceil(height / 32)
    return math.ceil(min(patches, 1536) * 1.62)


def _gemini_tiles(width: int, height: int) -> int:
    """Follow https://ai.google.dev/gemini-api/docs/tokens: 258 tokens a 768 px tile, or a small image."""
    if width <= 384 and height <= 384:  # noqa: PLR2004 - the page's own number
        return 258
    return 258 * math.ceil(width / 768) * math.ceil(height / 768)


def _gemini_fixed(_: int, __: int) -> int:
    """Follow https://ai.google.dev/gemini-api/docs/media-resolution: Gemini 3 takes 1,120 tokens an image."""
    return 1120


# The first that matches counts. Where the page does not name a family's newest members, the dearer rule does.
_RULES: tuple[tuple[str, Rule], ...] = (
    ("anthropic/claude-haiku-4.5", _claude(1568, 1568)),
    ("anthropic/claude-", _claude(2576, 4784)),
    ("openai/gpt-5-mini", _openai_patches),
    ("openai/gpt-", _openai_tiles),
    ("google/gemini-2", _gemini_tiles),
    ("google/gemini-", _gemini_fixed),
)
