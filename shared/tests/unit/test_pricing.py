"""What a call may cost at most is more than what is sent can cost."""

import json

import pytest

from modelpick_shared.pricing import text_tokens_bound
from modelpick_shared.testing import config_snapshot


@pytest.mark.parametrize("text", ["a", '"', "\\", "\n", "\x7f", "é", "漢", "\u2028", "😀", "'\""])
def test_the_bound_of_a_text_counts_every_byte_that_is_sent(text):
    schema = {"description": text * 10_000, "type": ["null", "boolean"], "enum": [None, True]}
    config = config_snapshot(models=1, images=1, runs=1)
    bounds = [
        text_tokens_bound(config.model_copy(update={"json_schema": each, "extraction_prompt": text * 10}))
        for each in (None, schema)
    ]
    assert bounds[1] - bounds[0] == len(json.dumps(schema, ensure_ascii=False).encode())
