"""Patches of volumes, a stated share of which holds foreground."""

import math
from collections.abc import Sequence

import numpy as np

from jaxseg.data.images import VOID

KEPT_VOXELS = 4096
"""Places of a class that are remembered per case, evenly spread."""


def places_of_classes(ids: np.ndarray) -> dict[int, np.ndarray]:
    """Voxel indices ``[N, rank]`` of each foreground class that is present."""
    places = {}
    for kind in np.unique(ids):
        if kind not in (0, VOID):
            flat = np.flatnonzero(ids == kind)
            flat = flat[:: math.ceil(len(flat) / KEPT_VOXELS)]
            places[int(kind)] = np.stack(np.unravel_index(flat, ids.shape), -1)
    return places


def holds_foreground(index: int, share: float) -> bool:
    """Whether the sample of this number in a run must hold foreground.

    Of the first n samples, floor(n * share) must, evenly spread and without chance.
    """
    return math.floor((index + 1) * share) > math.floor(index * share)


def patch_corner(
    shape: Sequence[int],
    size: Sequence[int],
    rng: np.random.Generator,
    place: Sequence[int] | None,
) -> tuple[int, ...]:
    """Lowest corner of a patch; may be negative where the volume is smaller.

    Args:
      shape: of the volume.
      size: of the patch.
      rng: draws from it once per axis.
      place: a voxel that the patch holds; None for a patch anywhere.
    """
    corner = []
    for axis, (have, want) in enumerate(zip(shape, size, strict=True)):
        low, high = 0, have - want
        if high < 0:  # the volume in the middle
            corner.append(high // 2)
            continue
        if place is not None:
            low = max(low, int(place[axis]) - want + 1)
            high = min(high, int(place[axis]))
        corner.append(int(rng.integers(low, high + 1)))
    return tuple(corner)


def cut_patch(
    image: np.ndarray, labels: np.ndarray, corner: Sequence[int], size: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """The patch ``[*size, C]`` and its labels ``[*size]``, or ``[*size, classes]``.

    Outside the volume the image is mirrored and the labels are void.
    """
    inside, widths = [], []
    for start, want, have in zip(corner, size, image.shape[:-1], strict=True):
        low, high = max(start, 0), min(start + want, have)
        inside.append(slice(low, high))
        widths.append((low - start, start + want - high))
    image, labels = image[tuple(inside)], labels[tuple(inside)]
    if any(map(any, widths)):
        image = np.pad(image, [*widths, (0, 0)], mode="symmetric")
        if labels.ndim > len(widths):
            labels = np.pad(labels, [*widths, (0, 0)])
        else:
            labels = np.pad(labels, widths, constant_values=VOID)
    return image, labels


def draw_patch(
    image: np.ndarray,
    labels: np.ndarray,
    places: dict[int, np.ndarray],
    size: Sequence[int],
    rng: np.random.Generator,
    *,
    foreground: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """A random patch; with `foreground`, one around a voxel of a class drawn evenly.

    A case without foreground gives a patch anywhere.
    """
    place = None
    if foreground and places:
        kinds = sorted(places)
        of_kind = places[kinds[rng.integers(len(kinds))]]
        place = of_kind[rng.integers(len(of_kind))].tolist()
    return cut_patch(
        image, labels, patch_corner(image.shape[:-1], size, rng, place), size
    )
