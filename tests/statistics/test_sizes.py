import numpy as np
import pytest

from figures.results.sizes import compute_by_size
from jaxseg.statistics import size_curves


def test_two_groups_by_hand():
    sizes = np.array([4.0, 1.0, 0.0, 3.0, 2.0, np.nan])
    scores = np.array([[0.9, 0.1, 0.5, 0.7, 0.3, 0.5], [1, np.nan, 0, 1, 0.5, 0]])
    found = size_curves(sizes, scores, groups=2)
    np.testing.assert_allclose(found.edges, [(2 + 3) / 2, 4])
    np.testing.assert_allclose(found.sizes, [(1 + 2) / 2, (3 + 4) / 2])
    np.testing.assert_allclose(found.within, [[0.4 / 2, 1.6 / 2], [0.5, 2 / 2]])
    np.testing.assert_allclose(found.below, [[0.4 / 2, 2.0 / 4], [0.5, 2.5 / 3]])
    np.testing.assert_array_equal(found.cases, [[2, 2], [1, 2]])


def test_a_case_on_an_edge_lies_below():
    found = size_curves(np.array([1.0, 2, 3]), np.array([[0.0, 1, 2]]), groups=2)
    np.testing.assert_array_equal(found.edges, [2, 3])
    np.testing.assert_array_equal(found.cases, [[2, 1]])


def test_below_the_last_edge_are_all_cases():
    rng = np.random.default_rng(0)
    sizes, scores = rng.lognormal(size=57), rng.uniform(size=(3, 57))
    found = size_curves(sizes, scores)
    np.testing.assert_allclose(found.below[:, -1], scores.mean(axis=1))
    at = [scores[:, sizes <= edge].mean(axis=1) for edge in found.edges]
    np.testing.assert_allclose(found.below, np.transpose(at))


def test_groups_are_those_of_the_picture():
    rng = np.random.default_rng(1)
    sizes, scores = rng.integers(0, 30, size=80), rng.uniform(size=80)
    rows = [
        {"loss": "ce", "dice": dice, "actual_pixels": size}
        for dice, size in zip(scores.tolist(), sizes.tolist(), strict=True)
    ]
    drawn = compute_by_size(rows, "dice", column="actual_pixels")
    found = size_curves(sizes, scores[None])
    np.testing.assert_allclose(found.within, [drawn.means["ce"]])
    np.testing.assert_allclose(found.sizes, drawn.sizes["ce"])


def test_equal_sizes_leave_groups_empty():
    found = size_curves(np.ones(5), np.ones((1, 5)), groups=3)
    np.testing.assert_array_equal(found.cases, [[5, 0, 0]])
    np.testing.assert_array_equal(found.within, [[1, np.nan, np.nan]])
    np.testing.assert_array_equal(found.below, [[1, 1, 1]])


@pytest.mark.parametrize(
    ("sizes", "groups", "message"),
    [
        ([0, 0], 2, "no case"),
        ([1], 2, "sizes"),
        ([1, -1], 2, "least"),
        ([1, 2], 0, "le"),
    ],
)
def test_what_cannot_be_grouped_is_refused(sizes, groups, message):
    with pytest.raises(ValueError, match=message):
        size_curves(np.array(sizes), np.ones((1, 2)), groups=groups)
