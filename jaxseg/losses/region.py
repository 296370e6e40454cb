"""Losses of overlap: ratios of counts over a pool of pixels, averaged over classes."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.counts import (
    SoftCounts,
    counts_of_ids,
    dice_index,
    jaccard_index,
    soft_counts,
    tversky_index,
)
from jaxseg.links import Link, softmax
from jaxseg.numerics import pooled_logsumexp, soft_minimum, weighted_mean
from jaxseg.targets import as_class_weights, as_hard_pixels, as_pixels, is_hard


def _counts(
    logits: Array,
    labels: Array,
    link: Link,
    where: Array | None,
    axis_name: str | None,
) -> SoftCounts:
    if is_hard(labels) and link is softmax:
        scores, ids = as_hard_pixels(logits, labels, where=where)
        return counts_of_ids(scores, ids, where=where, axis_name=axis_name)
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    return soft_counts(link(scores), targets, where=where, axis_name=axis_name)


def dice_loss(
    logits: Array,
    labels: Array,
    *,
    squared: bool = False,
    smooth: ArrayLike = 0.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the mean soft Dice coefficient, all pixels pooled.

    .. math:: 1 - \frac1C \sum_c \frac{2 \sum_i \min(p_{ic}, t_{ic})}
        {\sum_i p_{ic} + \sum_i t_{ic}}

    With `squared` the fraction is 2 sum p t / (sum p^2 + sum t^2). Both are smallest at
    p = t, also for soft t. A class absent from t but not from p costs 1 whatever p is,
    and has zero gradient: that is Galdran's lesion-free image; `smooth` > 0 gives it
    one.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` one-hot or soft targets t.
      squared: the denominator of V-Net instead of the plain one.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.
      link: how scores become the probabilities p.
      class_weights: ``[C]`` weights of the mean over classes; (0, 1) is foreground.
      where: ``[...]`` bool, True where a pixel counts; None counts all.
      axis_name: mapped axis to pool pixels over; None under plain jit.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0.

    Raises:
      ValueError: the shapes of logits, labels, class_weights and where disagree.

    Source: plain: Ma 2021, eq. (9); squared: Galdran 2022, eq. (5), Eelbode 2020,
    eq. (12), Ma 2021, eq. (8). Departs from Ma, who sums over classes inside numerator
    and denominator: here one coefficient per class, then their mean.
    """
    counts = _counts(logits, labels, link, where, axis_name)
    index = dice_index(counts, squared=squared, smooth=smooth)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))


def log_dice_loss(
    logits: Array,
    labels: Array,
    *,
    smooth: ArrayLike = 0.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over classes of the negative log of the soft Dice coefficient.

    .. math:: -\frac1C \sum_c \log \frac{2 \sum_i \min(p_{ic}, t_{ic})}
        {\sum_i p_{ic} + \sum_i t_{ic}}

    Computed in the log domain: an object that is missed with certainty has a large
    finite loss and a gradient. The coefficient of a class absent from t is 0 whatever p
    is and its log says nothing, so such a class costs 0 and has zero gradient; with
    `smooth` > 0 it costs log(1 + sum p / smooth). Smallest at p = t, also for soft t.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` one-hot or soft targets t.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.
      link: how scores become the probabilities p.
      class_weights: ``[C]`` weights of the mean over classes; (0, 1) is foreground.
      where: ``[...]`` bool, True where a pixel counts; None counts all.
      axis_name: mapped axis to pool pixels over; None under plain jit.

    Returns:
      Scalar >= 0, float32 or wider.

    Raises:
      ValueError: the shapes of logits, labels, class_weights and where disagree.

    Source: Liu 2022, eq. (1), times 1/C: the paper sums over classes.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    counts = soft_counts(link(scores), targets, where=where, axis_name=axis_name)
    log_targets = jnp.log(jnp.where(targets > 0, targets, 1))
    overlaps = soft_minimum(link.log_probs(scores), log_targets, tie=targets)
    log_overlap, present = pooled_logsumexp(overlaps, targets > 0, axis_name)
    smooth = jnp.asarray(smooth, scores.dtype)
    log_smooth = jnp.where(
        smooth > 0, jnp.log(jnp.where(smooth > 0, smooth, 1)), -jnp.inf
    )
    log_top = jnp.where(
        present, jnp.logaddexp(jnp.log(2.0) + log_overlap, log_smooth), log_smooth
    )
    total = counts.predicted + counts.actual + smooth
    defined = (present | (smooth > 0)) & (total > 0)
    losses = jnp.log(jnp.where(defined, total, 1)) - jnp.where(defined, log_top, 0)
    return weighted_mean(losses, as_class_weights(class_weights, logits))


def jaccard_loss(
    logits: Array,
    labels: Array,
    *,
    squared: bool = False,
    smooth: ArrayLike = 0.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the mean soft Jaccard index (IoU), all pixels pooled.

    .. math:: 1 - \frac1C \sum_c \frac{\sum_i \min(p_{ic}, t_{ic})}
        {\sum_i \max(p_{ic}, t_{ic})}

    With `squared` the fraction is sum p t / (sum p^2 + sum t^2 - sum p t). Both are
    smallest at p = t, also for soft t.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` one-hot or soft targets t.
      squared: squared sums in the denominator.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.
      link: how scores become the probabilities p.
      class_weights: ``[C]`` weights of the mean over classes; (0, 1) is foreground.
      where: ``[...]`` bool, True where a pixel counts; None counts all.
      axis_name: mapped axis to pool pixels over; None under plain jit.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0, one
      absent from t alone costs 1 with zero gradient unless `smooth` > 0.

    Raises:
      ValueError: the shapes of logits, labels, class_weights and where disagree.

    Source: Eelbode 2020, eq. (13); Ma 2021, eq. (10), but per class, then the mean.
    """
    counts = _counts(logits, labels, link, where, axis_name)
    index = jaccard_index(counts, squared=squared, smooth=smooth)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))


def tversky_loss(
    logits: Array,
    labels: Array,
    *,
    alpha: ArrayLike = 0.5,
    beta: ArrayLike = 0.5,
    smooth: ArrayLike = 0.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the mean Tversky index, all pixels pooled.

    .. math:: 1 - \frac1C \sum_c TP_c / (TP_c + \alpha FP_c + \beta FN_c)

    where TP = sum min(p, t), FP = sum p - TP and FN = sum t - TP; smallest at p = t.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` one-hot or soft targets t.
      alpha: weight of false positives, >= 0; may be traced.
      beta: weight of false negatives, >= 0; (1/2, 1/2) is Dice, (1, 1) Jaccard.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.
      link: how scores become the probabilities p.
      class_weights: ``[C]`` weights of the mean over classes; (0, 1) is foreground.
      where: ``[...]`` bool, True where a pixel counts; None counts all.
      axis_name: mapped axis to pool pixels over; None under plain jit.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0, one
      absent from t alone costs 1 with zero gradient unless `smooth` > 0.

    Raises:
      ValueError: the shapes of logits, labels, class_weights and where disagree.

    Source: Salehi 2017; Eelbode 2020, eq. (14); Ma 2021, eq. (14), but per class, then
    the mean.
    """
    counts = _counts(logits, labels, link, where, axis_name)
    index = tversky_index(counts, alpha=alpha, beta=beta, smooth=smooth)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))
