import json
from decimal import Decimal
from itertools import pairwise, permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modelpick_shared.scoring import Difference, differences, score_answer, strict_match
from modelpick_shared.scoring.assignment import _features, assign
from modelpick_shared.scoring.common_order import between, common_order

TEA = {"name": "Tea", "quantity": 1, "price": 2.5}
JAM = {"name": "Jam", "quantity": 2, "price": 3.5}
BREAD = {"name": "Bread", "quantity": 1, "price": 4}
MILK = {"name": "Milk", "quantity": 3, "price": 1.2}

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "A", " a", "b", "1", 0.5])
small_values = st.recursive(
    scalars,
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.sampled_from("xyz"), children, max_size=3)
    ),
    max_leaves=12,
)
rows = st.fixed_dictionaries(
    {"name": st.sampled_from("abcd"), "price": st.integers(0, 3), "paid": st.booleans()}
)


def brief(expected, actual):
    return [(diff.path, diff.kind, diff.rescued_by) for diff in differences(expected, actual)]


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        (1, 2, [("", "wrong", None)]),
        ({"a": 1}, [1], [("", "wrong", None)]),
        ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, [("a.b.c", "wrong", None)]),
        ({"a": None}, {}, [("a", "missing", "null_or_missing")]),
        ({}, {"a": None}, [("a", "extra", "null_or_missing")]),
        ({"a": None}, {"a": 0}, [("a", "wrong", None)]),
        ({"a": {}}, {"a": []}, [("a", "wrong", None)]),
        ({"a": []}, {"a": [1, 2]}, [("a[0]", "extra", None), ("a[1]", "extra", None)]),
        ({"a": 1}, {"b": 1}, [("a", "missing", None), ("b", "extra", None)]),
        (["a"], {"0": "a"}, [("", "wrong", None)]),
    ],
)
def test_each_place_that_differs_is_listed_once(expected, actual, found):
    assert brief(expected, actual) == found


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("plain key", "plain key"),
        ("a.b", '["a.b"]'),
        ("", '[""]'),
        ("[0]", '["[0]"]'),
        ('say "hi"', '["say \\"hi\\""]'),
        ("Größe", "Größe"),
        ("x[]ß", '["x[]ß"]'),
    ],
)
def test_keys_that_would_read_as_a_path_are_quoted(key, path):
    assert brief({key: 1}, {}) == [(path, "missing", None)]
    inner = f"rows[0]{path}" if path.startswith("[") else f"rows[0].{path}"
    assert brief({"rows": [{key: 1}]}, {"rows": [{key: 2}]}) == [(inner, "wrong", None)]


@pytest.mark.parametrize(
    ("actual", "found"),
    [
        ([TEA, BREAD], [("[1]", "missing", None)]),
        ([TEA, JAM, MILK, BREAD], [("[2]", "extra", None)]),
        ([BREAD, TEA], [("[1]", "missing", None)]),
        ([TEA, JAM, BREAD | {"price": 5}], [("[2].price", "wrong", None)]),
        ([BREAD | {"price": 5}, JAM, TEA], [("[2].price", "wrong", None)]),
        ([JAM | {"name": "JAM"}, BREAD], [("[0]", "missing", None), ("[1].name", "wrong", "relaxed")]),
        ([TEA, JAM | {"tax": 1}, BREAD], [("[1].tax", "extra", None)]),
        ([], [("[0]", "missing", None), ("[1]", "missing", None), ("[2]", "missing", None)]),
        ([BREAD, JAM, TEA], [("", "wrong", "array_order")]),
        ([TEA, "Jam", BREAD], [("[1]", "wrong", None)]),
    ],
)
def test_rows_are_compared_with_the_likest_row(actual, found):
    assert brief([TEA, JAM, BREAD], actual) == found


def test_a_row_like_no_other_is_missing_or_extra_where_the_numbers_of_rows_differ():
    odd = {"label": "Total", "sum": 99}
    assert brief([TEA, JAM], [odd]) == [
        ("[0]", "missing", None),
        ("[1]", "missing", None),
        ("[0]", "extra", None),
    ]


def test_a_row_like_no_other_is_misread_where_the_numbers_of_rows_are_the_same():
    misread = {"name": "Ale", "quantity": 7, "price": 9}
    assert brief([TEA, JAM], [misread, TEA]) == [
        ("[1].name", "wrong", None),
        ("[1].quantity", "wrong", None),
        ("[1].price", "wrong", None),
    ]


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ([1, 2, 3], [1, 9, 3], [("[1]", "wrong", None)]),
        ([1, 2, 3], [1, 3], [("[1]", "missing", None)]),
        ([1, 3], [1, 2, 3], [("[1]", "extra", None)]),
        ([1, 2, 3, 4], [5, 1, 2, 3], [("[3]", "missing", None), ("[0]", "extra", None)]),
        ([1, 2], [2, 1], [("", "wrong", "array_order")]),
        (["Tea", "Jam"], ["jam"], [("[0]", "missing", None), ("[1]", "wrong", "relaxed")]),
        (["a ", "b"], ["a", "b "], []),
        (["a ", "a", "b"], ["a", "a ", "b"], []),
        ([[1, 2], [3]], [[1, 2], [3, 4]], [("[1][1]", "extra", None)]),
        ([[1, 2], [3]], [[3], [1, 2]], [("", "wrong", "array_order")]),
        ([[1, 2], [3]], [[2, 1], [3]], [("[0]", "wrong", "array_order")]),
        ([{"a": 1}, 2], [{"a": 2}, 2], [("[0].a", "wrong", None)]),
        ([True, 1], [1, True], [("", "wrong", "array_order")]),
        ([True], [1], [("[0]", "wrong", None)]),
    ],
)
def test_other_arrays_keep_their_longest_common_order(expected, actual, found):
    assert brief(expected, actual) == found


@given(small_values, small_values)
def test_there_are_no_differences_exactly_when_strict_matches(one, other):
    assert (differences(one, other) == []) == strict_match(one, other)
    assert (score_answer(one, json.dumps(other)).diffs == []) == strict_match(one, other)


@given(st.lists(small_values, min_size=2, max_size=6), st.randoms())
def test_a_mere_reordering_is_one_difference_on_the_array(values, chance):
    shuffled = chance.sample(values, len(values))
    assume(not strict_match(values, shuffled))
    assert brief({"a": values}, {"a": shuffled}) == [("a", "wrong", "array_order")]


@given(st.lists(rows, min_size=1, max_size=8), st.data())
def test_a_removed_row_is_one_missing_difference(table, data):
    index = data.draw(st.integers(0, len(table) - 1))
    (diff,) = differences(table, table[:index] + table[index + 1 :])
    place = int(diff.path.strip("[]"))
    assert (diff.kind, table[place]) == ("missing", table[index])


@given(st.lists(rows, min_size=1, max_size=8, unique_by=lambda row: row["name"]), st.data())
def test_one_wrong_field_is_one_difference_in_whatever_order_the_rows_are(table, data):
    index = data.draw(st.integers(0, len(table) - 1))
    wrong = [row | {"price": 9} if place == index else row for place, row in enumerate(table)]
    (diff,) = differences(table, data.draw(st.permutations(wrong)))
    assert (diff.path, diff.kind, diff.actual) == (f"[{index}].price", "wrong", 9)


@given(st.lists(rows, min_size=1, max_size=5), st.lists(rows, min_size=1, max_size=5))
def test_the_assignment_is_the_best_of_all(one, other):
    pairs = assign(one, other)
    shorter, longer = sorted((one, other), key=len)
    best = max(
        sum(len(_features(a) & _features(b)) for a, b in zip(shorter, chosen, strict=True))
        for chosen in permutations(longer, len(shorter))
    )
    assert sum(len(_features(one[i]) & _features(other[j])) for i, j in pairs) == best


@pytest.mark.parametrize("count", [2, 30])
def test_rows_are_found_among_thousands_on_either_side(count):
    table = [{"name": f"Article {number}", "price": number} for number in range(2000)]
    chosen = range(1999, 1999 - 50 * count, -50)
    few = [table[number] | {"price": -1} for number in chosen]
    assert assign(few, table) == list(enumerate(chosen))
    assert assign(table, few) == sorted((number, place) for place, number in enumerate(chosen))


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), max_size=12))
def test_the_common_order_is_the_longest(one, other):
    pairs = common_order(one, other)
    assert all(one[i] == other[j] for i, j in pairs)
    assert all(i < k and j < m for (i, j), (k, m) in pairwise(pairs))
    assert len(pairs) == longest_common(one, other)


def longest_common(one, other):
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            lengths[i + 1][j + 1] = lengths[i][j] + 1 if a == b else max(lengths[i][j + 1], lengths[i + 1][j])
    return lengths[-1][-1]


def test_what_lies_between_pairs_is_told_by_ranges():
    assert list(between([(1, 0), (2, 3)], 3, 5)) == [
        (range(1), range(0)),
        (range(2, 2), range(1, 3)),
        (range(3, 3), range(4, 5)),
    ]


def test_all_extras_are_listed_but_only_the_first_are_kept_with_a_score():
    answer = {"a": 1} | {f"made up {number}": number for number in range(100)}
    assert len(differences({"a": 1}, answer)) == 100
    diffs = score_answer({"a": 1, "b": []}, json.dumps(answer | {"b": list(range(50))})).diffs
    assert len(diffs) == 21 + 21
    assert Difference("b[20]", "extra", actual="30 more") in diffs
    assert diffs[-1] == Difference("made up 20", "extra", actual="80 more")


def test_long_values_are_cut_in_a_score_and_long_paths_of_extras():
    answer = {"a": "x" * 500, "b": list(range(500)), "c" * 500: 1, "d": 1}
    expected = {"a": "x", "b": {"k" * 200: "v" * 200}, "d": Decimal("1." + "1" * 500)}
    cut = {diff.path[:3]: diff for diff in score_answer(expected, json.dumps(answer)).diffs}
    assert cut["a"].actual == "x" * 300 + "…"
    assert (len(cut["b"].expected), cut["b"].actual[:6]) == (301, "[0, 1,")
    assert len(cut["ccc"].path) == 301
    assert cut["d"].expected == "1." + "1" * 298 + "…"


def test_numbers_that_no_float_holds_are_shown_as_they_are_in_a_cut_value_too():
    (diff,) = score_answer(1, f"[1.50, 1e400, 0.1000000000000000055{', 7' * 200}]").diffs
    assert diff.actual.startswith('[1.5, "1E+400", "0.1000000000000000055", 7,')


def test_the_key_of_an_extra_is_cut_and_what_leads_to_it_is_not():
    long = "k" * 400
    for expected, filled, path in (({}, {"a": 1}, f"{long}.a"), ([], [1], f"{long}[0]")):
        (diff,) = score_answer({long: expected}, json.dumps({long: filled})).diffs
        assert diff.path == path
    (diff,) = score_answer({"a": {}}, json.dumps({"a": {'["x.' * 400: 1}})).diffs
    assert diff.path.startswith('a["[\\"x.[\\"x.')
    assert (len(diff.path), diff.path[-1]) == (302, "…")
