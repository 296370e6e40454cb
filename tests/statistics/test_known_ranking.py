"""Scores whose ranking is known by construction.

A method crippled on purpose must be found; two names for one method, and two methods
that differ by noise alone, must not be told apart.
"""

import functools

import numpy as np
import pytest

from jaxseg.statistics import (
    bootstrap_difference,
    bootstrap_ranks,
    judge_difference,
    judge_equivalence,
    mean_ranks,
    pairwise_tests,
    rank_scores,
    table_marks,
)

NAMES = ["best", "twin", "alias", "crippled"]  # alias is twin by another name
CASES = 40


@pytest.fixture(scope="module")
def tasks():
    """Two tasks, two metrics; a case is easy or hard for all methods alike."""
    rng = np.random.default_rng(7)

    def task():
        ease = rng.uniform(0.5, 0.9, size=(2, 1, CASES))
        noise = rng.normal(scale=0.02, size=(2, 4, CASES))
        scores = ease + noise + np.array([0.05, 0, 0, -0.2])[:, None]
        scores[:, 2] = scores[:, 1]
        return scores

    return [task(), task()]


def test_the_crippled_is_worse_than_all(tasks):
    np.testing.assert_array_equal(rank_scores(tasks), [3, 1, 1, 0])
    np.testing.assert_array_equal(rank_scores(tasks, corrected=True), [3, 1, 1, 0])
    places = mean_ranks(tasks).ranks
    assert places[3] > 3.9
    assert places[1] == places[2]
    marks = table_marks(tasks[0][0], resamples=1000)
    assert marks.top.tolist() == [True, False, False, False]
    assert marks.worst.tolist() == [False, False, False, True]


def test_one_method_under_two_names_is_not_separated(tasks):
    for table in (table for task in tasks for table in task):
        tests = pairwise_tests(table)
        assert (tests.p[1, 2], tests.effect[1, 2]) == (1, 0)
        found = bootstrap_difference(table[1], table[2], resamples=200)
        assert (found.low, found.high, found.p) == (0, 0, 1)
        judged = judge_equivalence(found.mean, found.low, found.high, smallest=0.01)
        assert judged == "replicated"
        judged = judge_difference(found.mean, found.low, found.high, smallest=0.01)
        assert judged == "not replicated"


def test_the_ranking_stands_when_cases_are_redrawn(tasks):
    score = functools.partial(rank_scores, exact_up_to=0)
    found = bootstrap_ranks(tasks, score=score, resamples=100)
    np.testing.assert_array_equal(found.ranks, [1, 2.5, 2.5, 4])
    shares = [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1]]
    np.testing.assert_allclose(found.shares, shares)
    assert found.agreement == pytest.approx(1)


def test_noise_alone_is_told_apart_at_the_level_only():
    rng = np.random.default_rng(8)
    ease = rng.uniform(0.5, 0.9, size=(1000, 1, CASES))
    pairs = ease + rng.normal(scale=0.02, size=(1000, 2, CASES))
    signed = np.mean([pairwise_tests(pair).p[0, 1] < 0.05 for pair in pairs])
    resampled = np.mean(
        [bootstrap_difference(*pair, resamples=500).p < 0.05 for pair in pairs]
    )
    error = 3 * np.sqrt(0.05 * 0.95 / len(pairs))
    assert abs(signed - 0.05) < error
    assert abs(resampled - 0.05) < error


def test_the_crippled_is_found_among_twenty():
    rng = np.random.default_rng(9)
    table = rng.uniform(0.5, 0.9, size=CASES) + rng.normal(scale=0.02, size=(20, CASES))
    table[13] -= 0.1
    better = pairwise_tests(table).better()
    assert better[:, 13].sum() == 19
    assert np.delete(np.delete(better, 13, 0), 13, 1).sum() == 0
