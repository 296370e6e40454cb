import dataclasses
import itertools
import json

import numpy as np
import pytest

from figures.results import ranks as picture
from jaxseg.statistics import (
    bootstrap_ranks,
    kendall_tau,
    kendall_taus,
    mean_ranks,
    rank_scores,
    redrawn,
)
from jaxseg.statistics.stability import rank_shares


def means(tasks):
    return np.mean([task.mean(axis=(0, 2)) for task in tasks], axis=0)


def test_tau_by_hand():
    # pairs of (1 2 3 4) and (1 3 2 4): one of six is turned
    assert kendall_tau(np.arange(4), np.array([0, 2, 1, 3])) == pytest.approx(
        (5 - 1) / 6
    )
    # a tie in the second: five pairs agree, none disagrees
    tied = kendall_tau(np.arange(4), np.array([0, 1, 1, 3]))
    assert tied == pytest.approx(5 / np.sqrt(6 * 5))
    assert kendall_tau(np.arange(4), -np.arange(4)) == -1


def test_tau_without_an_order():
    assert kendall_tau(np.zeros(3), np.zeros(3)) == 1
    assert kendall_tau(np.zeros(3), np.arange(3)) == 0
    assert kendall_tau(np.zeros(1), np.ones(1)) == 1


def test_taus_of_schemes():
    schemes = np.array([[3.0, 2, 1], [30.0, 20, 10], [1.0, 2, 3]])
    np.testing.assert_array_equal(
        kendall_taus(schemes), [[1, 1, -1], [1, 1, -1], [-1, -1, 1]]
    )


def test_tied_methods_share_ranks():
    shares = rank_shares(np.array([[1.0, 2, 3], [1.5, 1.5, 3], [2, 2, 2]]))
    thirds = np.full((3, 3), 1 / 3)
    halves = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])
    np.testing.assert_allclose(shares, (np.eye(3) + halves + thirds) / 3)


def test_shares_approach_those_of_all_resamples():
    # method 0 minus method 1 over three cases; all 27 resamples one by one
    gaps = np.array([3.0, -1.0, -1.5])
    draws = [gaps[list(k)].sum() for k in itertools.product(range(3), repeat=3)]
    expected = np.mean([np.sign(total) for total in draws]) / 2 + 0.5
    found = bootstrap_ranks(
        [np.stack([gaps, np.zeros(3)])[None]], score=means, resamples=4000, seed=1
    )
    assert found.shares[0, 0] == pytest.approx(expected, abs=0.03)
    assert found.agreement == pytest.approx(2 * found.shares[0, 0] - 1)
    np.testing.assert_allclose(found.shares, found.shares.T)
    np.testing.assert_array_equal(found.ranks, [1, 2])
    np.testing.assert_array_equal(found.rank_low, [1, 1])
    np.testing.assert_array_equal(found.rank_high, [2, 2])


def test_metrics_and_methods_are_drawn_together():
    case = np.random.default_rng(0).normal(size=20)
    task = np.stack([[case, case + 1], [-case, 1 - case]])  # cancel within a case
    found = bootstrap_ranks([task, task[..., :5]], score=means, resamples=50)
    np.testing.assert_allclose(found.score_low, [0, 1], atol=1e-12)
    np.testing.assert_allclose(found.score_high, [0, 1], atol=1e-12)
    assert found.agreement == 1


def test_the_seed_decides():
    task = np.random.default_rng(1).normal(size=(1, 4, 15))
    one, again, other = (
        bootstrap_ranks([task], score=means, resamples=20, seed=seed)
        for seed in (3, 3, 4)
    )
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(
            getattr(one, field.name), getattr(again, field.name)
        )
    assert (one.score_low != other.score_low).any()


def test_intervals_are_stretched_to_hold_the_rank_score():
    noise = np.random.default_rng(2).normal(size=(10, 60))
    noise -= noise.mean(axis=1, keepdims=True)
    gap = 0.23 + noise / noise.std(axis=1, keepdims=True)  # t = 0.23 * sqrt(60) = 1.8
    task = np.stack([gap, np.zeros((10, 60))], axis=1)
    seen = []

    def noted(tasks):
        seen.append(rank_scores(tasks))
        return seen[-1]

    found = bootstrap_ranks([task], score=noted, resamples=50)
    np.testing.assert_array_equal(found.scores, rank_scores([task]))
    low, high = np.quantile(seen[1:], [0.025, 0.975], axis=0)
    assert low[0] > found.scores[0]  # as the docstring warns
    np.testing.assert_array_equal(found.score_low, np.minimum(low, found.scores))
    np.testing.assert_array_equal(found.score_high, np.maximum(high, found.scores))
    np.testing.assert_allclose(found.shares.sum(axis=0), 1)
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)


def test_a_score_that_resamples_never_reach_is_in_its_interval():
    def distinct(tasks):
        return np.array([len(np.unique(line)) for line in tasks[0][0]])

    task = np.arange(20.0)[None, None].repeat(2, axis=1)
    found = bootstrap_ranks([task], score=distinct, resamples=20)
    assert (found.score_low < 20).all()
    np.testing.assert_array_equal(found.score_high, [20, 20])


def test_mean_ranks_can_be_resampled():
    task = np.arange(3.0)[None, :, None] + np.zeros((1, 3, 4))
    task[0, 0, 0] = np.nan
    found = bootstrap_ranks(
        [task], score=lambda tasks: -mean_ranks(tasks).ranks, resamples=30
    )
    np.testing.assert_array_equal(found.ranks, [3, 2, 1])
    np.testing.assert_array_equal(found.rank_high, [3, 2, 1])


def test_nothing_to_rank_is_a_tie_and_no_cases_an_error():
    found = bootstrap_ranks([np.ones((1, 3, 1))], resamples=5)
    np.testing.assert_array_equal(found.ranks, [2, 2, 2])
    assert found.agreement == 1
    with pytest.raises(ValueError, match="without cases"):
        bootstrap_ranks([np.ones((1, 3, 0))])


def test_rows_feed_the_picture_of_ranks():
    task = np.arange(3.0)[None, :, None] + np.random.default_rng(3).normal(
        size=(2, 3, 30)
    )
    found = bootstrap_ranks([task], resamples=20)
    rows = json.loads(json.dumps(found.rows(["ce", "dice", "focal"], scheme="DSC+NSD")))
    intervals = picture.compute_intervals(rows)["DSC+NSD"]
    for k, loss in enumerate(["ce", "dice", "focal"]):
        expected = found.scores[k], found.score_low[k], found.score_high[k]
        assert intervals[loss] == expected
    drawn = picture.ranks(intervals)
    np.testing.assert_array_equal(list(drawn.values()), found.ranks)
    with pytest.raises(ValueError, match="zip"):
        found.rows(["ce"], scheme="DSC")


def test_folds_that_disagree_make_ranks_uncertain_and_units_are_drawn_whole():
    """The first method leads in two folds of three, however many cases each has."""
    folds = np.repeat(np.arange(3), 50)
    lead = np.array([1.0, 1.0, -1.5])[folds]
    task = np.stack([lead, np.zeros(150)])[None]
    blind = bootstrap_ranks([task], score=means, resamples=200)
    honest = bootstrap_ranks(
        [task], units=[(np.arange(150), folds)], score=means, resamples=200
    )
    assert blind.rank_high[0] > 1  # the lead is 1/6 of 1.2
    assert honest.shares[0, 0] == pytest.approx(4 / 9, abs=0.1)  # both draws lead
    counts = redrawn(np.arange(6) // 3, np.zeros(6, int), resamples=50)
    np.testing.assert_array_equal(counts[:, 0], counts[:, 2])
    assert set(counts.sum(axis=1)) == {6}
    whole = redrawn(np.arange(150), folds, resamples=50)
    assert set(whole.sum(axis=1)) == {100}  # two folds of three
