import json

import pytest

from modelpick_checkout.strict_json import check_expected_json, parse_expected_json
from modelpick_shared.http.strict_json import InvalidJsonError, parse_json


def refusal(text):
    with pytest.raises(InvalidJsonError) as refused:
        parse_expected_json(text)
    return refused.value


@pytest.mark.parametrize(
    "text",
    ['{"b": 1, "a": [true, null, -0.5, "é"]}', "[]", '"text"', "12345678901234567890", '"\\ud83d\\ude00"'],
)
def test_ordinary_json_is_read_as_it_is(text):
    assert parse_expected_json(text) == json.loads(text)


def test_the_order_of_keys_is_kept():
    assert list(parse_expected_json('{"z": 1, "a": 2, "m": 3}')) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{"a": [1, NaN]}', "/a/1"),
        ('{"a": {"b": -Infinity}}', "/a/b"),
        ('{"a": 1e999}', "/a"),
        ('{"a": {"x": 1, "x": 2}}', "/a"),
        ('{"x": 1, "x": 2}', ""),
        ('{"a/b": {"c~d": "\\ud800"}}', "/a~1b/c~0d"),
        ('["\\u0000"]', "/0"),
        ('{"\\udfff": 1}', ""),
        ('{"a": NaN', ""),
        ("", ""),
        ("{'a': 1}", ""),
        ("[1,]", ""),
        ("1" * 5000, ""),
        ("\ud800", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_what_cannot_be_stored_or_scored_is_refused_with_its_place(text, pointer):
    assert refusal(text).pointer == pointer


@pytest.mark.parametrize("opening", ["[", '{"a":', "[{", '[["'])
def test_a_hundred_thousand_levels_are_refused_without_a_recursion_error(opening):
    assert "levels" in refusal(opening * 5_000).detail
    with pytest.raises(InvalidJsonError):
        parse_json(opening * 100_000, max_bytes=10**6, max_levels=32)


def test_exactly_32_levels_are_fine_and_33_are_not():
    assert parse_expected_json("[" * 32 + "]" * 32)
    assert "32 levels" in refusal("[" * 33 + "]" * 33).detail


def test_brackets_inside_strings_are_no_levels():
    text = json.dumps(["[{" * 1000, '\\"[' * 100])
    assert parse_expected_json(text) == json.loads(text)


def test_a_text_over_64_kib_is_refused():
    assert "larger" in refusal(json.dumps("x" * 70_000)).detail


def test_quotes_and_backslashes_without_end_take_one_pass():
    for text in ('"' + '\\"' * 200_000, "\\" * 400_000, '"' * 400_001):
        with pytest.raises(InvalidJsonError):
            parse_json(text, max_bytes=10**6, max_levels=32)


def test_a_value_that_is_already_parsed_is_held_to_the_same_limits():
    assert check_expected_json({"a": [1]}) == {"a": [1]}
    deep = []
    for _ in range(40):
        deep = [deep]
    with pytest.raises(ValueError, match="levels"):
        check_expected_json(deep)
    with pytest.raises(ValueError, match="larger"):
        check_expected_json("x" * 70_000)
