"""Volumes at another voxel size."""

from collections.abc import Sequence

import numpy as np
import scipy


def resampled_shape(
    shape: Sequence[int], spacing_mm: Sequence[float], target_mm: Sequence[float]
) -> tuple[int, ...]:
    """Voxels along each axis that cover the same extent at the target voxel size."""
    return tuple(
        max(1, round(size * old / new))
        for size, old, new in zip(shape, spacing_mm, target_mm, strict=True)
    )


def resample(voxels: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Intensities or probabilities ``[X, Y, Z, C]`` on a grid of `shape`, linearly.

    Both grids cover the same extent; outside the outermost voxel centres the nearest
    value goes on. Along an axis that becomes coarser by a factor f, a Gaussian of
    standard deviation (f - 1) / 2 voxels takes out first what the coarse grid cannot
    hold, as scikit-image does by default.
    """
    if voxels.shape[:-1] == tuple(shape):
        return voxels
    ratios = np.divide(voxels.shape[:-1], shape)
    blur = np.maximum((ratios - 1) / 2, 0)
    if blur.any():
        voxels = scipy.ndimage.gaussian_filter(voxels, (*blur, 0), mode="nearest")
    planes = [_zoom(voxels[..., c], shape, 1) for c in range(voxels.shape[-1])]
    return np.stack(planes, axis=-1)


def resample_labels(ids: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Class ids ``[X, Y, Z]`` on a grid of `shape`, by nearest neighbour."""
    if ids.shape == tuple(shape):
        return ids
    return _zoom(ids, shape, 0)


def _zoom(array: np.ndarray, shape: Sequence[int], order: int) -> np.ndarray:
    factors = [new / old for new, old in zip(shape, array.shape, strict=True)]
    out = np.zeros(shape, array.dtype)
    scipy.ndimage.zoom(array, factors, out, order=order, mode="nearest", grid_mode=True)
    return out
