import numpy as np
import pytest

from jaxseg.statistics import align, bootstrap_difference, pairwise_tests, rank_scores
from jaxseg.statistics.scores import differences


def test_equal_differences_are_ties_whatever_rounding_says():
    first, second = np.array([0.9, 0.8, 0.3]), np.array([0.8, 0.7, 0.2])
    assert len(set((first - second).tolist())) > 1
    assert len(set(differences(first, second).tolist())) == 1
    np.testing.assert_allclose(differences(first, second), 0.1, rtol=1e-11)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_differences_keep_their_size_in_any_unit(scale):
    first, second = scale * np.array([0.75, np.nan, 0]), scale * np.array([0.25, 1, 0])
    np.testing.assert_allclose(
        differences(first, second), scale * np.array([0.5, np.nan, 0]), rtol=1e-12
    )


def test_align_keeps_the_order_and_leaves_gaps():
    records = [("ce", "b", 0.5), ("dice", "a", 0.25), ("ce", "a", 0.75)]
    methods, cases, table = align(records)
    assert (methods, cases) == (["ce", "dice"], ["b", "a"])
    np.testing.assert_array_equal(table, [[0.5, 0.75], [np.nan, 0.25]])


def test_align_refuses_a_case_twice():
    with pytest.raises(ValueError, match="ce has two scores of the case 'a'"):
        align([("ce", "a", 0.5), ("ce", "a", 0.5)])


def test_nothing_aligns_to_nothing():
    methods, cases, table = align([])
    assert (methods, cases, table.shape) == ([], [], (0, 0))


def test_infinite_scores_and_other_shapes_are_refused():
    with pytest.raises(ValueError, match="infinite"):
        pairwise_tests(np.array([[1.0, np.inf], [0.0, 1.0]]))
    with pytest.raises(ValueError, match=r"\(3,\), wanted \[methods, cases\]"):
        pairwise_tests(np.ones(3))
    with pytest.raises(ValueError, match=r"wanted \[metrics, methods, cases\]"):
        rank_scores([np.ones((2, 3))])
    with pytest.raises(ValueError, match="wanted one"):
        rank_scores([np.ones((2, 3, 4)), np.ones((2, 2, 4))])
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        bootstrap_difference(np.ones(2), np.ones(3))
