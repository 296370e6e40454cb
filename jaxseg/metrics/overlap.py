"""Overlap of hard masks: the losses' own indices on hard counts."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxseg.counts import (
    SoftCounts,
    accuracy_index,
    dice_index,
    f_beta_index,
    hamming_index,
    jaccard_index,
    kappa_index,
    matthews_index,
    precision_index,
    sensitivity_index,
    specificity_index,
    weighted_hamming_index,
)
from jaxseg.metrics.empty import EMPTY_VALUES, EmptyRule, check_rules
from jaxseg.metrics.masks import as_class_ids, check_one_shape
from jaxseg.metrics.means import DefinedMean, defined_mean, jsonable
from jaxseg.numerics import is_numpy
from jaxseg.targets import refuse_unknown_ids

INDICES: Mapping[str, Callable[..., Any]] = {
    "dice": dice_index,
    "jaccard": jaccard_index,
    "f_half": functools.partial(f_beta_index, beta=0.5),
    "f_two": functools.partial(f_beta_index, beta=2),
    "sensitivity": sensitivity_index,
    "precision": precision_index,
    "specificity": specificity_index,
    "hamming": hamming_index,
    "balanced_accuracy": functools.partial(weighted_hamming_index, gamma=0.5),
    "kappa": kappa_index,
    "matthews": matthews_index,
}
"""What is scored for each class; `CaseScores` has a field for each."""


def mask_counts(
    predicted: Any, actual: Any, num_classes: int, void: int = 255
) -> SoftCounts:
    """Counts ``[num_classes]`` of two masks of class ids of the same shape.

    Pixels that are `void` in `actual` count in nothing. A predicted id outside of the
    classes is a miss of the true one; a true one is refused, or, where it is traced and
    cannot be looked at, of no class.

    Example:
      >>> predicted, actual = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 255])
      >>> counts = mask_counts(predicted, actual, 3)
      >>> counts.intersection, counts.predicted, counts.actual, counts.pixels
      (array([1., 1., 0.]), array([1., 2., 0.]), array([1., 1., 1.]), np.float64(3.0))

    Args:
      predicted: integers, or bool for two classes, of any shape.
      actual: the same of that shape.
      num_classes: how many classes; static under jit.
      void: the id of pixels to leave out.

    Returns:
      float64 of NumPy masks; int32 of JAX's, under jit and vmap too, which are exact
      below 2^31 pixels: pool more than that `to_host`.

    Raises:
      ValueError: the masks have different shapes, hold anything but whole numbers, or
        `actual` holds an id that is neither a class nor void.
    """
    predicted, actual = as_class_ids(predicted), as_class_ids(actual)
    check_one_shape(predicted, actual)
    counted = actual != void
    refuse_unknown_ids(
        actual, num_classes, counted, f"the id of pixels to leave out is void={void}"
    )
    if is_numpy(predicted) and is_numpy(actual):
        return _host_counts(predicted, actual, num_classes, counted)
    predicted, actual = jnp.asarray(predicted), jnp.asarray(actual)
    found = [(predicted == c) & counted for c in range(num_classes)]
    true = [(actual == c) & counted for c in range(num_classes)]

    def sizes(masks: list[jax.Array]) -> jax.Array:
        return jnp.stack([jnp.sum(mask, dtype=jnp.int32) for mask in masks])

    hits = sizes([a & b for a, b in zip(found, true, strict=True)])
    pixels = jnp.sum(counted, dtype=jnp.int32)
    return SoftCounts.of_sets(hits, sizes(found) - hits, sizes(true) - hits, pixels)


def _host_counts(
    predicted: np.ndarray, actual: np.ndarray, num_classes: int, counted: np.ndarray
) -> SoftCounts:
    def known(ids: np.ndarray) -> np.ndarray:
        ids = ids[counted].astype(np.int64)
        ids[(ids < 0) | (ids >= num_classes)] = num_classes
        return ids

    side = num_classes + 1
    table = np.bincount(known(actual) * side + known(predicted), minlength=side**2)
    table = table.reshape(side, side).astype(np.float64)
    hits, found, true = np.diag(table), table.sum(0), table.sum(1)
    hits, found, true = (x[:num_classes] for x in (hits, found, true))
    return SoftCounts.of_sets(hits, found - hits, true - hits, table.sum())


def region_masks(ids: Any, regions: Sequence[Sequence[int]]) -> np.ndarray:
    """Bool masks ``[..., 1 + R]`` of class ids: outside of all regions, then each.

    Example:
      >>> region_masks(np.array([0, 1, 2]), [(1, 2), (2,)]).astype(int).tolist()
      [[1, 0, 0], [0, 1, 0], [0, 1, 1]]

    Args:
      ids: class ids of any shape.
      regions: ids of the classes of each region; they may overlap.
    """
    ids = np.asarray(ids)
    inside = [np.isin(ids, tuple(classes)) for classes in regions]
    return np.stack([~np.logical_or.reduce(inside), *inside], axis=-1)


def region_counts(
    predicted: Any, actual: Any, regions: Sequence[Sequence[int]], void: int = 255
) -> SoftCounts:
    """Counts ``[1 + R]`` of regions, of two masks of class ids of the same shape.

    Example:
      >>> predicted, actual = np.array([0, 1, 2]), np.array([0, 2, 2])
      >>> counts = region_counts(predicted, actual, [(1, 2), (2,)])
      >>> counts.intersection, counts.predicted, counts.actual
      (array([1., 2., 1.]), array([1., 2., 1.]), array([1., 2., 2.]))

    Args:
      predicted: class ids of any shape.
      actual: class ids of that shape.
      regions: see `region_masks`; what is outside of all comes first.
      void: the id, in `actual`, of pixels to leave out.

    Returns:
      float64.
    """
    predicted, actual = (np.asarray(as_class_ids(x)) for x in (predicted, actual))
    check_one_shape(predicted, actual)
    counted = actual != void
    found, true = (region_masks(x[counted], regions) for x in (predicted, actual))
    hits, found, true = (
        x.sum(0, dtype=np.float64) for x in (found & true, found, true)
    )
    pixels = np.float64(np.count_nonzero(counted))
    return SoftCounts.of_sets(hits, found - hits, true - hits, pixels)


def to_host(statistics: Any) -> Any:
    """Counts, or other sums, as float64 NumPy arrays: exact up to 2^53 pixels.

    Example:
      >>> counts = mask_counts(jnp.array([0, 1]), jnp.array([0, 1]), 2)
      >>> counts.pixels.dtype, to_host(counts).pixels.dtype
      (dtype('int32'), dtype('float64'))
    """
    return jax.tree.map(lambda x: np.asarray(x, np.float64), statistics)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class CaseScores:
    """Scores of one case, ``[classes]`` each, with the rule for empty masks.

    Attributes:
      dice: 2 TP / (2 TP + FP + FN).
      jaccard: TP / (TP + FP + FN).
      f_half: F-beta with beta = 1/2, for which false pixels weigh more.
      f_two: F-beta with beta = 2, for which missed pixels weigh more.
      sensitivity: TP / (TP + FN).
      precision: TP / (TP + FP).
      specificity: TN / (TN + FP).
      hamming: (TP + TN) / pixels, the accuracy of the class against the rest.
      balanced_accuracy: mean of sensitivity and specificity, weighted Hamming at 1/2.
      kappa: agreement beyond chance of the class against the rest.
      matthews: correlation of the two masks of the class.
      accuracy: share of pixels given their own class, a scalar.
      volume_difference: abs(predicted - actual) in pixels or voxels.
      volume_difference_mm3: the same in mm^3 (mm^2 of an image); None without spacing.
      actual_pixels: pixels of the class in the ground truth.
      predicted_pixels: pixels of the class in the prediction.
      empty_rule: what 0/0 scores here, see `EmptyRule`.
      spacing_mm: size of a voxel along each axis, None if unknown.
    """

    dice: Any
    jaccard: Any
    f_half: Any
    f_two: Any
    sensitivity: Any
    precision: Any
    specificity: Any
    hamming: Any
    balanced_accuracy: Any
    kappa: Any
    matthews: Any
    accuracy: Any
    volume_difference: Any
    volume_difference_mm3: Any
    actual_pixels: Any
    predicted_pixels: Any
    empty_rule: EmptyRule = dataclasses.field(metadata={"static": True})
    spacing_mm: tuple[float, ...] | None = dataclasses.field(metadata={"static": True})

    @property
    def lesion_free(self) -> bool:
        """Whether the ground truth holds no foreground, classes 1 and up."""
        return not self.actual_pixels[1:].any()

    @property
    def foreground_dice(self) -> float:
        """Mean Dice over the foreground classes where it is defined, else nan."""
        return float(defined_mean(self.dice[1:]).mean)

    def to_json(self) -> dict[str, Any]:
        """As plain lists, one number per class, None for nan."""
        arrays = {name: jsonable(getattr(self, name)) for name in _ARRAYS}
        return {
            **{k: v for k, v in arrays.items() if v is not None},
            "empty_rule": self.empty_rule,
            "spacing_mm": None if self.spacing_mm is None else list(self.spacing_mm),
        }


_ARRAYS = [
    field.name
    for field in dataclasses.fields(CaseScores)
    if field.name not in ("empty_rule", "spacing_mm")
]


def case_scores(
    counts: SoftCounts,
    *,
    empty: EmptyRule = "one",
    spacing_mm: tuple[float, ...] | None = None,
) -> CaseScores:
    """Scores from the counts of a case (or of many, pooled); jit-able.

    Example:
      >>> counts = mask_counts(np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0]), 3)
      >>> case_scores(counts).dice.round(4).tolist()
      [0.8, 0.6667, 1.0]
      >>> case_scores(counts, empty="nan").dice.round(4).tolist()
      [0.8, 0.6667, nan]

    Args:
      counts: ``[..., C]`` of hard masks, whose `pixels` are ``[...]``. Those of NumPy
        give NumPy scores in float64, those of JAX scores in float32.
      empty: what 0/0 scores.
      spacing_mm: size of a voxel along each axis, for volumes in mm^3.

    Raises:
      ValueError: there is no such rule `empty`.
    """
    check_rules(empty)
    value = EMPTY_VALUES[empty]
    by_class = dataclasses.replace(counts, pixels=counts.pixels[..., None])
    difference = abs(counts.predicted - counts.actual)
    voxel = None if spacing_mm is None else math.prod(spacing_mm)
    return CaseScores(
        **{name: index(by_class, empty=value) for name, index in INDICES.items()},
        accuracy=accuracy_index(counts, empty=value),
        volume_difference=difference,
        volume_difference_mm3=None if voxel is None else difference * voxel,
        actual_pixels=counts.actual,
        predicted_pixels=counts.predicted,
        empty_rule=empty,
        spacing_mm=spacing_mm,
    )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetScores:
    """Two ways to score a data set: a mean of cases, and the score of their union.

    Attributes:
      cases: scores of each case, ``[N, C]``.
      means: of each of `INDICES`, its mean over cases, ``[C]``.
      pooled: scores of all pixels pooled, ``[C]``.
      mean_jaccard: mean over classes of the pooled Jaccard index, the mean IoU.
      mean_dice: mean over classes of the pooled Dice coefficient.
    """

    cases: CaseScores
    means: dict[str, DefinedMean]
    pooled: CaseScores
    mean_jaccard: DefinedMean
    mean_dice: DefinedMean


def dataset_scores(counts: SoftCounts, *, empty: EmptyRule = "one") -> DatasetScores:
    """Scores of N cases with counts ``[N, C]`` and pixels ``[N]``; jit-able.

    A class that no case has scores 1 in the means under "one"; under "nan" it is left
    out, which is how mean IoU is usually reported.

    Example:
      >>> first = mask_counts(np.array([0, 1, 0, 0]), np.array([0, 1, 1, 1]), 2)
      >>> second = mask_counts(np.array([1, 1, 1, 0]), np.array([1, 1, 1, 0]), 2)
      >>> counts = jax.tree.map(lambda *values: np.stack(values), first, second)
      >>> scores = dataset_scores(counts)
      >>> scores.means["dice"].mean.tolist(), scores.pooled.dice.tolist()
      ([0.75, 0.75], [0.6666666666666666, 0.8])
    """
    cases = case_scores(counts, empty=empty)
    pooled = case_scores(jax.tree.map(lambda x: x.sum(0), counts), empty=empty)
    return DatasetScores(
        cases=cases,
        means={name: defined_mean(getattr(cases, name)) for name in INDICES},
        pooled=pooled,
        mean_jaccard=defined_mean(pooled.jaccard, axis=-1),
        mean_dice=defined_mean(pooled.dice, axis=-1),
    )
