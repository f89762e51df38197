from decimal import Decimal

import pytest

from modelpick_shared.document.ranking import Standing, is_ranked, pareto, ranks


def standing(strict, relaxed=None, usd="1") -> Standing:
    return Standing(strict, strict if relaxed is None else relaxed, None if usd is None else Decimal(usd))


def test_models_are_ranked_by_strict_then_by_relaxed_and_equals_share_a_rank():
    standings = {
        "second": standing(0.8, 0.9),
        "first": standing(0.9, 0.9),
        "also second": standing(0.8, 0.9),
        "fourth": standing(0.8, 0.8),
        "last": standing(0.0),
    }
    assert ranks(standings) == {"first": 1, "second": 2, "also second": 2, "fourth": 4, "last": 5}


@pytest.mark.parametrize(
    ("measured", "planned", "ranked"),
    [(0, 6, False), (2, 6, False), (3, 6, True), (6, 6, True), (1, 3, False), (2, 3, True), (0, 0, False)],
)
def test_a_model_with_fewer_than_half_of_its_runs_measured_is_unranked(measured, planned, ranked):
    assert is_ranked(measured, planned) is ranked


def test_a_model_is_worth_its_price_unless_another_is_as_good_for_less_or_better_for_as_much():
    standings = {
        "best": standing(0.9, usd="5"),
        "cheapest": standing(0.5, usd="1"),
        "equal to cheapest": standing(0.5, usd="1"),
        "dear": standing(0.9, usd="6"),
        "worse": standing(0.4, usd="1"),
        "middle": standing(0.7, usd="3"),
        "unpriced": standing(1.0, usd=None),
    }
    assert pareto(standings) == {"best", "cheapest", "equal to cheapest", "middle"}
