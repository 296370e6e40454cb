"""Random masks of one to three axes that NumPy alone makes, the same everywhere."""

import numpy as np

COUNT = 1000
SHAPES = ((9, 11), (5, 6, 7), (12, 7), (4, 4, 5), (30,))


def random_mask(index):
    """Pixels of any share, some with their neighbours."""
    rng = np.random.default_rng(index)
    mask = rng.integers(0, 100, SHAPES[index % len(SHAPES)]) < rng.integers(5, 96)
    if index % 3 == 0:
        mask = mask | np.roll(mask, 1, axis=0)
    if index % 4 == 0:
        mask = mask & np.roll(mask, 1, axis=-1)
    return mask
