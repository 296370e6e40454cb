"""Losses of overlap: ratios of counts over a pool of pixels, averaged over classes."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.counts import (
    SoftCounts,
    counts_of_ids,
    dice_index,
    generalized_dice_index,
    jaccard_index,
    log_intersection,
    log_intersection_of_ids,
    soft_counts,
    tversky_index,
)
from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.numerics import (
    log_add,
    log_total,
    number_like,
    pooled_sum,
    power,
    safe_ratio,
    weighted_mean,
    widen,
)
from jaxseg.targets import as_class_weights, as_pixels, softmax_of_ids


def overlap_counts(
    logits: Array,
    labels: Array,
    link: Link,
    where: Array | None,
    axis_name: str | None,
) -> SoftCounts:
    """Counts ``[C]`` of predictions against labels, by the cheaper of two routes."""
    hard = softmax_of_ids(logits, labels, link=link, where=where)
    if hard is not None:
        return counts_of_ids(*hard, where=where, axis_name=axis_name)
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    return soft_counts(link(scores), targets, where=where, axis_name=axis_name)


def log_intersections(
    logits: Array,
    labels: Array,
    link: Link,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """Log of the intersection of `overlap_counts`, ``[C]``, by the same two routes."""
    hard = softmax_of_ids(logits, labels, link=link, where=where)
    if hard is not None:
        return log_intersection_of_ids(*hard, where=where, axis_name=axis_name)
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    logs = link.log_probs(scores)
    return log_intersection(logs, targets, where=where, axis_name=axis_name)


@loss_function
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

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{dice_loss(logits, labels):.4f}")
      0.1952
      >>> print(f"{dice_loss(logits, labels, squared=True):.4f}")
      0.0514

    Args:
      squared: the denominator of V-Net instead of the plain one.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0.

    Source: plain: Ma 2021, eq. (9); squared: Galdran 2022, eq. (5), Eelbode 2020,
    eq. (12), Ma 2021, eq. (8). Departs from Ma, who sums over classes inside numerator
    and denominator: here one coefficient per class, then their mean.
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    smooth = number_like(smooth, counts.predicted)
    index = dice_index(counts, squared=squared, smooth=smooth)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))


@loss_function
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

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{log_dice_loss(logits, labels):.4f}")
      0.2173

    Args:
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.

    Returns:
      Scalar >= 0, float32 or wider.

    Source: Liu 2022, eq. (1), times 1/C: the paper sums over classes.
    """
    losses = log_dice_terms(
        logits, labels, smooth=smooth, link=link, where=where, axis_name=axis_name
    )
    return weighted_mean(losses, as_class_weights(class_weights, logits))


def log_dice_terms(
    logits: Array,
    labels: Array,
    *,
    smooth: ArrayLike,
    link: Link,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """-log Dice of each class, ``[C]``, as `log_dice_loss` averages it."""
    counts = overlap_counts(logits, labels, link, where, axis_name)
    log_overlap = log_intersections(logits, labels, link, where, axis_name)
    smooth = number_like(smooth, log_overlap)
    log_smooth = log_total(jnp.zeros_like(smooth), smooth)
    log_top = log_add(jnp.log(2.0) + log_overlap, log_smooth)
    total = counts.predicted + counts.actual + smooth
    undefined = (counts.actual <= 0) & (smooth <= 0) & (counts.predicted >= 0)
    log_top = jnp.where(undefined, 0, log_top)
    return jnp.log(jnp.where(undefined, 1, total)) - log_top


@loss_function
def log_cosh_dice_loss(
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
    r"""Log of the hyperbolic cosine of the Dice loss, which flattens its minimum.

    .. math:: \log \cosh (1 - Dice)

    Smallest at p = t, also for soft t, with a gradient that vanishes there.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{log_cosh_dice_loss(logits, labels):.4f}")
      0.0189

    Args:
      squared: of the Dice loss, see `dice_loss`.
      smooth: of the Dice loss, see `dice_loss`.

    Returns:
      Scalar in [0, 0.434], float32 or wider; a class absent from p and t costs 0, one
      absent from t alone has zero gradient unless `smooth` > 0.

    Source: Jadon 2020, arXiv:2006.14822, section II-M.
    """
    loss = dice_loss(
        logits,
        labels,
        squared=squared,
        smooth=smooth,
        link=link,
        class_weights=class_weights,
        where=where,
        axis_name=axis_name,
    )
    return jnp.log(jnp.cosh(loss))


@loss_function
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

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{jaccard_loss(logits, labels):.4f}")
      0.3263
      >>> print(f"{jaccard_loss(logits, labels, squared=True):.4f}")
      0.0977

    Args:
      squared: squared sums in the denominator.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0, one
      absent from t alone costs 1 with zero gradient unless `smooth` > 0.

    Source: Eelbode 2020, eq. (13); Ma 2021, eq. (10), but per class, then the mean.
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    smooth = number_like(smooth, counts.predicted)
    index = jaccard_index(counts, squared=squared, smooth=smooth)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))


@loss_function
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

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{tversky_loss(logits, labels):.4f}")
      0.1952
      >>> print(f"{tversky_loss(logits, labels, alpha=0.3, beta=0.7):.4f}")
      0.1958

    Args:
      alpha: weight of false positives, >= 0; may be traced.
      beta: weight of false negatives, >= 0; (1/2, 1/2) is Dice, (1, 1) Jaccard.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0, one
      absent from t alone costs 1 with zero gradient unless `smooth` > 0.

    Source: Salehi 2017; Eelbode 2020, eq. (14); Ma 2021, eq. (14), but per class, then
    the mean.
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    alpha, beta, smooth = (
        number_like(x, counts.predicted) for x in (alpha, beta, smooth)
    )
    index = tversky_index(counts, alpha=alpha, beta=beta, smooth=smooth)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))


@loss_function
def focal_tversky_loss(
    logits: Array,
    labels: Array,
    *,
    gamma: ArrayLike = 4 / 3,
    alpha: ArrayLike = 0.3,
    beta: ArrayLike = 0.7,
    smooth: ArrayLike = 0.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over classes of a root of the Tversky loss.

    .. math:: \frac1C \sum_c (1 - T_c)^{1 / \gamma}

    gamma = 1 is the Tversky loss; gamma > 1 makes the slope steeper the better a class
    is segmented, and infinite at T = 1, where the gradient here is 0. Smallest at
    p = t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{focal_tversky_loss(logits, labels):.4f}")
      0.2933
      >>> print(f"{focal_tversky_loss(logits, labels, gamma=1):.4f}")
      0.1958

    Args:
      gamma: exponent's inverse, in [1, 3] as a rule; may be traced.
      alpha: weight of false positives, >= 0; may be traced.
      beta: weight of false negatives, >= 0; may be traced.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0.

    Source: Abraham 2019, whose gamma = 4/3 and weights are the defaults; Ma 2021,
    eq. (16), takes the root of the one Tversky loss of all classes. Released code takes
    the power 0.75 of the mean over classes.
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    alpha, beta, smooth = (
        number_like(x, counts.predicted) for x in (alpha, beta, smooth)
    )
    index = tversky_index(counts, alpha=alpha, beta=beta, smooth=smooth)
    losses = power(jnp.maximum(1 - index, 0), 1 / number_like(gamma, index))
    return weighted_mean(losses, as_class_weights(class_weights, logits))


@loss_function
def asymmetric_loss(
    logits: Array,
    labels: Array,
    *,
    beta: ArrayLike = 1.5,
    smooth: ArrayLike = 0.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the mean soft F-beta score, all pixels pooled.

    .. math:: 1 - \frac1C \sum_c \frac{(1 + \beta^2) TP_c}
        {(1 + \beta^2) TP_c + \beta^2 FN_c + FP_c}

    The Tversky loss with alpha = 1 / (1 + beta^2) and beta^2 / (1 + beta^2); beta = 1
    is Dice. Smallest at p = t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{asymmetric_loss(logits, labels):.4f}")
      0.1958
      >>> print(f"{asymmetric_loss(logits, labels, beta=1):.4f}")
      0.1952

    Args:
      beta: how much more a missed pixel weighs than a false one, >= 0; may be traced.
      smooth: pseudo-pixels added to numerator and denominator, >= 0; may be traced.

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0.

    Source: Hashemi 2019, which recommends beta = 1.5; Ma 2021, eq. (17), prints the
    score without "1 -" and sums over classes inside.
    """
    square = jnp.square(widen(beta))
    return tversky_loss(
        logits,
        labels,
        alpha=1 / (1 + square),
        beta=square / (1 + square),
        smooth=smooth,
        link=link,
        class_weights=class_weights,
        where=where,
        axis_name=axis_name,
    )


@loss_function
def generalized_dice_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the generalised Dice score: one ratio, small classes weighing more.

    .. math:: 1 - \frac{2 \sum_c w_c \sum_i \min(p_{ic}, t_{ic})}
        {\sum_c w_c (\sum_i p_{ic} + \sum_i t_{ic})}, \quad
        w_c = (\sum_i t_{ic})^{-2}

    An absent class, whose printed weight is infinite, gets the largest weight of a
    class that is present, and weight 1 if none is: false positives always cost.
    Smallest at p = t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{generalized_dice_loss(logits, labels):.4f}")
      0.1941

    Args:
      class_weights: ``[C]`` further factors on w; (0, 1) is foreground only.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no pixel counts.

    Source: Sudre 2017; Ma 2021, eq. (15).
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    return 1 - generalized_dice_index(counts, as_class_weights(class_weights, logits))


@loss_function
def penalized_generalized_dice_loss(
    logits: Array,
    labels: Array,
    *,
    k: ArrayLike = 2.5,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the generalised Dice score GD, the score penalised for its errors.

    .. math:: 1 - \frac{GD}{1 + k (1 - GD)}

    k = 0 is the generalised Dice loss. Smallest at p = t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{penalized_generalized_dice_loss(logits, labels):.4f}")
      0.4574
      >>> print(f"{penalized_generalized_dice_loss(logits, labels, k=1):.4f}")
      0.3251

    Args:
      k: penalty, >= 0; may be traced.
      class_weights: ``[C]`` further factors on the classes' weights.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no pixel counts.

    Source: Su 2019, with k = 2.5; Ma 2021, the last line of eq. (18). Released code
    applies the formula to the loss instead of the score, which reverses its focus.
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    score = generalized_dice_index(counts, as_class_weights(class_weights, logits))
    k = number_like(k, score)
    return 1 - score / (1 + k * (1 - score))


@loss_function
def sensitivity_specificity_loss(
    logits: Array,
    labels: Array,
    *,
    w: ArrayLike = 0.1,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over classes of the squared errors inside and outside, weighed.

    .. math:: \frac1C \sum_c \Big( w \frac{\sum_i (t_{ic} - p_{ic})^2 t_{ic}}
        {\sum_i t_{ic}} + (1 - w) \frac{\sum_i (t_{ic} - p_{ic})^2 (1 - t_{ic})}
        {\sum_i (1 - t_{ic})} \Big)

    Smallest at p = t. A class that fills no pixel, or all, lacks one of the terms. With
    two exclusive classes `w` does nothing in the mean over both: what is inside one is
    outside the other. To trade sensitivity against specificity take the foreground
    alone, ``class_weights=(0, 1)``, or C = 1 under `links.sigmoid`.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1]
      >>> print(f"{sensitivity_specificity_loss(logits, labels):.4f}")
      0.1588
      >>> print(f"{sensitivity_specificity_loss(logits, labels, w=0.5):.4f}")
      0.1588

    Args:
      w: weight of the error inside (sensitivity), in [0, 1]; may be traced; without
        effect in an unweighted mean over two exclusive classes.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no pixel counts.

    Source: Brosch 2015; Ma 2021, eq. (7), but per class, then the mean, and 0/0 = 0 in
    the place of epsilon.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    errors = jnp.square(targets - link(scores))

    def mean_error(region: Array) -> Array:
        total = pooled_sum(errors * region, where, axis_name)
        return safe_ratio(total, pooled_sum(region, where, axis_name), 0)

    w = number_like(w, errors)
    losses = w * mean_error(targets) + (1 - w) * mean_error(1 - targets)
    return weighted_mean(losses, as_class_weights(class_weights, logits))
