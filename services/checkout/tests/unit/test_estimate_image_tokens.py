import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpick_checkout.drafts.image_tokens import image_tokens
from modelpick_shared.catalog import load_catalog
from modelpick_shared.pricing import image_tokens_bound
from modelpick_shared.testing.builders import an_image

CATALOG = load_catalog()


def tokens(model_id, width, height):
    return image_tokens(CATALOG[model_id], an_image(0).model_copy(update={"width": width, "height": height}))


@pytest.mark.parametrize(
    ("model_id", "size", "expected"),
    [
        # 1,296 for 1000 x 1000 stands in the provider's table.
        ("anthropic/claude-haiku-4.5", (1000, 1000), 36 * 36),
        ("anthropic/claude-haiku-4.5", (28, 29), 2),
        ("anthropic/claude-haiku-4.5", (4000, 4000), 1568),
        ("anthropic/claude-opus-5", (1000, 1000), 36 * 36),
        ("anthropic/claude-opus-5", (8000, 8000), 4784),
        # Made to fit they have a whole number of patches, which rounding must not make one more.
        ("anthropic/claude-haiku-4.5", (2663, 512), 56 * 11),
        ("anthropic/claude-opus-5", (4863, 1026), 92 * 20),
        # The provider's own examples for tiles, and one that fits as the second does.
        ("openai/gpt-5.6-sol", (1024, 1024), 765),
        ("openai/gpt-5.6-sol", (2048, 4096), 1105),
        ("openai/gpt-5.6-sol", (7952, 3976), 1105),
        ("openai/gpt-5.6-luna", (512, 512), 255),
        # 1,024 patches, and as many as there may be, times 1.62.
        ("openai/gpt-5-mini", (1024, 1024), 1659),
        ("openai/gpt-5-mini", (1800, 2400), 2489),
        ("google/gemini-2.5-flash-lite", (384, 384), 258),
        ("google/gemini-2.5-flash-lite", (385, 10), 258),
        ("google/gemini-2.5-flash-lite", (1000, 2000), 6 * 258),
        ("google/gemini-3.1-pro-preview", (4000, 4000), 1120),
        ("google/gemma-4-31b-it:free", (1000, 1000), None),
        ("mistralai/mistral-small-2603", (1000, 1000), None),
    ],
)
def test_the_rules_give_what_the_providers_write(model_id, size, expected):
    assert tokens(model_id, *size) == expected


@given(st.sampled_from([model.id for model in CATALOG]), st.integers(1, 8000), st.integers(1, 5000))
def test_no_rule_exceeds_what_is_reserved(model_id, width, height):
    found = tokens(model_id, width, height)
    image = an_image(0).model_copy(update={"width": width, "height": height})
    assert found is None or 0 < found <= image_tokens_bound(image)
