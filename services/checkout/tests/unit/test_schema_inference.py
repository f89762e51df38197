import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpick_checkout.drafts.schema_check import check
from modelpick_checkout.drafts.schema_inference import infer_schema

DATES = st.dates().map(str)
MOMENTS = st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat())
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | DATES
    | MOMENTS
)
DOCUMENTS = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


def test_properties_stand_in_order_and_only_common_ones_are_required():
    schema = infer_schema([{"total": 1, "shop": "A"}, {"total": 2.5, "tip": None, "shop": "B"}])
    assert schema == {
        "type": "object",
        "properties": {"total": {"type": "number"}, "shop": {"type": "string"}, "tip": {"type": "null"}},
        "required": ["total", "shop"],
        "additionalProperties": False,
    }
    assert list(schema["properties"]) == ["total", "shop", "tip"]


def test_a_value_that_may_be_null_says_so_after_its_type():
    schema = infer_schema([{"a": None}, {"a": "x"}])
    assert schema["properties"]["a"] == {"type": ["string", "null"]}


def test_truth_values_are_no_numbers():
    assert infer_schema([True, 1]) == {"type": ["boolean", "integer"]}


def test_the_items_of_all_lists_make_one_schema():
    schema = infer_schema([{"lines": [{"n": 1}]}, {"lines": []}, {"lines": [{"n": 2, "x": "y"}]}])
    items = schema["properties"]["lines"]["items"]
    assert items["required"] == ["n"]
    assert set(items["properties"]) == {"n", "x"}


def test_the_items_of_an_empty_list_may_be_anything_plain():
    assert infer_schema([[]])["items"] == {"type": ["string", "number", "boolean", "null"]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2026-03-31", "2024-02-29"], "date"),
        (["2026-03-31", None], "date"),
        (["2026-03-31T09:30:00Z", "2026-03-31T09:30:00.123456789+02:00"], "date-time"),
        (["2026-03-31", "31.03.2026"], None),
        (["2026-03-31", "2026-03-31T09:30:00Z"], None),
        (["2026-02-30"], None),
        (["20260331"], None),
        (["2026-03-31T09:30:00"], None),
        (["2026-03-31T09:30:00Z\n"], None),
        (["٢٠٢٦-03-31"], None),
        ([""], None),
    ],
)
def test_dates_are_noted_where_all_agree(values, expected):
    schema = infer_schema([{"day": value} for value in values])["properties"]["day"]
    assert schema.get("format") == expected


def test_the_same_value_everywhere_is_no_enum():
    schema = infer_schema([{"currency": "EUR"}] * 5)
    assert schema["properties"]["currency"] == {"type": "string"}


@given(st.lists(DOCUMENTS, min_size=1, max_size=5))
def test_every_example_fits_what_is_inferred(examples):
    schema = infer_schema(examples)
    assert check(schema, dict(enumerate(examples))) == []
    assert json.loads(json.dumps(schema)) == schema


def parts_of(schema):
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from parts_of(inner)
    if "items" in schema:
        yield from parts_of(schema["items"])


@given(st.lists(DOCUMENTS, min_size=1, max_size=5))
def test_every_part_has_a_type_and_every_object_is_closed(examples):
    """Strict structured output asks for both."""
    for part in parts_of(infer_schema(examples)):
        assert part["type"]
        if "object" in part["type"]:
            assert part["additionalProperties"] is False


def test_data_of_32_levels_makes_a_schema_that_can_be_checked():
    deep = "2026-03-31"
    for level in range(32):
        deep = [deep] if level % 2 else {"a": deep}
    assert check(infer_schema([deep]), {0: deep}) == []
