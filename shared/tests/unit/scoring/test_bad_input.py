import json
import time

import pytest

from modelpick_shared.contracts import Outcome
from modelpick_shared.scoring import AnswerKey, clean_value

ROWS = [{"name": f"Article {number}", "price": number} for number in range(10_000)]
DEEP, OTHER_DEEP = 1, 2
for _ in range(63):
    DEEP, OTHER_DEEP = [{"a": DEEP}, True], [{"a": OTHER_DEEP}, True]

TEXTS = {
    "nothing": "",
    "NaN": "NaN",
    "Infinity": '{"a": Infinity}',
    "a key twice": '{"a": 1, "a": 1}',
    "a lone surrogate": '{"\\ud800": "\\udfff"}',
    "NUL": '{"a": "\\u0000"}',
    "100,000 arrays": "[" * 100_000,
    "100,000 objects": '{"a":' * 100_000,
    "100,000 arrays that end": "[" * 100_000 + "]" * 100_000,
    "128 levels": "[" * 128 + "]" * 128,
    "129 levels": "[" * 129 + "]" * 129,
    "1 MB of letters": json.dumps({"a": "x" * 1_000_000}),
    "1 MB of words": json.dumps({"a": "x " * 500_000}),
    "1 MB of spaces": json.dumps({"a": " " * 1_000_000}),
    "1 MB of digits in a string": json.dumps({"a": "1" * 1_000_000}),
    "1 MB of digits and points": json.dumps({"a": "1.1" * 300_000}),
    "1 MB of text that is no JSON": "x" * 1_000_000,
    "a key of 1 MB": json.dumps({"x" * 1_000_000: 1}),
    "10,000 keys": json.dumps({str(number): number for number in range(10_000)}),
    "10,000 rows": json.dumps(ROWS),
    "100,000 digits": '{"a": ' + "1" * 100_000 + "}",
    "100,000 digits behind the point": '{"a": 1.' + "1" * 100_000 + "}",
    "an exponent of nine digits": '{"a": 1e999999999}',
    "a negative exponent of nine digits": '{"a": -1e-999999999}',
    "an exponent of twenty digits": '{"a": 1e99999999999999999999}',
    "an exponent in a string": '{"a": "1e99999999999999999999"}',
    "an exponent of 100,000 digits": '{"a": "1e' + "9" * 100_000 + '"}',
}


def scored_within_100_ms(expected, text):
    """Score thrice, and hold the shortest CPU time to the bound: other processes run here, too."""
    key = AnswerKey(expected)
    times_s = []
    for _ in range(3):
        started_s = time.process_time()
        score = key.score(text)
        times_s.append(time.process_time() - started_s)
    assert min(times_s) < 0.1
    # PostgreSQL takes what this gives; allow_nan would let Infinity through, which it refuses.
    json.dumps([clean_value(diff._asdict()) for diff in score.diffs], allow_nan=False).encode()
    return score


@pytest.mark.parametrize("name", TEXTS)
def test_hostile_output_is_an_outcome_within_100_ms(name):
    score = scored_within_100_ms({"a": 1, "rows": [{"b": 1}]}, TEXTS[name])
    assert score.outcome in {Outcome.WRONG, Outcome.INVALID_JSON}
    assert bool(score.diffs) == (score.outcome is Outcome.WRONG)


@pytest.mark.parametrize(
    ("expected", "actual", "most_diffs"),
    [
        (ROWS[:5000], ROWS[4999::-1], 1),
        (ROWS[:5000], ROWS[1:5000], 1),
        (ROWS[:5000], [*ROWS[4000:5000], *ROWS[:4000:2]], 5000),
        (ROWS[:1000], [row | {"price": -1} for row in ROWS[1:1000]], 2001),
        ([{"name": "Article", "price": -1}], ROWS[:5000], 22),
        ([row | {"price": -1} for row in ROWS[:5000]], [{"name": "Article", "price": -1}], 5000),
        (list(range(10_000)), list(range(10_000, -1, -1)), 30_000),
        ([f"a{number}" for number in range(5000)], [f"b{number}" for number in range(5000)], 5000),
        ({str(number): "a" for number in range(5000)}, {str(number): "1 b" for number in range(5000)}, 5000),
        ([], [1] * 50_000, 21),
        (DEEP, OTHER_DEEP, 1),
    ],
    ids=[
        "reordered",
        "one missing",
        "many missing",
        "all wrong",
        "one row and thousands",
        "thousands of rows and one",
        "numbers",
        "strings",
        "keys",
        "ones",
        "deep",
    ],
)
def test_large_answers_are_compared_within_100_ms(expected, actual, most_diffs):
    score = scored_within_100_ms(expected, json.dumps(actual))
    assert score.outcome is Outcome.WRONG
    assert 1 <= len(score.diffs) <= most_diffs


def test_ten_thousand_reordered_rows_are_one_difference():
    (diff,) = AnswerKey(ROWS).score(json.dumps(ROWS[::-1])).diffs
    assert (diff.path, diff.rescued_by) == ("", "array_order")
