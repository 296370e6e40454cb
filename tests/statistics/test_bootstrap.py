import itertools

import numpy as np
import pytest
from scipy import stats

from jaxseg.statistics import bootstrap_difference, table_marks
from jaxseg.statistics.bootstrap import narrow_tail, resampled_means, widen_tail


def of(values, **settings):
    """The difference to a method with score 0 throughout."""
    return bootstrap_difference(np.asarray(values), np.zeros(len(values)), **settings)


def test_resamples_approach_all_there_are():
    values = np.array([-2.0, 1.0, 2.5, 3.0])
    every = [np.mean(k) for k in itertools.product(values, repeat=4)]
    found = resampled_means(values, resamples=20_000, seed=0)
    assert np.mean(found <= 0) == pytest.approx(np.mean(np.array(every) <= 0), abs=0.01)
    assert found.std() == pytest.approx(np.std(every), rel=0.02)


def test_many_resamples_are_drawn_in_parts():
    found = resampled_means(np.arange(2.0**20), resamples=5, seed=0)
    assert found.shape == (5,)
    assert len(set(found.tolist())) == 5


def test_p_values_by_hand():
    values = np.array([-2.0, 1.0, 2.5, 3.0, 0.5, 1.5, 2.0])
    found = of(values, resamples=500, seed=4)
    means = resampled_means(values, resamples=500, seed=4)
    share = (1 + np.sum(means <= 0)) / 501
    point = np.sqrt(6 / 7) * stats.norm.ppf(share)
    assert found.p_better == pytest.approx(stats.t.cdf(point, 6))
    assert found.p == pytest.approx(2 * found.p_better)
    assert found.p_worse > 0.5
    assert found.effect == pytest.approx(values.mean() / values.std(ddof=1))
    assert found.mean == pytest.approx(8.5 / 7)


def test_intervals_equal_scipys_of_the_widened_confidence():
    values = np.random.default_rng(0).normal(0.3, 1, size=30)
    found = of(values, resamples=20_000)
    tail = stats.norm.cdf(stats.t.ppf(0.025, 29) * np.sqrt(30 / 29))
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, confidence_level=1 - 2 * tail,
        method="percentile", vectorized=True, rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    width = reference.high - reference.low
    assert found.low == pytest.approx(reference.low, abs=0.03 * width)
    assert found.high == pytest.approx(reference.high, abs=0.03 * width)


def test_widening_is_undone_and_vanishes_for_many_cases():
    for cases in (2, 6, 40):
        assert widen_tail(narrow_tail(0.025, cases), cases) == pytest.approx(0.025)
    assert narrow_tail(0.025, 6) < narrow_tail(0.025, 40) < 0.025
    assert narrow_tail(0.025, 10**6) == pytest.approx(0.025, rel=1e-4)


def test_a_difference_turned_round_is_its_mirror():
    first, second = np.random.default_rng(1).normal(size=(2, 25))
    there, back = (
        bootstrap_difference(a, b, resamples=999)
        for a, b in ((first, second), (second, first))
    )
    assert (there.mean, there.effect) == (-back.mean, -back.effect)
    assert (there.p_better, there.p_worse) == (back.p_worse, back.p_better)
    assert there.p == back.p
    np.testing.assert_allclose([there.low, there.high], [-back.high, -back.low])


def test_the_seed_decides():
    values = np.random.default_rng(5).normal(size=15)
    one, again, other = (of(values, resamples=99, seed=seed) for seed in (3, 3, 4))
    assert one == again
    assert one.low != other.low


def test_missing_scores_are_dropped_and_counted():
    first = np.array([0.5, np.nan, 0.7, 0.9, 0.8, 0.9, 0.6, 0.7])
    second = np.array([0.4, 0.3, np.nan, 0.7, 0.9, 0.6, 0.4, 0.5])
    found = bootstrap_difference(first, second, resamples=200)
    assert (found.cases, found.dropped) == (6, 2)
    kept = [0, 3, 4, 5, 6, 7]
    whole = bootstrap_difference(first[kept], second[kept], resamples=200)
    assert (found.low, found.high, found.p) == (whole.low, whole.high, whole.p)


def test_equal_methods_do_not_differ():
    scores = np.random.default_rng(2).normal(size=10)
    found = bootstrap_difference(scores, scores.copy(), resamples=100)
    assert (found.mean, found.low, found.high, found.effect) == (0, 0, 0, 0)
    assert found.p == found.p_better == found.p_worse == 1


def test_rounding_is_no_difference():
    first = np.array([0.1, 0.2, -0.3] * 3)
    found = bootstrap_difference(first * 3, first + first + first, resamples=100)
    assert found.mean == 0
    assert found.p == 1


def test_a_constant_difference():
    found = of([0.25] * 8, resamples=10_000)
    assert (found.low, found.high, found.effect) == (0.25, 0.25, np.inf)
    assert found.p == pytest.approx(2 * widen_tail(1 / 10_001, 8))
    assert of([0.25] * 6).p == 2 * 2**-6 > 2 * widen_tail(1 / 10_001, 6)
    assert of([-0.25] * 8).effect == -np.inf


@pytest.mark.parametrize("cases", [1, 2, 5])
def test_few_cases_decide_nothing(cases):
    found = of([0.25] * cases)
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert found.p == 2 * 2**-cases > 0.05
    assert np.isnan(found.effect) == (cases == 1)
    assert np.isfinite(of([0.25] * 6).low)


def test_no_common_case():
    found = bootstrap_difference(np.array([1.0, np.nan]), np.array([np.nan, 1.0]))
    assert np.isnan(found.mean)
    assert (found.low, found.high, found.p) == (-np.inf, np.inf, 1)
    assert (found.cases, found.dropped) == (0, 2)


@pytest.mark.parametrize("size", [8, 40])
def test_false_positives_come_near_the_level(size):
    draws = np.random.default_rng(size).normal(size=(1000, size))
    found = [of(d, resamples=500, seed=k) for k, d in enumerate(draws)]
    rejected = np.array([f.p < 0.05 for f in found])
    covered = np.array([f.low <= 0 <= f.high for f in found])
    error = 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert 0.05 - error < rejected.mean() < 0.055 + error
    assert 0.94 - error < covered.mean() < 0.95 + error
    assert np.mean(rejected == ~covered) > 0.98  # the two tell one story


def test_marks_by_hand():
    noise = np.random.default_rng(3).normal(scale=0.01, size=(4, 40))
    table = noise + np.array([0.8, 0.8, 0.6, 0.3])[:, None]
    marks = table_marks(table, resamples=500)
    np.testing.assert_array_equal(marks.top, [True, True, False, False])
    np.testing.assert_array_equal(marks.worst, [False, False, False, True])


def test_marks_of_one_of_equals_and_of_nothing():
    one = table_marks(np.ones((1, 10)))
    assert (one.top.tolist(), one.worst.tolist()) == ([True], [False])
    equal = table_marks(np.ones((3, 10)), resamples=50)
    assert equal.top.all()
    assert not equal.worst.any()
    missing = table_marks(np.array([[np.nan] * 10, [0.5] * 10]), resamples=50)
    assert missing.top.tolist() == [False, True]
    assert not missing.worst.any()
    assert not table_marks(np.full((2, 3), np.nan)).top.any()
