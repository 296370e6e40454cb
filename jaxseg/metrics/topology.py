"""Betti numbers of masks: how many parts, tunnels and cavities they have.

Computed by NumPy and SciPy on the host. The pixels of a mask are closed boxes, so that
two which share no more than a corner hang together (8 neighbours in 2D, 26 in 3D) while
the background has those along the axes; or the other way round.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseg.metrics.lesions import label_lesions
from jaxseg.metrics.masks import as_mask, as_masks


def betti_numbers(mask: Any, *, corners: bool = True) -> np.ndarray:
    """Betti numbers of a mask, ``[rank]`` int64.

    In 2D the number of parts and of holes, in 3D of parts, tunnels and cavities.

    Example:
      >>> ring = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
      >>> betti_numbers(ring).tolist(), betti_numbers(np.eye(2, dtype=bool)).tolist()
      ([1, 1], [1, 0])
      >>> betti_numbers(np.eye(2, dtype=bool), corners=False).tolist()
      [2, 0]

    Args:
      mask: ``[*size]`` bool of one to three axes.
      corners: whether pixels that share a corner or an edge alone hang together.

    Raises:
      ValueError: no mask, or of more than three axes.
    """
    mask = np.asarray(as_mask(mask))
    rank = mask.ndim
    if not 1 <= rank <= 3:
        raise ValueError(f"Betti numbers are of 1 to 3 axes, not of {rank}")
    whole = np.pad(mask, 1)
    _, parts = label_lesions(whole, rank if corners else 1)
    if rank == 1:
        return np.array([parts])
    _, outside = label_lesions(~whole, 1 if corners else rank)
    holes = outside - 1
    if rank == 2:
        return np.array([parts, holes])
    # Tunnels are those of the complement too, in which corners hang together then.
    boxes = whole if corners else np.pad(~whole, 1)
    if corners:
        tunnels = parts + holes - euler_characteristic(boxes)
    else:
        shell = euler_characteristic(boxes)
        # Its parts are the holes and the outside, its cavities the parts of the mask.
        tunnels = (holes + 1) + parts - shell
    return np.array([parts, tunnels, holes])


def euler_characteristic(mask: Any) -> int:
    """Corners minus edges plus faces minus ... of the closed boxes of a mask's pixels.

    Example:
      >>> euler_characteristic(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool))
      0
    """
    mask = np.pad(np.asarray(as_mask(mask)), 1)
    total = 0
    # Along an axis a cell of the grid is either a pixel's own extent or its lower end.
    for ends in itertools.product((False, True), repeat=mask.ndim):
        cells = mask
        for axis, end in enumerate(ends):
            if end:
                low, high = (
                    np.take(cells, range(k, cells.shape[axis] - 1 + k), axis)
                    for k in (0, 1)
                )
                cells = low | high
        total += (-1) ** (mask.ndim - sum(ends)) * int(cells.sum())
    return total


def betti_errors(
    pred: Any,
    true: Any,
    *,
    thresholds: Sequence[float] | None = None,
    corners: bool = True,
) -> np.ndarray:
    """How far the Betti numbers of a prediction are from the true ones.

    Example:
      >>> true = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
      >>> probs = np.array([[0.9, 0.4, 0.9], [0.9, 0.1, 0.9], [0.9, 0.9, 0.9]])
      >>> betti_errors(probs > 0.5, true).tolist()
      [0, 1]
      >>> betti_errors(probs, true, thresholds=(0.3, 0.5, 0.95)).tolist()
      [[0, 0], [0, 1], [1, 1]]

    Args:
      pred: ``[*size]`` bool; with thresholds probabilities.
      true: ``[*size]`` bool.
      thresholds: at and above which a pixel is predicted.
      corners: as of `betti_numbers`.

    Returns:
      ``[rank]`` absolute differences, or ``[thresholds, rank]``.

    Raises:
      ValueError: no masks of one shape, or of more than three axes.
    """
    if thresholds is not None:
        cuts = [np.asarray(pred) >= threshold for threshold in thresholds]
        return np.stack([betti_errors(cut, true, corners=corners) for cut in cuts])
    pred, true = as_masks(pred, true)
    found, wanted = (betti_numbers(mask, corners=corners) for mask in (pred, true))
    return np.abs(found - wanted)
