from fractions import Fraction

import numpy as np
import pytest
from scipy import ndimage

from theory.engines import grids


def test_all_masks_once():
    found = list(grids.masks(2, 2))
    assert len(found) == len(set(found)) == 16
    assert found[0] == frozenset()


def test_distances_on_a_line_by_hand():
    grid = grids.pixels(5)
    middle = frozenset([(1,), (2,), (3,)])
    found = grids.boundary_distances(middle, grid)
    assert list(found.values()) == [1, 1, 2, 1, 1]
    assert grids.sketch(middle, grid) == ".###."


def test_distances_agree_with_scipy():
    grid = grids.pixels(3, 4)
    rng = np.random.default_rng(0)
    for _ in range(20):
        array = rng.random((3, 4)) < 0.5
        array[0, :2] = True, False
        mask = frozenset(p for p in grid if array[p])
        found = np.array(
            [float(d) for d in grids.boundary_distances(mask, grid).values()]
        )
        inside = ndimage.distance_transform_edt(array)
        outside = ndimage.distance_transform_edt(~array)
        np.testing.assert_allclose(found.reshape(3, 4), inside + outside)


@pytest.mark.parametrize("mask", [frozenset(), frozenset(grids.pixels(3))])
def test_one_side_has_no_boundary(mask):
    assert grids.boundary_distances(mask, grids.pixels(3)) == {}


def test_roots_are_exact_where_whole():
    assert grids.root(9) == Fraction(3)
    assert float(grids.root(2)) == 2**0.5
