"""Estimates and their intervals: by hand, over groups, folds and seeds, together."""

import math

import numpy as np
import pytest
from scipy import stats

from jaxseg.statistics import Estimate, estimate, number_names, pooled, weighted_means


def mean_of(scores):
    return lambda weights: weighted_means(np.atleast_2d(np.asarray(scores)), weights)


def of(value, error, units=1000, **more):
    given = {"below": error, "above": error, "cases": units, "units": units}
    return Estimate(value=value, **{**given, **more})


def test_the_value_is_the_mean_over_cases_and_seeds():
    found = estimate(mean_of([[1.0, 2, 3, 4, 5, 6], [3.0, 4, 5, 6, 7, 8]]), 6)
    assert found.value == pytest.approx((3.5 + 5.5) / 2)
    assert (found.cases, found.units, found.runs) == (6, 6, 2)
    assert found.between == pytest.approx(math.sqrt(2) / math.sqrt(2))  # of 3.5 and 5.5


def test_one_run_has_student_s_interval_of_its_cases():
    scores = np.random.default_rng(0).normal(0.1, 1.0, 30)
    found = estimate(mean_of(scores), 30, resamples=20_000)
    error = scores.std(ddof=1) / math.sqrt(30)
    reach = stats.t.ppf(0.975, 29) * error
    np.testing.assert_allclose(
        (found.low, found.high), scores.mean() + np.array([-reach, reach]),
        atol=0.04 * reach,
    )  # fmt: skip


def test_cases_of_one_patient_count_once():
    """Ten patients of nine equal slices: the interval of ten cases, not of ninety."""
    patients = np.random.default_rng(1).normal(size=10)
    slices, of_patient = np.repeat(patients, 9), np.repeat(np.arange(10), 9)
    alone = estimate(mean_of(patients), 10, resamples=20_000)
    grouped = estimate(mean_of(slices), of_patient, resamples=20_000)
    blind = estimate(mean_of(slices), 90, resamples=20_000)
    np.testing.assert_allclose(
        (grouped.low, grouped.high), (alone.low, alone.high), atol=0.05
    )
    assert (grouped.units, grouped.cases) == (10, 90)
    assert grouped.high - grouped.low > 2.5 * (blind.high - blind.low)


def test_folds_that_disagree_widen_the_interval_by_hand():
    cases = np.tile(np.array([-0.1, 0.1]), 100)
    folds = np.repeat(np.arange(4), 50)
    shift = np.array([-0.3, -0.1, 0.1, 0.3])[folds]
    calm = estimate(mean_of(cases), 200, folds)
    assert calm.between == 0  # no more than its cases explain
    wild = estimate(mean_of(cases + shift), 200, folds)
    within = 0.01 / 50  # variance of the mean of 50 cases of +-0.1
    spread = math.sqrt((0.2 / 3 - within / 2) / 4)  # 4 folds; 0.2 is 2 (0.3^2 + 0.1^2)
    assert wild.between == pytest.approx(spread, rel=0.01)
    assert wild.runs == 4
    c, b = calm.above**2, wild.between**2
    freedom = (c + b) ** 2 / (c**2 / 199 + b**2 / 3)
    assert wild.high == pytest.approx(
        stats.t.ppf(0.975, freedom) * math.sqrt(c + b), rel=0.02
    )


def test_ends_that_hold_together_are_those_of_a_smaller_level():
    found = of(1.0, 0.1, units=30)
    low, high = found.interval(20)
    assert high - 1 == pytest.approx(0.1 * stats.t.ppf(1 - 0.025 / 20, 29))
    assert 1 - low == pytest.approx(high - 1)
    assert found.interval(1) == (found.low, found.high)


def test_sums_differences_and_means_of_different_data_sets():
    one, two = of(0.5, 0.3, units=40, runs=5, between=0.1), of(0.1, 0.4, units=9)
    gap = one + -two
    assert gap.value == pytest.approx(0.4)
    assert (gap.below, gap.above) == pytest.approx((0.5, 0.5))
    assert (gap.units, gap.cases, gap.runs) == (9, 49, 1)
    both = pooled([one, two])
    assert (both.value, both.below, both.between) == pytest.approx((0.3, 0.25, 0.05))
    lopsided = Estimate(value=1.0, below=0.1, above=0.2, cases=9, units=9)
    assert ((-lopsided).below, (-lopsided).above) == (0.2, 0.1)


def test_of_an_interval_it_is_that_interval():
    found = Estimate.of_interval(0.2, -0.1, 0.6, 20)
    np.testing.assert_allclose((found.low, found.high), (-0.1, 0.6))


def test_five_units_decide_nothing_and_no_case_is_nan():
    five = estimate(mean_of([1.0] * 50), np.repeat(np.arange(5), 10))
    assert (five.value, five.low, five.high) == (1.0, -math.inf, math.inf)
    for none in (estimate(mean_of([]), 0), estimate(mean_of([math.nan] * 9), 9)):
        assert math.isnan(none.value)
        assert (none.low, none.high) == (-math.inf, math.inf)


def test_equal_methods_have_no_width():
    found = estimate(mean_of(np.zeros(20)), 20, np.arange(20) % 4)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_means_leave_out_what_is_missing():
    values = np.array([[1.0, math.nan, 3.0], [math.nan] * 3])
    found = weighted_means(values, np.array([[0.5, 0.25, 0.25]]))
    np.testing.assert_allclose(found, [[(0.5 + 0.75) / 0.75, math.nan]])
    assert number_names(["b", "a", "b"]).tolist() == [0, 1, 0]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.97])
def test_five_folds_are_called_different_as_seldom_as_documented(share):
    """Of the variance of the mean, `share` is between folds."""
    rng = np.random.default_rng(2)
    folds = np.repeat(np.arange(5), 40)
    wrong = 0
    for _ in range(500):
        runs = rng.normal(scale=math.sqrt(share / 40), size=5)
        scores = rng.normal(scale=math.sqrt(1 - share), size=200) + runs[folds]
        found = estimate(mean_of(scores), 200, folds, resamples=200)
        wrong += not found.low <= 0 <= found.high
    assert 0.01 < wrong / 500 < 0.085
