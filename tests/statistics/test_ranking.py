import itertools

import numpy as np
import pytest
from scipy import stats

from jaxseg.statistics import mean_ranks, rank_scores, ranks, significance_scores

STEPS = np.arange(1.0, 7.0)


def test_scores_by_hand():
    # six cases of one sign: p = 2 / 2^6 < 0.05; the third and fourth are equal
    table = np.array([STEPS + 3, STEPS + 2, STEPS, STEPS])
    assert 2 / 2**6 < 0.05
    np.testing.assert_array_equal(significance_scores(table), [3, 2, 0, 0])


def test_five_cases_cannot_be_significant():
    table = np.array([STEPS + 3, STEPS])[:, :5]
    assert 2 / 2**5 > 0.05
    np.testing.assert_array_equal(significance_scores(table), [0, 0])
    np.testing.assert_array_equal(significance_scores(table, level=0.07), [1, 0])


def test_holms_correction_is_asked_for():
    table = np.array([STEPS + 3, STEPS + 2, STEPS])
    assert 3 * 2 / 2**6 > 0.05
    np.testing.assert_array_equal(significance_scores(table), [2, 1, 0])
    np.testing.assert_array_equal(rank_scores([table[None]]), [2, 1, 0])
    for settings in ({"corrected": True}, {"level": 0.03}):
        np.testing.assert_array_equal(significance_scores(table, **settings), [0, 0, 0])
        np.testing.assert_array_equal(rank_scores([table[None]], **settings), [0, 0, 0])


def test_scores_equal_a_loop_over_scipys_test():
    table = np.random.default_rng(0).normal(size=(6, 30))
    table += np.linspace(0, 1, 6)[:, None]
    expected = np.zeros(6)
    for a, b in itertools.permutations(range(6), 2):
        differ = stats.wilcoxon(table[a], table[b]).pvalue < 0.05
        greater = stats.wilcoxon(table[a], table[b], alternative="greater").pvalue < 0.5
        expected[a] += differ and greater
    assert 0 < expected.sum() < 15
    np.testing.assert_array_equal(significance_scores(table), expected)


def test_rank_scores_weigh_tasks_alike_whatever_their_size():
    better, worse = np.array([STEPS + 1, STEPS]), np.array([STEPS, STEPS + 1])
    small = np.stack([better, better])  # two metrics
    large = np.tile(np.stack([worse, better]), 10)
    np.testing.assert_array_equal(rank_scores([small, large]), [3 / 4, 1 / 4])


def test_ranks_share_ties_up_to_rounding():
    values = np.array([0.1 + 0.2, 0.3, 0.7, 0.1])
    assert values[0] != values[1]
    np.testing.assert_array_equal(ranks(values), [2.5, 2.5, 1, 4])
    np.testing.assert_array_equal(ranks(np.zeros(3)), [2, 2, 2])


def test_mean_ranks_by_hand():
    dice = np.array([[0.9, 0.8, 0.5, np.nan], [0.8, 0.8, 0.6, 1], [0.1, 0.2, 0.7, 1]])
    nsd = np.array([[0.3, np.nan, 0.1, 0.1], [0.2, 0.1, 0.2, 0.2], [0.1, 1, 0.3, 0.3]])
    found = mean_ranks([np.stack([dice, nsd])])
    first = np.array([(1 + 1.5 + 3), (2 + 1.5 + 2), (3 + 3 + 1)]) / 3
    second = np.array([(1 + 3 + 3), (2 + 2 + 2), (3 + 1 + 1)]) / 3
    np.testing.assert_allclose(found.ranks, (first + second) / 2)
    np.testing.assert_array_equal(found.cases, [[3, 3]])


def test_mean_ranks_skip_a_metric_without_scores():
    dice, nothing = np.array([[0.9, 0.8], [0.1, 0.2]]), np.full((2, 2), np.nan)
    found = mean_ranks([np.stack([dice, nothing])])
    np.testing.assert_array_equal(found.ranks, [1, 2])
    np.testing.assert_array_equal(found.cases, [[2, 0]])
    np.testing.assert_array_equal(mean_ranks([nothing[None]]).ranks, [1.5, 1.5])


def test_calling_missing_scores_zero_is_another_ranking():
    table = np.array([np.where(STEPS > 1, np.nan, STEPS + 1), STEPS])
    np.testing.assert_array_equal(significance_scores(table), [0, 0])
    zeros = np.nan_to_num(np.tile(table, 3))
    np.testing.assert_array_equal(significance_scores(zeros), [0, 1])


@pytest.mark.parametrize("cases", [0, 1])
def test_few_cases_have_defined_ranks(cases):
    task = np.arange(3.0)[None, :, None] * np.ones((2, 3, cases))
    np.testing.assert_array_equal(rank_scores([task]), [0, 0, 0])
    expected = [3, 2, 1] if cases else [2, 2, 2]
    np.testing.assert_array_equal(mean_ranks([task]).ranks, expected)
