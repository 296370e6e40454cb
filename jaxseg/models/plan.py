"""A U-Net, its patches and its batch, derived from a data set and a memory budget.

The rules are those of Isensee 2021 (nnU-Net; online methods and supplementary note 2),
in our words, with an estimate of memory of our own:

1. The target spacing is the median along each axis. An axis with at least three times
   the spacing of the finest and less than a third of the others' voxels is resampled to
   the tenth percentile of its spacings instead.
2. The patch begins as the median shape after resampling.
3. From level to level an axis is halved if its spacing is less than twice the finest
   one of that level and at least four voxels are left; levels end when no axis is.
4. A kernel reaches over three voxels along an axis from the first level on where the
   axis's spacing is less than twice the finest one; until then over one.
5. Patches are rounded up to what the strides divide. While two of them take more memory
   than there is, the axis that covers most of the median shape is shortened by one step
   and the levels are laid out anew.
6. What memory is left goes into the batch, up to a twentieth of the data set's voxels;
   a batch has two patches at least.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseg.models.unet import Sizes

SMALLEST = 4
"""Voxels that an axis keeps at the coarsest level, where it was halved at all."""
ANISOTROPY = 3.0
SHARE_OF_DATA = 0.05
MAX_WIDTH = {2: 512, 3: 320}
KEPT_PER_CHANNEL = 11
"""Values kept for the reverse pass per voxel and channel of a level with a decoder.

Input and output of the normalisation of each of four convolutions (8), what comes up
from the next level (1) and the same beside the bridge (2).
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What a data set asks for.

    Attributes:
      spacing_mm: of a voxel along each axis, to resample to.
      median_shape: voxels of the median case at that spacing.
      patch: voxels of a training patch and of a window in use.
      batch_size: patches a step, >= 2.
      strides: from level to level, ``[levels - 1][axes]``.
      kernels: of each level, ``[levels][axes]``.
      width: channels of the first level; they double up to `max_width`.
      max_width: channels that no level exceeds.
      memory_bytes: estimate for a training step.
    """

    spacing_mm: tuple[float, ...]
    median_shape: tuple[int, ...]
    patch: tuple[int, ...]
    batch_size: int
    strides: Sizes
    kernels: Sizes
    width: int
    max_width: int
    memory_bytes: int

    @property
    def covered(self) -> float:
        """Share of the median case in one patch; at 1/4 context begins to lack."""
        pairs = zip(self.patch, self.median_shape, strict=True)
        return math.prod(min(p / n, 1.0) for p, n in pairs)

    @property
    def coarse_maps(self) -> int:
        """Score maps beside the finest that learn: all but the two coarsest.

        None do where the strides do not divide a patch that was given.
        """
        fits = _round_up(self.patch, self.strides) == self.patch
        return max(len(self.strides) - 2, 0) if fits else 0

    def fields(self) -> dict[str, Any]:
        """Fields of a U-Net for `build_model`."""
        return {
            "strides": self.strides,
            "kernels": self.kernels,
            "width": self.width,
            "max_width": self.max_width,
            "coarse_maps": self.coarse_maps,
        }


def plan(
    shapes: Sequence[Sequence[int]],
    spacings_mm: Sequence[Sequence[float]] | None = None,
    *,
    num_classes: int,
    channels: int = 1,
    axes: int | None = None,
    memory_gib: float = 8.0,
    width: int = 32,
    spacing_mm: Sequence[float] | None = None,
    patch: Sequence[int] | None = None,
    batch_size: int | None = None,
) -> Plan:
    """Patch, batch and levels for a data set.

    Args:
      shapes: voxels of each case along each of two or three axes.
      spacings_mm: of each case, of the same form; None is 1 everywhere.
      num_classes: scores per voxel.
      channels: of the images.
      axes: 2 for slices of volumes across the axis of the largest spacing; None takes
        all axes.
      memory_gib: for a training step in float32, > 0, as `memory_bytes` estimates it.
      width: channels of the first level.
      spacing_mm: to resample to; None follows rule 1.
      patch: to train with; None follows rules 2 and 5.
      batch_size: patches a step, which have to fit the budget; None follows rule 6.

    Raises:
      ValueError: shapes and spacings do not fit each other, or the budget is too small
        for the patches: two of any size, or those given; or no axis has two times
        four pixels.
    """
    voxels = np.asarray(shapes)
    spacing = np.ones(voxels.shape) if spacings_mm is None else np.asarray(spacings_mm)
    if (
        voxels.ndim != 2
        or voxels.shape != spacing.shape
        or voxels.shape[1] not in (2, 3)
    ):
        raise ValueError(
            "plan needs shapes and spacings of the same cases along two or three axes, "
            f"not {voxels.shape} and {spacing.shape} of them"
        )
    if (voxels < 1).any() or not (spacing > 0).all():
        raise ValueError("plan needs shapes and spacings above zero")
    target = (
        _target_spacing(voxels, spacing)
        if spacing_mm is None
        else np.array(spacing_mm, float)
    )
    resampled = np.maximum(np.round(voxels * spacing / target), 1)
    total = float(resampled.prod(axis=1).sum())
    median = np.round(np.median(resampled, axis=0)).astype(int)
    if axes == 2 and len(target) == 3:
        kept = sorted(np.argsort(target, kind="stable")[:2])
        target, median = target[kept], median[kept]
    rank = len(median)
    budget = memory_gib * 2**30
    shape = tuple(int(n) for n in median)
    given = None if patch is None else tuple(patch)
    if given is None:
        patch, strides, kernels = _fit(shape, target)
    else:
        patch, (strides, kernels) = given, levels(given, target)
    least = batch_size or 2

    def memory(patch: Sequence[int], strides: Sizes, kernels: Sizes) -> tuple[int, int]:
        return memory_bytes(
            patch,
            strides,
            kernels,
            num_classes=num_classes,
            channels=channels,
            width=width,
            max_width=MAX_WIDTH[rank],
        )

    while True:
        fixed, each = memory(patch, strides, kernels)
        if fixed + least * each <= budget:
            break
        shorter = None if given else _shorten(patch, strides, shape)
        if shorter is None:
            size = f"size {given}" if given else "any size"
            count = "two" if least == 2 else least
            raise ValueError(
                f"{memory_gib:.3g} GiB do not hold {count} patches of {size} for a "
                f"U-Net of width {width}"
            )
        patch, strides, kernels = _fit(shorter, target)
    if not strides:
        raise ValueError(
            f"patches of {patch} are too small for a U-Net: no axis can be halved"
        )
    most = SHARE_OF_DATA * total / math.prod(patch)
    batch = batch_size or max(int(min((budget - fixed) // each, most)), 2)
    return Plan(
        spacing_mm=tuple(float(s) for s in target),
        median_shape=shape,
        patch=patch,
        batch_size=batch,
        strides=strides,
        kernels=kernels,
        width=width,
        max_width=MAX_WIDTH[rank],
        memory_bytes=fixed + batch * each,
    )


def _target_spacing(voxels: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """``[axes]``, by rule 1."""
    target = np.median(spacing, axis=0)
    size = np.median(voxels * spacing / target, axis=0)
    worst = int(np.argmax(target))
    others = np.delete(size, worst)
    if (
        target[worst] >= ANISOTROPY * target.min()
        and ANISOTROPY * size[worst] < others.min()
    ):
        target[worst] = max(np.percentile(spacing[:, worst], 10), target.min())
    return target


def levels(
    patch: Sequence[int], spacing: Sequence[float] | np.ndarray
) -> tuple[Sizes, Sizes]:
    """Strides and kernels of a U-Net for a patch, by rules 3 and 4."""
    sizes, apart = list(patch), [float(s) for s in spacing]
    kernel = [1] * len(sizes)
    strides, kernels = [], []
    while True:
        near = [s < 2 * min(apart) for s in apart]
        kernel = [3 if n else k for n, k in zip(near, kernel, strict=True)]
        kernels.append(tuple(kernel))
        large = [size >= 2 * SMALLEST for size in sizes]
        if not any(large):
            break
        finest = min(s for s, can in zip(apart, large, strict=True) if can)
        stride = tuple(
            2 if can and s < 2 * finest else 1
            for s, can in zip(apart, large, strict=True)
        )
        sizes = [-(-n // s) for n, s in zip(sizes, stride, strict=True)]
        apart = [s * t for s, t in zip(apart, stride, strict=True)]
        strides.append(stride)
    return tuple(strides), tuple(kernels)


def _fit(
    shape: Sequence[int], spacing: np.ndarray
) -> tuple[tuple[int, ...], Sizes, Sizes]:
    """A patch of at least `shape` that its strides divide, and its levels."""
    strides, kernels = levels(shape, spacing)
    return _round_up(shape, strides), strides, kernels


def _round_up(shape: Sequence[int], strides: Sizes) -> tuple[int, ...]:
    total = _total(strides, len(shape))
    return tuple(-(-n // t) * t for n, t in zip(shape, total, strict=True))


def _total(strides: Sizes, rank: int) -> tuple[int, ...]:
    return tuple(math.prod(s[axis] for s in strides) for axis in range(rank))


def _shorten(
    patch: tuple[int, ...], strides: Sizes, median: tuple[int, ...]
) -> tuple[int, ...] | None:
    """The patch less one step along the axis that covers most; None if none is left."""
    total = _total(strides, len(patch))
    shares = [
        (size / whole, size) if size - step >= SMALLEST and step > 1 else (0.0, 0)
        for size, step, whole in zip(patch, total, median, strict=True)
    ]
    if max(shares)[0] == 0:
        return None
    axis = shares.index(max(shares))
    return tuple(n - total[a] if a == axis else n for a, n in enumerate(patch))


def memory_bytes(
    patch: Sequence[int],
    strides: Sizes,
    kernels: Sizes,
    *,
    num_classes: int,
    channels: int,
    width: int,
    max_width: int,
) -> tuple[int, int]:
    """Estimate of a training step in float32: (whatever the batch, per patch).

    The first is weights, their gradient and two moments of Adam; the second is what the
    reverse pass needs of each level, and the scores thrice. On a CPU, where volumes are
    convolved by planes (`jaxseg.models.convolutions`), they take up to three times as
    much.
    """
    voxels = float(math.prod(patch))
    weights, kept = 0.0, voxels * (channels + 3 * num_classes)
    before = channels
    for level, kernel in enumerate(kernels):
        features = min(width * 2**level, max_width)
        reach = math.prod(kernel)
        last = level == len(strides)
        weights += reach * features * (before + features)
        kept += voxels * features * (4 if last else KEPT_PER_CHANNEL)
        if not last:
            deeper = min(2 * features, max_width)
            block = math.prod(strides[level])
            weights += reach * features * 3 * features + block * deeper * features
            voxels /= block
        before = features
    return int(16 * weights), int(4 * kept)
