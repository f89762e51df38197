from decimal import Decimal

import pytest

from modelpick_shared.document import figures
from modelpick_shared.document.facts import RunFacts


def run(passed=1, relaxed=None, image=0, number=0, **columns) -> RunFacts:
    return RunFacts(
        model_id="m",
        image_index=image,
        run_index=number,
        outcome="passed" if passed else "wrong",
        passed=bool(passed),
        passed_relaxed=bool(passed if relaxed is None else relaxed),
        **columns,
    )


def test_rates_are_passed_over_measured():
    runs = [run(), run(False, relaxed=True), run(False), run()]
    assert figures.strict_rate(runs).pass_rate == 0.5
    assert figures.relaxed_rate(runs).pass_rate == 0.75
    assert figures.strict_rate([]).pass_rate is None
    assert figures.strict_rate(runs).ci95 is None


def test_consistency_is_the_share_of_images_whose_runs_agree():
    runs = [
        run(image=0),
        run(image=0),
        run(image=1),
        run(False, image=1),
        run(False, image=2),
        run(False, image=2),
    ]
    assert figures.consistency(runs) == pytest.approx(2 / 3)


def test_an_image_with_a_single_measured_run_says_nothing_of_consistency():
    assert figures.consistency([run(image=0), run(image=1)]) is None
    assert figures.consistency([run(image=0), run(image=1), run(image=1)]) == 1.0


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, None),
        ([7], 1, 7),
        ([7], 99, 7),
        ([15, 20, 35, 40, 50], 50, 35),
        ([15, 20, 35, 40, 50], 90, 50),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 90, 90),
        (list(range(1, 101)), 99, 99),
        (list(range(1, 31)), 90, 27),
    ],
)
def test_percentiles_are_by_nearest_rank(values, percent, expected):
    assert figures.nearest_rank(values, percent) == expected


def test_latency_leaves_out_runs_without_one():
    latency = figures.latency([run(latency_ms=300), run(latency_ms=None), run(latency_ms=100)])
    assert (latency.p50, latency.p90, latency.p99) == (100, 300, 300)


def test_the_cost_of_an_image_is_what_one_reading_of_it_costs():
    cost = figures.cost(
        [run(cost_usd=Decimal("0.001")), run(cost_usd=Decimal("0.002")), run(cost_usd=Decimal("0.001"))]
    )
    assert cost.total == Decimal("0.004")
    assert str(cost.per_image) == "0.0013333333"
    assert str(cost.per_1000_images) == "1.3333333333"


def test_an_unknown_bill_is_not_a_free_one():
    cost = figures.cost([run(cost_usd=Decimal("0.002")), run(cost_usd=None)])
    assert (cost.total, cost.per_image) == (Decimal("0.002"), Decimal("0.002"))
    assert figures.cost([run(cost_usd=None)]).per_1000_images is None


def test_a_free_model_costs_nothing_and_amounts_have_no_exponent():
    free = figures.cost([run(cost_usd=Decimal("0E-10"))])
    assert free.model_dump(mode="json") == {"total": "0.0000000000", "per_image": "0", "per_1000_images": "0"}
    cheap = figures.cost([run(cost_usd=Decimal("0.0000001"))])
    assert cheap.model_dump(mode="json")["per_image"] == "0.0000001"
    round_sum = figures.cost([run(cost_usd=Decimal(100))])
    assert round_sum.model_dump(mode="json")["per_1000_images"] == "100000"
