import itertools

import numpy as np
import pytest
from scipy import stats

from jaxseg.statistics import holm, pairwise_tests, resampled_wins
from jaxseg.statistics.wilcoxon import exact_p_value, p_values, signed_ranks


def versus_nought(difference):
    """A table whose second method has score 0 throughout."""
    return np.array([difference, np.zeros(len(difference))])


def test_five_cases_by_hand():
    tests = pairwise_tests(versus_nought([1.0, 2.0, -3.0, 4.0, 5.0]))
    plus, minus = 1 + 2 + 4 + 5, 3
    assert tests.effect[0, 1] == pytest.approx((plus - minus) / (plus + minus))
    assert tests.effect[1, 0] == -tests.effect[0, 1]
    # negative ranks that sum to at most 3: {}, {1}, {2}, {3}, {1, 2}
    assert tests.p[0, 1] == tests.p[1, 0] == pytest.approx(2 * 5 / 2**5)


def test_ties_zeros_and_gaps_by_hand():
    tests = pairwise_tests(versus_nought([0.1, 0.1, -0.1, 0.2, 0.0, np.nan]))
    ranks = [(1 + 2 + 3) / 3] * 3 + [4]
    plus, minus = ranks[0] + ranks[1] + ranks[3], ranks[2]
    assert tests.effect[0, 1] == pytest.approx((plus - minus) / sum(ranks))
    # of the 16 signs, {} and three times {2} have a negative sum of at most 2
    assert tests.p[0, 1] == pytest.approx(2 * 4 / 16)
    np.testing.assert_array_equal(tests.cases, [[5, 5], [5, 6]])
    np.testing.assert_array_equal(tests.differ, [[0, 4], [4, 0]])


def test_holm_by_hand():
    corrected = holm(np.array([0.01, 0.04, 0.03, 0.005, 0.9]))
    steps = [5 * 0.005, 4 * 0.01, 3 * 0.03, 3 * 0.03, 0.9]
    assert 2 * 0.04 < 3 * 0.03  # so the fourth smallest takes the third's
    expected = [steps[1], steps[3], steps[2], steps[0], steps[4]]
    np.testing.assert_allclose(corrected, expected)
    np.testing.assert_array_equal(holm(np.array([0.6, 0.7])), [1.0, 1.0])


def test_exact_p_values_equal_all_signs_one_by_one():
    rng = np.random.default_rng(0)
    for _ in range(20):
        signed = signed_ranks(rng.integers(-3, 5, size=8).astype(float))
        signs = np.array(list(itertools.product([-1, 1], repeat=8)))
        sums = np.abs(signs @ np.abs(signed))
        expected = np.mean(sums >= abs(signed.sum()) - 1e-9)
        assert exact_p_value(signed) == pytest.approx(expected)


@pytest.mark.parametrize(("size", "method"), [(7, "exact"), (50, "exact"), (51, "asy")])
def test_untied_p_values_equal_scipys(size, method):
    draws = np.random.default_rng(size).normal(0.2, 1, size=(30, size))
    method = {"exact": "exact", "asy": "asymptotic"}[method]
    expected = [stats.wilcoxon(d, method=method).pvalue for d in draws]
    np.testing.assert_allclose(p_values(signed_ranks(draws)), expected, rtol=1e-9)


def test_tied_p_values_of_large_samples_equal_scipys():
    draws = np.random.default_rng(1).integers(-4, 6, size=(30, 80)).astype(float)
    expected = [stats.wilcoxon(d, method="asymptotic").pvalue for d in draws]
    np.testing.assert_allclose(
        p_values(signed_ranks(draws), exact_up_to=0), expected, rtol=1e-9
    )


def test_missing_scores_are_dropped_pair_by_pair():
    table = np.random.default_rng(2).normal(size=(3, 12))
    table[0, :2], table[1, 5] = np.nan, np.nan
    tests = pairwise_tests(table)
    np.testing.assert_array_equal(tests.cases, [[10, 9, 10], [9, 11, 11], [10, 11, 12]])
    both = ~np.isnan(table[0] - table[1])
    expected = stats.wilcoxon(table[0, both], table[1, both]).pvalue
    assert tests.p[0, 1] == pytest.approx(expected)


def test_holm_counts_every_pair_once():
    table = np.random.default_rng(3).normal(size=(5, 20))
    tests = pairwise_tests(table + np.linspace(0, 2, 5)[:, None])
    pairs = np.triu_indices(5, 1)
    assert np.sum(tests.p_holm[pairs] < 0.5) > 3
    np.testing.assert_allclose(tests.p_holm[pairs], holm(tests.p[pairs]))
    np.testing.assert_array_equal(tests.p_holm, tests.p_holm.T)


@pytest.mark.parametrize(
    "table",
    [
        np.ones((3, 8)),  # all equal
        np.array([[0.3], [0.1], [0.2]]),  # a single case
        np.ones((3, 0)),  # no case
        np.full((3, 4), np.nan),  # no score
        np.array([[1, np.nan], [np.nan, 1], [np.nan, np.nan]]),  # nothing in common
        np.array([[0.5, 0.7]]),  # a single method
    ],
    ids="equal one-case no-case no-score disjoint one-method".split(),
)
def test_nothing_to_tell_apart_has_p_one(table):
    tests = pairwise_tests(table)
    assert (tests.p == 1).all()
    assert (tests.p_holm == 1).all()
    assert not tests.better().any()
    assert not np.diag(tests.effect).any()


def test_equal_methods_have_no_effect_beside_others():
    table = np.random.default_rng(4).normal(size=(3, 60))
    table[1] = table[0]
    tests = pairwise_tests(table)
    assert (tests.effect[0, 1], tests.p[0, 1], tests.differ[0, 1]) == (0, 1, 0)
    assert tests.p[0, 2] == tests.p[1, 2] < 1


@pytest.mark.parametrize("size", [8, 20, 60])
def test_false_positives_come_at_the_level(size):
    draws = np.random.default_rng(size).normal(size=(4000, size))
    share = np.mean(p_values(signed_ranks(draws)) < 0.05)
    error = 3 * np.sqrt(0.05 * 0.95 / 4000)
    lowest = {8: 0.039, 20: 0.048, 60: 0.05}[size]  # p-values come in steps
    assert lowest - error < share < 0.05 + error


def test_holm_keeps_the_family_at_the_level():
    rng = np.random.default_rng(5)
    found = [pairwise_tests(rng.normal(size=(4, 60))) for _ in range(1000)]
    family = np.mean([tests.better().any() for tests in found])
    uncorrected = np.mean([tests.better(corrected=False).any() for tests in found])
    assert family < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
    assert uncorrected > 0.12


def test_wins_of_resamples_are_those_of_tables_drawn_case_by_case():
    rng = np.random.default_rng(11)
    table = (
        np.round(rng.normal(size=(4, 60)), 1) + np.array([0.4, 0.2, 0.0, 0.0])[:, None]
    )
    table[3] = table[2]  # no difference at all
    table[1, 5] = np.nan
    counts = rng.multinomial(60, np.full(60, 1 / 60), size=20)
    found = resampled_wins(table, counts)
    for drawn, wins in zip(counts, found, strict=True):
        whole = table[:, np.repeat(np.arange(60), drawn)]
        by_one = pairwise_tests(whole, exact_up_to=0).better(corrected=False)
        np.testing.assert_array_equal(wins, by_one)
    assert found[:, 0, 2].mean() > 0
    assert not found[:, 2, 3].any()
