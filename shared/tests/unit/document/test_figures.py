from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from modelpick_shared.document import ReportFacts, build_document, figures
from modelpick_shared.document.facts import RunFacts
from modelpick_shared.ids import new_id
from modelpick_shared.testing import an_image, config_snapshot


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
    assert figures.strict_rate([]).ci95 is None


def test_the_interval_of_single_runs_is_wilsons():
    runs = [run(image < 7, relaxed=image < 8, image=image) for image in range(10)]
    strict, relaxed = figures.strict_rate(runs).ci95, figures.relaxed_rate(runs).ci95
    assert strict == pytest.approx(proportion_confint(7, 10, method="wilson"), abs=1e-9)
    assert relaxed == pytest.approx(proportion_confint(8, 10, method="wilson"), abs=1e-9)


def test_runs_of_one_image_that_agree_do_not_narrow_the_interval():
    once = [run(image < 7, image=image) for image in range(10)]
    low, high = figures.strict_rate(once).ci95
    low_of_three, high_of_three = figures.strict_rate(once * 3).ci95
    assert (low_of_three, high_of_three) == pytest.approx((low, high))
    mixed = [run((image + number) % 10 < 7, image=image) for image in range(10) for number in (0, 3, 6)]
    low_of_mixed, high_of_mixed = figures.strict_rate(mixed).ci95
    assert high_of_mixed - low_of_mixed < 0.8 * (high - low)


def test_shares_are_by_image_and_none_without_a_measured_run():
    runs = [run(image=2), run(False, image=2), run(image=0)]
    assert figures.shares_by_image(runs, 4) == (1.0, None, 0.5, None)


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


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 100])
def test_percentiles_are_numpys_inverted_cdf(percent):
    values = sorted(value * 37 % 101 for value in range(1, 31))
    expected = np.percentile(values, percent, method="inverted_cdf")
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


RECEIPT = {"shop": "Corner", "items": [{"price": 2}, {"price": 3}], "total": 5}


def flips(runs, images=2):
    config = config_snapshot(models=2, images=images)
    config = config.model_copy(update={"images": [an_image(number, RECEIPT) for number in range(images)]})
    facts = ReportFacts(new_id(), "partial", 1, 12, Decimal(0), datetime(2026, 1, 2, tzinfo=UTC))
    answers = [answer(config.models[0].id, *own) for own in runs]
    document = build_document(facts, config, answers, image_url=str)
    flipping = figures.flipping_fields(document)
    assert flipping[config.models[1].id] == {}
    return flipping[config.models[0].id]


def answer(model_id, image, number, *paths, outcome=None) -> RunFacts:
    diffs = [
        {"path": path, "kind": "wrong", "expected": 1, "actual": 2, "rescued_by": None} for path in paths
    ]
    outcome = outcome or ("wrong" if diffs else "passed")
    verdict = None if outcome == "unmeasured" else outcome == "passed"
    return RunFacts(model_id, image, number, outcome, passed=verdict, passed_relaxed=verdict, diffs=diffs)


def test_a_field_flips_on_an_image_when_runs_disagree_on_it():
    runs = [(0, 0), (0, 1, "total"), (0, 2, "items[1].price"), (1, 0, "shop"), (1, 1, "shop", "total")]
    assert flips(runs) == {"shop": 0.0, "items[].price": 0.5, "total": 1.0}


def test_an_image_with_a_single_measured_run_says_nothing_of_flips():
    assert flips([(0, 0), (1, 0, "total")]) == {}
    unmeasured = {"outcome": "unmeasured"}
    config = config_snapshot(models=1, images=1)
    runs = [answer(config.models[0].id, 0, 0), answer(config.models[0].id, 0, 1, **unmeasured)]
    facts = ReportFacts(new_id(), "partial", 1, 3, Decimal(0), datetime(2026, 1, 2, tzinfo=UTC))
    document = build_document(facts, config, runs, image_url=str)
    assert figures.flipping_fields(document) == {config.models[0].id: {}}


def test_an_answer_that_is_no_json_has_every_field_wrong():
    config = config_snapshot(models=1, images=1)
    runs = [answer(config.models[0].id, 0, 0), answer(config.models[0].id, 0, 1, outcome="invalid_json")]
    facts = ReportFacts(new_id(), "complete", 1, 2, Decimal(0), datetime(2026, 1, 2, tzinfo=UTC))
    document = build_document(facts, config, runs, image_url=str)
    assert figures.flipping_fields(document) == {config.models[0].id: {"total": 1.0}}
