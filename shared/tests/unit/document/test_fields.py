import pytest

from modelpick_shared.document.facts import RunFacts
from modelpick_shared.document.fields import LeafFields, tally, tally_by_path
from modelpick_shared.scoring import differences

RECEIPT = {"shop": "Corner", "items": [{"name": "tea", "price": 2}, {"name": "jam", "price": 3}], "notes": []}


def answered(actual, expected=RECEIPT, image_index=0) -> RunFacts:
    diffs = [diff._asdict() for diff in differences(expected, actual)]
    return RunFacts(
        model_id="m",
        image_index=image_index,
        run_index=0,
        outcome="wrong" if diffs else "passed",
        passed=not diffs,
        diffs=diffs,
    )


def test_leaves_are_scalars_and_empty_containers_by_generalised_path():
    leaves = LeafFields(RECEIPT)
    assert len(leaves) == 6
    assert dict(leaves.by_path) == {"shop": 1, "items[].name": 2, "items[].price": 2, "notes": 1}


@pytest.mark.parametrize(
    ("actual", "right"),
    [
        (RECEIPT, 6),
        (RECEIPT | {"shop": "corner"}, 5),
        (RECEIPT | {"extra": 1}, 6),
        (RECEIPT | {"items": [RECEIPT["items"][0]]}, 4),
        (RECEIPT | {"items": "none"}, 2),
        (RECEIPT | {"notes": ["paid", "cash"]}, 5),
        (RECEIPT | {"notes": None}, 5),
        ({"shop": "Corner"}, 1),
        ([], 0),
        (None, 0),
    ],
)
def test_a_difference_counts_for_the_leaves_that_it_concerns(actual, right):
    assert tally([answered(actual)], [LeafFields(RECEIPT)]) == (right, 6)


@pytest.mark.parametrize(
    ("expected", "actual", "accuracy"),
    [(None, None, 1.0), (None, 1, 0.0), ({}, {}, 1.0), ({}, {"a": 1}, 0.0), ([], [1], 0.0), ("a", "b", 0.0)],
)
def test_an_expected_value_without_fields_is_one_leaf(expected, actual, accuracy):
    assert tally([answered(actual, expected)], [LeafFields(expected)]).accuracy == accuracy


@pytest.mark.parametrize("outcome", ["invalid_json", "empty", "truncated", "refused"])
def test_an_answer_that_is_no_json_has_no_field_right(outcome):
    run = RunFacts(model_id="m", image_index=0, run_index=0, outcome=outcome, passed=False, diffs=[])
    assert tally([run], [LeafFields(RECEIPT)]) == (0, 6)


def test_every_field_of_every_run_weighs_the_same():
    leaves = [LeafFields(RECEIPT), LeafFields({"total": 1})]
    runs = [answered(RECEIPT), answered({"total": 2}, {"total": 1}, image_index=1)]
    assert tally(runs, leaves).accuracy == 6 / 7


def test_the_accuracy_of_a_path_is_over_all_indexes_images_and_runs():
    leaves = [LeafFields(RECEIPT)]
    wrong_price = RECEIPT | {"items": [{"name": "tea", "price": 9}, {"name": "jam", "price": 3}]}
    tallies = tally_by_path([answered(RECEIPT), answered(wrong_price)], leaves)
    assert tallies["items[].price"].accuracy == 3 / 4
    assert tallies["items[].name"].accuracy == 1.0


def test_no_measured_run_has_no_accuracy():
    assert tally([], [LeafFields(RECEIPT)]).accuracy is None
