import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpick_shared.contracts import Outcome
from modelpick_shared.scoring import (
    InvalidAnswerError,
    clean_text,
    clean_value,
    differences,
    parse_answer,
    relaxed_match,
    score_answer,
    strict_match,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}),
        ({"total": 8}, {"total": parse_answer("8.00")}),
        (0, parse_answer("-0")),
        (0.1, parse_answer("0.10")),
        (12.1, parse_answer("1.21e1")),
        ("Shop", "  Shop\n"),
        ([1, [2, None]], [1, [2, None]]),
        ("12", "\u00a012\u2003"),
        (10**300, parse_answer("1e300")),
        (1e22, 10**22),
        ({"a": True, "b": [False]}, parse_answer('{"b": [false], "a": true}')),
    ],
)
def test_strict_accepts_what_means_the_same(expected, actual):
    assert strict_match(expected, actual)
    assert relaxed_match(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": None}, {}),
        ({"a": 1}, {"a": "1"}),
        ({"a": True}, {"a": 1}),
        ([1, 2], [2, 1]),
        ("Shop", "shop"),
        ("a  b", "a b"),
        ({"a": 1}, {"a": 1, "b": 2}),
        (0.1, parse_answer("0.1000000000000000055")),
        (0, False),
        ([1, {"a": [0]}], [True, {"a": [False]}]),
        ({"a": 1}, {"A": 1}),
        ({"a": 1}, {" a": 1}),
        ({}, []),
        (None, False),
        (None, ""),
        (2**53, 2**53 + 1),
    ],
)
def test_strict_refuses_what_differs(expected, actual):
    assert not strict_match(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("SHOP  One", "shop one"),
        ("a\u00a0b", "A\n b"),
        (9, "9.00"),
        ("1e3", 1000),
        ("+1.50", 1.5),
        (" 7 ", 7),
        ("\u00a07\u2003", 7),
        ("\u00a07", "7.0"),
        ("-0", 0),
        ("1E400", "10e399"),
        ("1" * 5000, parse_answer("1" * 5000)),
        ({"a": ["X"]}, {"a": ["x"]}),
    ],
)
def test_relaxed_forgives_case_white_space_and_numbers_as_text(expected, actual):
    assert relaxed_match(expected, actual)
    assert not strict_match(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("1,000", 1000),
        ("$9", 9),
        ({"a": None}, {}),
        (True, "true"),
        (1, True),
        ("a b", "ab"),
        ("\u0663", 3),
        ("1_000", 1000),
        ("0x10", 16),
        ("NaN", "na n"),
        ("1 2", 12),
        ("19%", 19),
        ("1e", 1),
        ("-", 0),
        ("", None),
        ("Straße", "strasse"),
        (["a", "b"], ["b", "a"]),
    ],
)
def test_relaxed_forgives_nothing_else(expected, actual):
    assert not relaxed_match(expected, actual)


@given(json_values)
def test_every_value_matches_itself_without_differences(value):
    assert strict_match(value, value)
    assert differences(value, value) == []


@given(json_values, json_values)
def test_matching_is_symmetric_and_strict_implies_relaxed(one, other):
    assert strict_match(one, other) == strict_match(other, one)
    assert relaxed_match(one, other) == relaxed_match(other, one)
    assert relaxed_match(one, other) or not strict_match(one, other)


@given(st.data())
def test_matching_is_transitive(data):
    words = st.sampled_from(["1", 1, "1.0", " 1", "\u00a01", True, "a", "A ", " a", None, 1.0, "1e0", [], {}])
    one, other, third = (data.draw(st.lists(words, min_size=1, max_size=2)) for _ in range(3))
    for match in (strict_match, relaxed_match):
        assert match(one, third) or not (match(one, other) and match(other, third))


@given(st.dictionaries(st.text(max_size=2), json_values, max_size=5), st.randoms())
def test_the_order_of_keys_means_nothing(value, chance):
    keys = list(value)
    chance.shuffle(keys)
    again = {key: value[key] for key in keys}
    assert strict_match(value, again)
    assert differences(value, again) == []


@given(json_values, json_values)
def test_scoring_a_text_tells_what_the_matches_tell(one, other):
    score = score_answer(one, json.dumps(other))
    assert (score.strict, score.relaxed) == (strict_match(one, other), relaxed_match(one, other))
    assert (score.diffs == []) == score.strict


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("Here you are: {}", "prose around JSON"),
        ("```json\n{}\n```", "code fence"),
        ('{"a": 1} as asked', "text after the JSON"),
        ('{"a": 1', "line 1"),
        ("NaN", "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ('{"a": 1, "a": 2}', "given twice"),
        ("[" * 100_000, "too deeply"),
        ("[" * 200 + "]" * 200, "too deeply"),
        ("1e99999999999999999999", "out of range"),
    ],
)
def test_what_is_not_one_json_document_is_said_to_be_invalid_and_why(text, why):
    with pytest.raises(InvalidAnswerError, match=why):
        parse_answer(text)
    assert score_answer({}, text).outcome is Outcome.INVALID_JSON


def test_scores_say_what_an_answer_is_worth():
    assert score_answer({"a": 1}, ' {"a": 1.0} ').outcome is Outcome.PASSED
    nearly = score_answer({"a": "X"}, '{"a": "x"}')
    assert (nearly.outcome, nearly.strict, nearly.relaxed) == (Outcome.WRONG, False, True)


def test_text_is_cleaned_of_what_postgresql_refuses():
    assert clean_text("a\x00b\ud800c😀") == "a�b�c😀"
    assert clean_value({"k\x00": ["\udfff", parse_answer("1.50"), None, True]}) == {
        "k�": ["�", 1.5, None, True]
    }


@pytest.mark.parametrize(
    ("text", "stored"),
    [("1e400", "1E+400"), ("0.1000000000000000055", "0.1000000000000000055"), ("1e2", 100.0)],
)
def test_numbers_that_no_float_holds_are_stored_as_text(text, stored):
    assert clean_value(parse_answer(text)) == stored


def test_integers_may_have_any_number_of_digits():
    assert score_answer(1, "1" * 5000).outcome is Outcome.WRONG
    assert strict_match(parse_answer("1" * 5000), parse_answer("1" * 5000 + ".0"))
