"""Pairs of masks for tests of surfaces, from NumPy alone, as other Pythons need."""

import numpy as np

CASES = {  # name: (shape, spacing)
    "square": ((12, 11), (1.0, 1.0)),
    "flat": ((9, 14), (1.0, 10.0)),
    "cube": ((8, 9, 7), (1.0, 1.0, 1.0)),
    "slices": ((9, 8, 5), (0.7, 0.7, 5.0)),
}
KINDS = ("blobs", "line", "voxels", "touching", "inside")


def ellipsoid(shape, centre, radii):
    grid = np.indices(shape).astype(float)
    scaled = [(g - c) / r for g, c, r in zip(grid, centre, radii, strict=True)]
    return sum(s**2 for s in scaled) <= 1


def pair(case, kind):
    """Prediction and truth of a kind, neither of them empty."""
    shape, _ = CASES[case]
    size = np.array(shape, float)
    predicted, actual = np.zeros(shape, bool), np.zeros(shape, bool)
    if kind == "blobs":  # two objects against one
        actual |= ellipsoid(shape, 0.4 * size, 0.3 * size)
        predicted |= ellipsoid(shape, 0.5 * size, 0.25 * size)
        predicted |= ellipsoid(shape, 0.85 * size, 0.15 * size)
    elif kind == "line":  # one pixel thick
        actual[(slice(None), *(n // 2 for n in shape[1:]))] = True
        predicted[(*(n // 3 for n in shape[:-1]), slice(1, None))] = True
    elif kind == "voxels":
        actual[tuple(n // 2 for n in shape)] = True
        predicted[tuple(n - 2 for n in shape)] = True
    elif kind == "touching":  # the border of the image, and all of it
        actual |= ellipsoid(shape, 0 * size, 0.6 * size)
        predicted[:] = True
    elif kind == "inside":  # a shell and its filling
        actual |= ellipsoid(shape, 0.5 * size, 0.45 * size)
        predicted |= actual & ~ellipsoid(shape, 0.5 * size, 0.25 * size)
    return predicted, actual
