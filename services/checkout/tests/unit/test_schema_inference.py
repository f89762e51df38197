from modelpick_checkout.drafts.schema_inference import infer_schema


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


def test_an_empty_list_says_nothing_about_its_items():
    assert infer_schema([[]]) == {"type": "array", "items": {}}
