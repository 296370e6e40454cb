"""Sufficient statistics of a segmentation, and overlap indices as functions of them.

One formula, three uses: an index of soft counts is a loss, of hard counts a metric, of
enumerated counts (exact fractions) the object of a proposition.
"""

import dataclasses
from typing import Any, Self

import jax
import jax.numpy as jnp
from jax import Array

from jaxseg.fused import softmax_sums
from jaxseg.numerics import (
    keep,
    pool,
    pooled_count,
    pooled_sum,
    safe_ratio,
    soft_minimum,
)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class SoftCounts:
    """Sums over a pool of pixels, per class ``[C]``; they add, and divide last.

    With p the prediction and t the target, both in [0, 1]:

    Attributes:
      intersection: sum min(p, t), which is sum p t for hard t, value and gradient.
      inner: sum p t.
      predicted: sum p.
      actual: sum t.
      predicted_squares: sum p^2.
      actual_squares: sum t^2.
      pixels: how many pixels, a scalar.
    """

    intersection: Any
    inner: Any
    predicted: Any
    actual: Any
    predicted_squares: Any
    actual_squares: Any
    pixels: Any

    def __add__(self, other: Self) -> Self:
        """Counts of the union of two disjoint pools of pixels."""
        return jax.tree.map(lambda a, b: a + b, self, other)

    @classmethod
    def of_sets(cls, true_positives, false_positives, false_negatives, pixels) -> Self:
        """Counts of two hard masks; numbers of any kind, exact fractions included."""
        predicted = true_positives + false_positives
        actual = true_positives + false_negatives
        return cls(
            intersection=true_positives,
            inner=true_positives,
            predicted=predicted,
            actual=actual,
            predicted_squares=predicted,
            actual_squares=actual,
            pixels=pixels,
        )

    @property
    def false_positives(self) -> Any:
        """Sum of p beyond t."""
        return self.predicted - self.intersection

    @property
    def false_negatives(self) -> Any:
        """Sum of t beyond p."""
        return self.actual - self.intersection


def soft_counts(
    probs: Array,
    targets: Array,
    where: Array | None = None,
    axis_name: str | None = None,
) -> SoftCounts:
    """Counts of predictions against targets over all leading axes.

    Args:
      probs: ``[..., C]`` in [0, 1], hard or soft.
      targets: ``[..., C]`` in [0, 1], hard or soft.
      where: ``[...]`` bool, False as if the pixel were not there.
      axis_name: mapped axis to add the counts over.
    """
    probs, targets = keep(probs, where), keep(targets, where)

    def total(values: Array) -> Array:
        return pooled_sum(values, None, axis_name)

    return SoftCounts(
        intersection=total(soft_minimum(probs, targets, tie=targets)),
        inner=total(probs * targets),
        predicted=total(probs),
        actual=total(targets),
        predicted_squares=total(jnp.square(probs)),
        actual_squares=total(jnp.square(targets)),
        pixels=pooled_count(probs, where, axis_name),
    )


def counts_of_ids(
    scores: Array,
    ids: Array,
    where: Array | None = None,
    axis_name: str | None = None,
) -> SoftCounts:
    """Counts of a softmax against class ids: `soft_counts` in fewer passes.

    Args:
      scores: ``[..., C]`` float32 or wider, finite where masked.
      ids: ``[...]`` integers.
      where: ``[...]`` bool, False as if the pixel were not there.
      axis_name: mapped axis to add the counts over.
    """
    mask = jnp.ones(ids.shape, bool) if where is None else where
    classes = range(scores.shape[-1])
    actual = jnp.stack(
        [jnp.sum((ids == c) & mask, dtype=scores.dtype) for c in classes]
    )
    sums = softmax_sums(scores, ids, mask)
    hits, predicted, squares, actual = (pool(x, axis_name) for x in (*sums, actual))
    return SoftCounts(
        intersection=hits,
        inner=hits,
        predicted=predicted,
        actual=actual,
        predicted_squares=squares,
        actual_squares=actual,
        pixels=pooled_count(scores, where, axis_name),
    )


def dice_index(counts: SoftCounts, *, squared: bool = False, smooth: Any = 0) -> Any:
    """Dice coefficient per class, in [0, 1]; 1 where there is neither p nor t.

    2 sum min(p, t) / (sum p + sum t), Eelbode 2020, eq. (2), or with `squared`
    2 sum p t / (sum p^2 + sum t^2), Milletari 2016 and Eelbode 2020, eq. (12), which
    needs no minimum to be largest at p = t. `smooth` pseudo-pixels are added to
    numerator and denominator.
    """
    if squared:
        overlap = counts.inner
        total = counts.predicted_squares + counts.actual_squares
    else:
        overlap = counts.intersection
        total = counts.predicted + counts.actual
    return safe_ratio(2 * overlap + smooth, total + smooth, 1)


def jaccard_index(counts: SoftCounts, *, squared: bool = False, smooth: Any = 0) -> Any:
    """Intersection over union per class, in [0, 1]; 1 where there is neither p nor t.

    Eelbode 2020, eq. (13); with `squared` sum p t / (sum p^2 + sum t^2 - sum p t), the
    other relaxation which that paper mentions.
    """
    if squared:
        overlap = counts.inner
        total = counts.predicted_squares + counts.actual_squares
    else:
        overlap = counts.intersection
        total = counts.predicted + counts.actual
    return safe_ratio(overlap + smooth, total - overlap + smooth, 1)


def tversky_index(counts: SoftCounts, *, alpha: Any, beta: Any, smooth: Any = 0) -> Any:
    """TP / (TP + alpha FP + beta FN) per class; 1 where there is neither p nor t.

    Eelbode 2020, eqs. (6) and (14); alpha = beta = 1/2 is Dice, 1 is Jaccard.
    """
    overlap = counts.intersection
    errors = alpha * counts.false_positives + beta * counts.false_negatives
    return safe_ratio(overlap + smooth, overlap + errors + smooth, 1)


def generalized_dice_index(counts: SoftCounts, class_weights: Array | None) -> Array:
    """Generalised Dice score of all classes together, a scalar in [0, 1].

    Sudre 2017: classes weigh by the inverse square of their size; an absent class takes
    the largest weight of those present, 1 if none is.

    Args:
      counts: arrays ``[C]``.
      class_weights: ``[C]`` further factors, or None.
    """
    present = counts.actual > 0
    sizes = jnp.where(present, counts.actual, jnp.inf)
    smallest = jnp.min(sizes)
    smallest = jnp.where(jnp.isfinite(smallest), smallest, 1)
    weights = jnp.square(smallest / jnp.where(present, sizes, smallest))
    if class_weights is not None:
        weights = weights * class_weights
    top = 2 * jnp.sum(weights * counts.intersection)
    return safe_ratio(top, jnp.sum(weights * (counts.predicted + counts.actual)), 1)


def sensitivity_index(counts: SoftCounts) -> Any:
    """TP / (TP + FN) per class, the recall; 1 where there is no t."""
    return safe_ratio(counts.intersection, counts.actual, 1)


def precision_index(counts: SoftCounts) -> Any:
    """TP / (TP + FP) per class; 1 where there is no p."""
    return safe_ratio(counts.intersection, counts.predicted, 1)
