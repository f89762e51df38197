from functools import cache
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from modelpick_shared.statistics import (
    Cluster,
    clustered_interval,
    effective_sample_size,
    intracluster_correlation,
    wilson_interval,
)

clusters = st.lists(
    st.integers(1, 5).flatmap(lambda size: st.builds(Cluster, st.integers(0, size), st.just(size))),
    min_size=1,
    max_size=10,
)


def swapped(images):
    return [Cluster(measured - passed, measured) for passed, measured in images]


def runs_of(images):
    """One row a run: whether it passed, and its image."""
    verdicts = [float(number < passed) for passed, measured in images for number in range(measured)]
    return np.array(verdicts), np.repeat(range(len(images)), [image.measured for image in images])


def simulated(mean, correlation, *, images=10, runs=3, unmeasured=0.1, reports=2000, seed=4):
    """Draw reports: beta distributed pass probabilities of images, and Bernoulli runs, some unmeasured.

    `mean` and `correlation` (of two runs of one image) are the population's; the beta distribution has
    the parameters mean x (1 - correlation) / correlation and (1 - mean) x (1 - correlation) / correlation.
    """
    generator = np.random.default_rng([seed, round(100 * mean), round(100 * correlation), images, runs])
    total = (1 - correlation) / correlation
    probabilities = generator.beta(mean * total, (1 - mean) * total, size=(reports, images))
    measured = generator.binomial(runs, 1 - unmeasured, size=probabilities.shape)
    passed = generator.binomial(measured, probabilities)
    for row in zip(passed.tolist(), measured.tolist(), strict=True):
        yield tuple(sorted(zip(*row, strict=True)))


@cache
def interval(images):
    return clustered_interval([Cluster(*image) for image in images])


def coverage(mean, correlation, **options):
    bounds = [interval(images) for images in simulated(mean, correlation, **options)]
    return sum(low <= mean <= high for low, high in bounds) / len(bounds)


@pytest.mark.parametrize("images", [1, 2, 6, 10])
def test_with_one_run_an_image_it_is_wilsons_interval(images):
    for passed in range(images + 1):
        single = [Cluster(int(number < passed), 1) for number in range(images)]
        expected = proportion_confint(passed, images, method="wilson")
        assert clustered_interval(single) == pytest.approx(expected, abs=1e-9)
        assert wilson_interval(passed / images, images) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("passed", [0, 3])
def test_runs_that_all_end_alike_count_as_one_an_image(passed):
    images = [Cluster(passed, 3)] * 10
    assert effective_sample_size(images) == pytest.approx(10)
    expected = proportion_confint(10 * passed / 3, 10, method="wilson")
    assert clustered_interval(images) == pytest.approx(expected, abs=1e-9)


def test_an_image_without_a_measured_run_changes_nothing():
    images = [Cluster(2, 3), Cluster(3, 3), Cluster(0, 1)]
    assert clustered_interval([*images, Cluster(0, 0)]) == clustered_interval(images)
    assert clustered_interval([Cluster(0, 0)]) is clustered_interval([]) is None


@given(clusters)
def test_the_interval_holds_the_rate_and_mirrors_when_passed_and_failed_swap(images):
    low, high = clustered_interval(images)
    rate = sum(image.passed for image in images) / sum(image.measured for image in images)
    assert 0 <= low <= rate + 1e-9
    assert rate - 1e-9 <= high <= 1
    assert clustered_interval(swapped(images)) == pytest.approx((1 - high, 1 - low), abs=2e-9)


@given(clusters, st.randoms())
def test_the_order_of_images_does_not_matter(images, random):
    shuffled = random.sample(images, len(images))
    assert clustered_interval(shuffled) == pytest.approx(clustered_interval(images), abs=2e-9)


@given(clusters)
def test_the_runs_are_worth_at_least_the_images_and_at_most_themselves(images):
    runs = sum(image.measured for image in images)
    balanced = runs**2 / sum(image.measured**2 for image in images)
    assert balanced - 1e-9 <= effective_sample_size(images) <= runs + 1e-9


@given(clusters)
def test_the_correlation_is_that_of_an_analysis_of_variance(images):
    """Within variance by statsmodels' least squares on one dummy an image; the shrinkage is ours."""
    verdicts, image_of = runs_of(images)
    if np.all(np.bincount(image_of) == 1):
        assert intracluster_correlation(images) == 1.0
        return
    within = sm.OLS(verdicts, np.eye(len(images))[image_of]).fit().ssr
    variance = verdicts.var() + 0.5 / len(images)
    expected = 1 - within / (len(verdicts) - len(images)) / variance
    assert intracluster_correlation(images) == pytest.approx(max(0.0, expected), abs=1e-9)


@pytest.mark.parametrize("correlation", [0.1, 0.5, 0.9])
def test_of_many_images_the_variance_is_the_cluster_robust_one_of_statsmodels(correlation):
    (drawn,) = simulated(0.6, correlation, images=4000, reports=1)
    images = [Cluster(*image) for image in drawn if image[1]]
    verdicts, image_of = runs_of(images)
    fit = sm.OLS(verdicts, np.ones(len(verdicts))).fit(cov_type="cluster", cov_kwds={"groups": image_of})
    variance = verdicts.var() / effective_sample_size(images)
    assert variance == pytest.approx(fit.cov_params()[0, 0], rel=0.05)


def test_one_more_passed_run_moves_the_interval_up():
    """All reports of 10 x 3 runs; but for the step to all runs passed, which loses the variance."""
    falls = []
    for counts in combinations_with_replacement(range(4), 10):
        before = interval(tuple((passed, 3) for passed in counts))
        for place in {counts.index(passed) for passed in set(counts) - {3}}:
            more = sorted((*counts[:place], counts[place] + 1, *counts[place + 1 :]))
            after = interval(tuple((passed, 3) for passed in more))
            falls.append(max(old - new for old, new in zip(before, after, strict=True)))
    assert sorted(falls)[-3] <= 1e-9
    assert max(falls) < 0.01


def test_intervals_cover_the_pass_rate_of_92_to_98_percent_of_simulated_reports():
    """2,000 reports of each of 16 populations, ten images of three runs, a tenth of them unmeasured.

    Single populations: from 0.935 (mean 0.7, correlation 0.9) to 0.980 (mean 0.3, correlation 0.1).
    """
    populations = list(product([0.1, 0.3, 0.6, 0.9], [0.3, 0.5, 0.7, 0.9]))
    shares = {(mean, icc): coverage(mean, icc) for icc, mean in populations}
    assert 0.95 <= sum(shares.values()) / len(shares) <= 0.97
    assert all(0.92 <= share <= 0.98 for share in shares.values()), shares


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [
        ({"unmeasured": 0.0}, 0.93, 0.98),
        ({"unmeasured": 0.4}, 0.93, 0.98),
        ({"runs": 2}, 0.93, 0.98),
        ({"runs": 5}, 0.93, 0.985),
        ({"images": 8}, 0.93, 0.98),
        ({"images": 6}, 0.92, 0.985),
        ({"images": 4}, 0.90, 1.0),
    ],
)
def test_other_shapes_of_reports_are_covered_about_as_well(options, least, most):
    """Nine populations each: their mean is within 94 and 98 %, single ones stray further with few images."""
    populations = product([0.1, 0.5, 0.9], [0.3, 0.5, 0.8])
    shares = [coverage(mean, icc, reports=1000, **options) for icc, mean in populations]
    assert 0.94 <= sum(shares) / len(shares) <= 0.98
    assert least <= min(shares) <= max(shares) <= most, shares
