"""Pairs of masks with several lesions that NumPy alone makes, the same everywhere."""

import numpy as np

COUNT = 1000
SHAPES = ((32, 36), (13, 12, 14))
CHALLENGES = ("BraTS-GLI", "BraTS-MET", "BraTS-MEN")


def random_pair(index):
    """Two bool masks: balls and boxes, moved, dropped, split, merged and invented."""
    rng = np.random.default_rng(index)
    shape = SHAPES[index % 3 == 2]
    true, pred = np.zeros(shape, bool), np.zeros(shape, bool)
    grid = np.indices(shape)
    for _ in range(rng.integers(0, 9)):
        centre = rng.integers(0, shape)
        largest = 7 if len(shape) == 2 else 4
        lesion = ball(grid, centre, int(rng.integers(1, largest)))
        fate = rng.integers(0, 6)
        if fate != 0:
            true |= lesion
        if fate != 1:
            shift = tuple(rng.integers(-2, 3, len(shape)) * (fate > 2))
            pred |= np.roll(lesion, shift, tuple(range(len(shape))))
    if index % 7 == 0:
        pred &= rng.integers(0, 8, shape) > 0
    if index % 11 == 0:
        pred |= rng.integers(0, 40, shape) == 0
    if index % 50 == 0:
        pred[:] = False
    if index % 75 == 0:
        true[:] = False
    return pred, true


def ball(grid, centre, squared_radius_root):
    offsets = [axis - place for axis, place in zip(grid, centre, strict=True)]
    return sum(offset**2 for offset in offsets) < squared_radius_root**2


def challenge_of(index):
    return CHALLENGES[index // 3 % 3]
