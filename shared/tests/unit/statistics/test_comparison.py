from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from modelpick_shared.statistics import competition_ranks, leaders, paired_p_values

shares = st.sampled_from([0.0, 1 / 3, 0.5, 2 / 3, 1.0])
GOOD, BAD = [1.0] * 10, [0.0] * 9 + [1.0]


def rows(models, images):
    return st.lists(st.lists(shares, min_size=images, max_size=images), min_size=models, max_size=models).map(
        lambda drawn: sorted(drawn, key=sum, reverse=True)
    )


def simulated(means, *, reports, correlation=0.5, alike=0.5, images=10, runs=3, unmeasured=0.05, seed=8):
    """Draw reports: shares of passed runs by model and image, the best model of each first.

    The pass probabilities of a model's images are beta distributed around its mean, with `correlation`
    between two runs of one image; `alike` is how far the models find the same images hard, the correlation
    of a normal copula.
    """
    generator = np.random.default_rng([seed, len(means)])
    size = (reports, len(means), images)
    hardness = generator.normal(size=(reports, 1, images)) * alike**0.5
    ranks = stats.norm.cdf(hardness + generator.normal(size=size) * (1 - alike) ** 0.5)
    grid, total = np.linspace(1e-9, 1 - 1e-9, 2001), (1 - correlation) / correlation
    probabilities = np.empty(size)
    for number, mean in enumerate(means):
        quantiles = stats.beta.ppf(grid, mean * total, (1 - mean) * total)
        probabilities[:, number] = np.interp(ranks[:, number], grid, quantiles)
    measured = generator.binomial(runs, 1 - unmeasured, size=size)
    yield from zip(generator.binomial(measured, probabilities), measured, strict=True)


def set_below(passed, measured):
    """Return the models that are not among the leaders, by their place in the simulation."""
    order = sorted(range(len(passed)), key=lambda number: -passed[number].sum() / measured[number].sum())
    table = [
        [
            right / count if count else None
            for right, count in zip(passed[number], measured[number], strict=True)
        ]
        for number in order
    ]
    return set(order[leaders(table) :])


@settings(max_examples=25, deadline=None)
@given(rows(2, 8))
def test_the_paired_test_is_scipys_permutation_test(table):
    """Scipy gets whole numbers, sixths: it takes sums that differ by a rounding error for different."""
    sixths = np.rint(6 * np.array(table))
    reference = stats.permutation_test(
        (sixths[0], sixths[1]),
        lambda one, other, axis: np.sum(one - other, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert paired_p_values(table)[1] == pytest.approx(reference.pvalue)


@settings(max_examples=25, deadline=None)
@given(rows(2, 7))
def test_the_paired_test_counts_exactly(table):
    """In fractions, where ties of sums are certain."""
    exact = [[Fraction(share).limit_denominator(6) for share in row] for row in table]
    differences = [one - other for one, other in zip(*exact, strict=True)]
    sums = [
        abs(sum(sign * difference for sign, difference in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=7)
    ]
    assert paired_p_values(table)[1] == sum(total >= abs(sum(differences)) for total in sums) / len(sums)


def test_images_that_one_of_the_two_lacks_do_not_count():
    whole = paired_p_values([GOOD[:7], BAD[:7]])
    assert paired_p_values([[*GOOD[:7], None, 0.0], [*BAD[:7], 1.0, None]]) == whole
    assert paired_p_values([[1.0, None], [None, 0.0]]) == [1.0, 1.0]


def test_five_images_never_tell_two_models_apart_and_six_may():
    assert competition_ranks([[1.0] * 5, [0.0] * 5]) == [1, 1]
    assert competition_ranks([[1.0] * 6, [0.0] * 6]) == [1, 2]
    assert paired_p_values([[1.0] * 6, [0.0] * 6])[1] == 2 / 2**6


@settings(max_examples=50, deadline=None)
@given(rows(2, 8))
def test_of_two_models_the_paired_test_decides(table):
    assert leaders(table) == 1 + (paired_p_values(table)[1] > 0.05)


@settings(max_examples=25, deadline=None)
@given(rows(5, 8))
def test_the_leaders_are_those_of_an_independent_computation(table):
    values = np.array(table)
    flipped = values @ np.array(list(product((1, -1), repeat=8))).T
    behind = values[0].sum() - values.sum(axis=1)
    paired = np.mean(np.abs(flipped[0] - flipped) >= behind[:, None] - 1e-9, axis=1)
    tied = 1 + np.flatnonzero(paired > 0.05).max()
    count = tied
    for place in range(tied, 5):
        group = flipped[[*range(tied), place]]
        if np.mean(np.ptp(group, axis=0) >= behind[place] - 1e-9) > 0.05:
            count = place + 1
    assert leaders(table) == count


def test_groups_follow_each_other_and_skip_as_many_ranks_as_they_share():
    half = [1.0, 0.0] * 5
    assert competition_ranks([GOOD, GOOD, BAD, BAD, BAD]) == [1, 1, 3, 3, 3]
    assert competition_ranks([GOOD, half, BAD]) == [1, 1, 3]
    assert competition_ranks([GOOD]) == [1]
    assert competition_ranks([]) == []


def test_models_without_a_common_image_cannot_be_told_apart():
    assert competition_ranks([[1.0] * 6 + [None] * 6, [None] * 6 + [0.0] * 6]) == [1, 1]


@pytest.mark.parametrize(("models", "reports"), [(2, 1000), (5, 400), (24, 150)])
def test_models_of_equal_worth_are_seldom_set_apart(models, reports):
    """The share of reports in which any of them is: 2.5, 3 and 6 % here, bounded by 5 % and its error."""
    drawn = simulated([0.6] * models, reports=reports, correlation=0.2, alike=0.2)
    wrong = sum(bool(set_below(*report)) for report in drawn) / reports
    assert wrong <= 0.05 + 2 * (0.05 * 0.95 / reports) ** 0.5


@pytest.mark.parametrize(
    ("means", "reports", "least"),
    [
        ([0.999, 0.3], 500, 0.97),
        ([0.95, 0.5], 500, 0.6),
        ([0.95, 0.9, 0.7, 0.5, 0.3], 300, 0.95),
        ([0.95 - 0.65 * place / 23 for place in range(24)], 100, 0.8),
    ],
)
def test_a_wide_gap_is_found(means, reports, least):
    """The share of reports in which the last model is set below the leader: 99, 69, 96 and 89 % here."""
    drawn = simulated(means, reports=reports)
    found = sum(len(means) - 1 in set_below(*report) for report in drawn) / reports
    assert found >= least
