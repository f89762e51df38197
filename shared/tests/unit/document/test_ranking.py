from decimal import Decimal

import pytest

from modelpick_shared.document.ranking import Standing, is_ranked, pareto, places

ALL, NONE = (1.0,) * 10, (0.0,) * 10


def standing(strict, *, relaxed=None, fields=0.0, usd="1", shares=None) -> Standing:
    return Standing(
        strict=strict,
        relaxed=strict if relaxed is None else relaxed,
        field_accuracy=fields,
        per_image_usd=None if usd is None else Decimal(usd),
        shares=(strict,) * 10 if shares is None else shares,
    )


def test_models_that_cannot_be_told_apart_from_the_leader_share_its_rank():
    placed = places(
        {
            "hopeless": standing(0.0),
            "best": standing(1.0),
            "close": standing(0.9, shares=(*ALL[:9], 0.0)),
            "as hopeless": standing(0.0),
            "poor": standing(0.1, shares=(*NONE[:9], 1.0)),
        }
    )
    assert placed["best"] == (1, ["close"])
    assert placed["close"] == (1, ["best"])
    assert placed["poor"] == (3, ["hopeless", "as hopeless"])
    assert placed["hopeless"] == (3, ["as hopeless", "poor"])


def test_a_model_with_nobody_beside_it_is_tied_with_nobody():
    assert places({"best": standing(1.0), "worst": standing(0.0)}) == {"best": (1, []), "worst": (2, [])}
    assert places({"only": standing(0.5)}) == {"only": (1, [])}
    assert places({}) == {}


def test_equal_strict_rates_are_tied_whatever_else_differs():
    placed = places(
        {
            "dear": standing(0.5, usd="9"),
            "unpriced": standing(0.5, usd=None),
            "relaxed": standing(0.5, relaxed=1.0),
            "fields": standing(0.5, fields=1.0),
        }
    )
    assert {place.rank for place in placed.values()} == {1}
    assert placed["relaxed"].tied_with == ["dear", "unpriced", "fields"]


def test_fewer_than_six_images_tell_nobody_apart():
    placed = places({"best": standing(1.0, shares=ALL[:5]), "worst": standing(0.0, shares=NONE[:5])})
    assert placed == {"best": (1, ["worst"]), "worst": (1, ["best"])}


def test_a_better_rate_never_has_a_worse_rank():
    rates = [1.0, 0.9, 0.8, 0.6, 0.5, 0.4, 0.3, 0.1, 0.0]
    standings = {
        str(rate): standing(rate, shares=tuple(float(image < 10 * rate) for image in range(10)))
        for rate in reversed(rates)
    }
    ranks = [places(standings)[str(rate)].rank for rate in rates]
    assert ranks == sorted(ranks)
    assert ranks[0] == 1 < ranks[-1]


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
        "equal to cheapest": standing(0.5, usd="1.00"),
        "dear": standing(0.9, usd="6"),
        "worse": standing(0.4, usd="1"),
        "middle": standing(0.7, usd="3"),
        "unpriced": standing(1.0, usd=None),
    }
    assert pareto(standings) == {"best", "cheapest", "equal to cheapest", "middle"}


def test_of_free_models_only_the_best_is_worth_its_price():
    standings = {"free": standing(0.5, usd="0"), "free and worse": standing(0.4, usd="0E-10")}
    assert pareto(standings | {"paid and worse": standing(0.3, usd="1")}) == {"free"}
