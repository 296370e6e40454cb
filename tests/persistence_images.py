"""Random images of one to three axes that NumPy alone makes, the same everywhere."""

import numpy as np

COUNT = 1000
SHAPES = ((7, 8), (4, 4, 4), (20,))


def random_levels(index):
    """Whole numbers from 0 to 100: few levels, so many ties, or nearly none."""
    rng = np.random.default_rng(index)
    levels = rng.integers(0, 101, SHAPES[index % len(SHAPES)])
    if index % 3 == 0:
        levels = levels // 20 * 20
    if index % 4 == 0:
        levels = np.maximum(levels, np.roll(levels, 1, axis=-1))
    return levels
