"""Indices of agreement, functions of counts: the only definition of each.

One formula, three uses: an index of soft counts is a loss, of hard counts a metric, of
enumerated counts (exact fractions) the object of a proposition. JAX arrays give JAX
arrays, NumPy arrays NumPy arrays, exact numbers exact numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from jax import Array

from jaxseg.numerics import geometric_mean, is_exact, safe_ratio, within_unit

if TYPE_CHECKING:  # counts offers the indices beside what they are functions of
    from jaxseg.counts import SoftCounts


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


def sensitivity_index(counts: SoftCounts) -> Any:
    """TP / (TP + FN) per class, the recall; 1 where there is no t."""
    return safe_ratio(counts.intersection, counts.actual, 1)


def precision_index(counts: SoftCounts) -> Any:
    """TP / (TP + FP) per class; 1 where there is no p."""
    return safe_ratio(counts.intersection, counts.predicted, 1)


def matthews_index(counts: SoftCounts) -> Any:
    """Matthews' correlation of p and t per class, in [-1, 1].

    (TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN)), as a difference of
    products of cosines between p, t and their complements, each in [0, 1]: the four
    margins are never multiplied, which would overflow. 1 where p and t agree on every
    pixel, also if both are empty or both full; 0 where otherwise p or t is empty or
    full, whatever the other is, with zero gradient. Fractions give a float, for its
    root.
    """
    hits = _cosine(counts.intersection, counts.predicted, counts.actual, both_empty=1)
    rest = _cosine(
        counts.true_negatives,
        counts.others_predicted,
        counts.others_actual,
        both_empty=1,
    )
    false = _cosine(
        counts.false_positives, counts.predicted, counts.others_actual, both_empty=0
    )
    missed = _cosine(
        counts.false_negatives, counts.others_predicted, counts.actual, both_empty=0
    )
    return hits * rest - false * missed


def _cosine(common: Any, first: Any, second: Any, *, both_empty: int) -> Any:
    """`common` / sqrt(`first` `second`), the cosine of two sets; 0 if one is empty."""
    empty = safe_ratio(0, first + second, both_empty)
    ratio = safe_ratio(common, geometric_mean(first, second), empty)
    return ratio if is_exact(common) else within_unit(ratio)


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
