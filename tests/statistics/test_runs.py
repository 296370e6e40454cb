"""Intervals over cases and runs."""

import numpy as np
import pytest

from jaxseg.statistics import bootstrap_difference, bootstrap_runs


def mean_of(scores):
    return lambda weights: weights @ np.asarray(scores, float).T


def test_the_value_is_the_mean_over_cases_and_runs():
    found = bootstrap_runs(mean_of([[1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 7, 8]]), 6)
    assert found.value == pytest.approx((3.5 + 5.5) / 2)
    np.testing.assert_allclose(found.runs, [3.5, 5.5])
    assert found.low < found.value < found.high
    assert found.cases == 6


def test_one_run_has_about_the_interval_of_the_bootstrap_over_cases():
    scores = np.random.default_rng(0).normal(0.1, 1.0, 80)
    mine = bootstrap_runs(mean_of([scores]), 80, resamples=10_000)
    theirs = bootstrap_difference(scores, np.zeros(80))
    np.testing.assert_allclose(
        (mine.low, mine.high), (theirs.low, theirs.high), atol=0.05 * mine.high
    )


def test_runs_that_disagree_widen_the_interval_as_much_as_their_spread():
    cases = np.random.default_rng(0).normal(0.0, 0.1, 400)
    agreeing = bootstrap_runs(mean_of([cases] * 3), 400)
    apart = np.array([-0.1, 0.0, 0.1])
    disagreeing = bootstrap_runs(mean_of([cases + x for x in apart]), 400)
    width, wider = (e.high - e.low for e in (agreeing, disagreeing))
    np.testing.assert_allclose(width, 2 * 1.96 * 0.1 / 20, rtol=0.1)
    # the standard error of the mean of three runs, their ends cut off by resampling
    assert 0.9 * 2 * apart.std(ddof=1) / 3**0.5 < (wider / 2) < 2.2 * 0.1 / 3**0.5


def test_ratios_are_of_weighted_sums():
    top, bottom = np.array([1.0, 0, 3, 2, 5, 4]), np.array([2.0, 2, 4, 4, 8, 8])

    def ratio(weights):
        return (weights @ top / (weights @ bottom))[:, None]

    found = bootstrap_runs(ratio, 6)
    assert found.value == pytest.approx(15 / 28)
    assert 0 < found.low < 15 / 28 < found.high < 1


def test_five_cases_decide_nothing():
    found = bootstrap_runs(mean_of([[1.0] * 5]), 5)
    assert (found.value, found.low, found.high) == (1.0, -np.inf, np.inf)
