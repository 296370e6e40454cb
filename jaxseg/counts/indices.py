"""Indices of agreement, functions of counts: the only definition of each.

One formula, three uses: an index of soft counts is a loss, of hard counts a metric, of
enumerated counts (exact fractions) the object of a proposition. JAX arrays give JAX
arrays, NumPy arrays NumPy arrays, exact numbers exact numbers.

One policy for what is empty: where a formula is 0/0 its value is `empty`, which is 1
unless the caller says otherwise. Nothing to find and nothing found is right. An error
is never 0/0: a class in one of the two masks alone has overlap 0 under every `empty`.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxseg.counts.pools import SoftCounts
from jaxseg.numerics import clip_to_unit, geometric_mean, is_exact, safe_ratio


def dice_index(
    counts: SoftCounts, *, squared: bool = False, smooth: Any = 0, empty: Any = 1
) -> Any:
    """Dice coefficient per class, in [0, 1]; `empty` where there is neither p nor t.

    2 sum min(p, t) / (sum p + sum t), Eelbode 2020, eq. (2), or with `squared`
    2 sum p t / (sum p^2 + sum t^2), Milletari 2016 and Eelbode 2020, eq. (12), which
    needs no minimum to be largest at p = t. `smooth` pseudo-pixels are added to
    numerator and denominator.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{dice_index(counts):.4f}")
      0.6667
    """
    overlap, total = _overlap(counts, squared)
    return safe_ratio(2 * overlap + smooth, total + smooth, empty)


def jaccard_index(
    counts: SoftCounts, *, squared: bool = False, smooth: Any = 0, empty: Any = 1
) -> Any:
    """Intersection over union per class, in [0, 1]; `empty` where neither p nor t is.

    Eelbode 2020, eq. (13); with `squared` sum p t / (sum p^2 + sum t^2 - sum p t), the
    other relaxation which that paper mentions.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{jaccard_index(counts):.4f}")
      0.5000
    """
    overlap, total = _overlap(counts, squared)
    return safe_ratio(overlap + smooth, total - overlap + smooth, empty)


def _overlap(counts: SoftCounts, squared: bool) -> tuple[Any, Any]:
    """What p and t share, and the sum of their sizes: plain, or of squares."""
    if squared:
        return counts.inner, counts.predicted_squares + counts.actual_squares
    return counts.intersection, counts.predicted + counts.actual


def tversky_index(
    counts: SoftCounts, *, alpha: Any, beta: Any, smooth: Any = 0, empty: Any = 1
) -> Any:
    """TP / (TP + alpha FP + beta FN) per class; `empty` where there is neither p nor t.

    Eelbode 2020, eqs. (6) and (14); alpha = beta = 1/2 is Dice, 1 is Jaccard. With
    alpha = 0 or beta = 0 it is also 0/0 where all errors are of the kind not counted.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{tversky_index(counts, alpha=0.3, beta=0.7):.4f}")
      0.6383
    """
    overlap = counts.intersection
    errors = alpha * counts.false_positives + beta * counts.false_negatives
    return safe_ratio(overlap + smooth, overlap + errors + smooth, empty)


def f_beta_index(counts: SoftCounts, *, beta: Any, empty: Any = 1) -> Any:
    """F-beta score per class, in [0, 1]; `empty` where there is neither p nor t.

    (1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP), Ma 2021, eq. (17): how much
    more a missed pixel weighs than a false one. beta = 1 is Dice.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{f_beta_index(counts, beta=2):.4f}")
      0.6250
    """
    square = beta * beta
    overlap = (1 + square) * counts.intersection
    errors = square * counts.false_negatives + counts.false_positives
    return safe_ratio(overlap, overlap + errors, empty)


def sensitivity_index(counts: SoftCounts, *, empty: Any = 1) -> Any:
    """TP / (TP + FN) per class, the recall; `empty` where there is no t.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{sensitivity_index(counts):.4f}")
      0.6000
    """
    return safe_ratio(counts.intersection, counts.actual, empty)


def precision_index(counts: SoftCounts, *, empty: Any = 1) -> Any:
    """TP / (TP + FP) per class; `empty` where there is no p.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{precision_index(counts):.4f}")
      0.7500
    """
    return safe_ratio(counts.intersection, counts.predicted, empty)


def specificity_index(counts: SoftCounts, *, empty: Any = 1) -> Any:
    """TN / (TN + FP) per class; `empty` where t is all there is.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{specificity_index(counts):.4f}")
      0.8000
    """
    return safe_ratio(counts.true_negatives, counts.others_actual, empty)


def hamming_index(counts: SoftCounts, *, empty: Any = 1) -> Any:
    """Share of pixels that are right about the class; `empty` where there is no pixel.

    (TP + TN) / pixels, that is Eelbode 2020, eq. (4): the accuracy of one class against
    the rest.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{hamming_index(counts):.4f}")
      0.7000
    """
    right = counts.intersection + counts.true_negatives
    return safe_ratio(right, counts.pixels, empty)


def weighted_hamming_index(counts: SoftCounts, *, gamma: Any, empty: Any = 1) -> Any:
    """Sensitivity and specificity, weighed by `gamma` and 1 - `gamma`, per class.

    Eelbode 2020, eq. (5); gamma = 1/2 is the balanced accuracy, gamma = sum t / pixels
    the Hamming index. Where t is empty or full one of the two has nothing to be wrong
    about and is 1, whatever `empty` is, so that the errors of the other count; `empty`
    is the value where there is no pixel.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{weighted_hamming_index(counts, gamma=0.5):.4f}")
      0.7000
    """
    mean = gamma * sensitivity_index(counts) + (1 - gamma) * specificity_index(counts)
    return mean + safe_ratio(0, counts.pixels, empty - 1)


def accuracy_index(counts: SoftCounts, *, empty: Any = 1) -> Any:
    """Share of pixels given their own class, all classes together.

    Example:
      >>> truth, found = jnp.eye(2)[jnp.array([[0, 1, 0], [0, 1, 1]])]
      >>> counts = soft_counts(found, truth)
      >>> print(f"{accuracy_index(counts):.4f}")
      0.6667

    Args:
      counts: arrays ``[..., C]`` of classes of which each pixel has one.
      empty: the value where there is no pixel.

    Returns:
      ``[...]`` in [0, 1].
    """
    return safe_ratio(counts.intersection.sum(-1), counts.pixels, empty)


def kappa_index(counts: SoftCounts, *, empty: Any = 1) -> Any:
    """Cohen's kappa of the class against the rest, in [-1, 1].

    2 (TP TN - FP FN) / ((TP + FP) (TN + FP) + (TP + FN) (TN + FN)), which is agreement
    beyond chance over what chance leaves, (observed - expected) / (1 - expected).
    `empty` where p and t are both empty or both full; 0 where one of them is.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{kappa_index(counts):.4f}")
      0.4000
    """

    def share(part: Any) -> Any:
        return safe_ratio(part, counts.pixels, 0)

    right = share(counts.intersection) * share(counts.true_negatives)
    wrong = share(counts.false_positives) * share(counts.false_negatives)
    margins = share(counts.predicted) * share(counts.others_actual)
    margins = margins + share(counts.actual) * share(counts.others_predicted)
    return safe_ratio(2 * (right - wrong), margins, empty)


def matthews_index(counts: SoftCounts, *, empty: Any = 1) -> Any:
    """Matthews' correlation of p and t per class, in [-1, 1].

    (TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN)), as a difference of
    products of cosines between p, t and their complements, each in [0, 1]: the four
    margins are never multiplied, which would overflow. `empty` where p and t are both
    empty or both full; 0 where one of them is, whatever the other is, with zero
    gradient. Fractions give a float, for its root.

    Example:
      >>> counts = SoftCounts.of_sets(*np.array([3.0, 1.0, 2.0, 10.0]))
      >>> print(f"{matthews_index(counts):.4f}")
      0.4082
    """
    hits = _cosine(counts.intersection, counts.predicted, counts.actual, empty)
    rest = _cosine(
        counts.true_negatives, counts.others_predicted, counts.others_actual, empty
    )
    false = _cosine(counts.false_positives, counts.predicted, counts.others_actual, 0)
    missed = _cosine(counts.false_negatives, counts.others_predicted, counts.actual, 0)
    return hits * rest - false * missed


def _cosine(common: Any, first: Any, second: Any, both_empty: Any) -> Any:
    """`common` / sqrt(`first` `second`), the cosine of two sets; 0 if one is empty."""
    empty = safe_ratio(0, first + second, both_empty)
    ratio = safe_ratio(common, geometric_mean(first, second), empty)
    return ratio if is_exact(common) else clip_to_unit(ratio)


def generalized_dice_index(counts: SoftCounts, class_weights: Array | None) -> Array:
    """Generalised Dice score of all classes together, a scalar in [0, 1].

    Sudre 2017: classes weigh by the inverse square of their size; an absent class takes
    the largest weight of those present, 1 if none is.

    Example:
      >>> truth, found = jnp.eye(2)[jnp.array([[0, 1, 0], [0, 1, 1]])]
      >>> counts = soft_counts(found, truth)
      >>> print(f"{generalized_dice_index(counts, None):.4f}")
      0.6667

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
