"""Ma 2021 as released: distribution and region losses of SegLossOdyssey.

github.com/JunMa11/SegLossOdyssey at 76ff3d4, with the settings of its trainers: batch
Dice, smooth 1e-5, overlap losses of the foreground classes 1, ..., C - 1 alone, so that
C >= 2.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.counts import SoftCounts
from jaxseg.links import Link, identity, softmax
from jaxseg.losses.as_released.common import (
    mean_over_images,
    product_counts,
    weighted_cross_entropy_loss,
)
from jaxseg.losses.lovasz import lovasz_loss as lovasz_of_probabilities
from jaxseg.losses.pixel import cross_entropy_loss, pixel_losses
from jaxseg.losses.shared_arguments import documented
from jaxseg.numerics import keep, pool, pooled_mean, pooled_sum, top_weights
from jaxseg.targets import as_pixels

SMOOTH = 1e-5
LEAST_SCORE = 1e-6  # Dice is cut here before its logarithm
EPSILON_V1 = 1e-10  # of the sizes in the first generalised Dice
ROUNDING = 1e-3  # percent times pixels may be rounded below the whole number it is


@documented
def distance_penalized_cross_entropy_loss(
    logits: Array,
    labels: Array,
    *,
    distance: Array,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Plain cross-entropy: the weighted loss is computed and then not returned.

    Printed (Ma 2021, eq. (6)): each pixel's term times 1 + D, with D the `distance`.

    Args:
      distance: ``[...]`` the map D, without effect.
    """
    del distance
    return cross_entropy_loss(
        logits, labels, link=link, where=where, axis_name=axis_name
    )


@documented
def topk_threshold_loss(
    logits: Array,
    labels: Array,
    *,
    threshold: ArrayLike = 0.5,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean cross-entropy of the pixels whose largest probability is small.

    .. math:: -\frac{\sum_i 1\{\max_c p_{ic} < \theta\} \sum_c t_{ic} \log p_{ic}}
        {\sum_i 1\{\max_c p_{ic} < \theta\}}

    Printed (Ma 2021, eq. (3)): the pixels whose target has p < threshold. Here a pixel
    that is confidently wrong is left out, and with C classes none is chosen for any
    threshold <= 1 / C.

    Args:
      threshold: theta, in (0, 1].

    Returns:
      Scalar >= 0; nan, as released, where no pixel is chosen.
    """
    losses = pixel_losses(logits, labels, jnp.negative, link=link, where=where)
    scores, _ = as_pixels(logits, labels, link=link, where=where)
    chosen = jnp.max(link(scores), axis=-1) < threshold
    columns = jnp.stack([chosen * losses, chosen.astype(losses.dtype)], axis=-1)
    total, count = pooled_sum(columns, where, axis_name)
    return total / count


@documented
def topk_loss(
    logits: Array,
    labels: Array,
    *,
    percent: ArrayLike = 10,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean cross-entropy of the K = floor(N percent / 100) worst pixels.

    .. math:: -\frac1K \sum_{i \in \mathbf K} \sum_c t_{ic} \log p_{ic}

    Void pixels are in N and have the loss 0. Printed (Ma 2021, eq. (4)): divided by N,
    ten times less for 10 percent.

    Args:
      percent: of the pixels, > 0.

    Returns:
      Scalar >= 0; nan, as released, where K is 0.
    """
    losses = pixel_losses(logits, labels, jnp.negative, link=link, where=where)
    losses = keep(losses[..., None], where)[..., 0]
    pixels = pool(jnp.asarray(losses.size, losses.dtype), axis_name)
    places = jnp.floor(pixels * jnp.asarray(percent) / 100 + ROUNDING)
    chosen = top_weights(losses, None, places / pixels, axis_name)
    return pool(jnp.sum(chosen * losses), axis_name) / places


@documented
def focal_loss(
    logits: Array,
    labels: Array,
    *,
    alpha: ArrayLike = 0.5,
    gamma: ArrayLike = 2.0,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Focal loss of smoothed labels, times one half.

    .. math:: -\frac1N \sum_i \alpha_i (1 - q_i)^\gamma \log q_i, \quad
        q_i = s + \sum_c \mathrm{clip}\big(t_{ic}, \tfrac{s}{C - 1}, 1 - s\big) p_{ic}

    alpha_i is `alpha` for class 0 and 1 - alpha for others. Printed (Ma 2021, eq. (5)):
    no alpha and q = p of the target; released losses are half as large.

    Args:
      alpha: weight of class 0.
      gamma: focusing exponent.
      smooth: s.

    Returns:
      Scalar; below 0 by rounding at a perfect prediction.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    others = scores.shape[-1] - 1
    blurred = jnp.clip(targets, smooth / others, 1 - jnp.asarray(smooth))
    q = jnp.sum(blurred * link(scores), axis=-1) + smooth
    weights = jnp.where(
        jnp.argmax(targets, axis=-1) == 0, alpha, 1 - jnp.asarray(alpha)
    )
    losses = -weights * jnp.power(1 - q, gamma) * jnp.log(q)
    return pooled_mean(losses, where, axis_name)


def _negative_score(index: Array) -> Array:
    """Minus the mean over foreground classes."""
    return -jnp.mean(index[1:])


@documented
def squared_dice_loss(
    logits: Array,
    labels: Array,
    *,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Minus the Dice of squared products (``square=True``).

    .. math:: -\frac1{C - 1} \sum_{c \ge 1} \frac{2 TP_c + s}
        {2 TP_c + FP_c + FN_c + s}, \quad TP_c = \sum_i (p_{ic} t_{ic})^2

    FP = sum (p (1 - t))^2 and FN = sum ((1 - p) t)^2 likewise. Printed (Ma 2021,
    eq. (8)): 2 sum p t over sum p^2 + sum t^2, in which TP is not squared.

    Args:
      smooth: s.

    Returns:
      Scalar in [-1, 0].
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    probs = link(scores)

    def total(products: Array) -> Array:
        return pooled_sum(jnp.square(products), where, axis_name)

    top = 2 * total(probs * targets) + smooth
    errors = total(probs * (1 - targets)) + total((1 - probs) * targets)
    return _negative_score(top / (top + errors))


def _overlap(
    index: Callable[[Array, Array, Array], Array],
    logits: Array,
    labels: Array,
    link: Link,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """`index` of true positives, false positives and false negatives ``[C]``."""
    counts: SoftCounts = product_counts(
        logits, labels, link=link, where=where, axis_name=axis_name
    )
    hits = counts.inner
    return index(hits, counts.predicted - hits, counts.actual - hits)


@documented
def dice_loss(
    logits: Array,
    labels: Array,
    *,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Minus the mean Dice of the foreground classes.

    .. math:: -\frac1{C - 1} \sum_{c \ge 1} \frac{2 TP_c + s}
        {2 TP_c + FP_c + FN_c + s}

    Printed (Ma 2021, eq. (9)): one minus the score, background included.

    Args:
      smooth: s.

    Returns:
      Scalar in [-1, 0].
    """

    def index(hits: Array, false: Array, missed: Array) -> Array:
        return (2 * hits + smooth) / (2 * hits + false + missed + smooth)

    return _negative_score(_overlap(index, logits, labels, link, where, axis_name))


@documented
def jaccard_loss(
    logits: Array,
    labels: Array,
    *,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Minus the mean soft Jaccard index of the foreground classes.

    .. math:: -\frac1{C - 1} \sum_{c \ge 1} \frac{TP_c + s}{TP_c + FP_c + FN_c + s}

    Printed (Ma 2021, eq. (10)): one minus the score, background included.

    Args:
      smooth: s.

    Returns:
      Scalar in [-1, 0].
    """

    def index(hits: Array, false: Array, missed: Array) -> Array:
        return (hits + smooth) / (hits + false + missed + smooth)

    return _negative_score(_overlap(index, logits, labels, link, where, axis_name))


@documented
def tversky_loss(
    logits: Array,
    labels: Array,
    *,
    alpha: ArrayLike = 0.3,
    beta: ArrayLike = 0.7,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Minus the mean Tversky index of the foreground classes.

    .. math:: -\frac1{C - 1} \sum_{c \ge 1}
        \frac{TP_c + s}{TP_c + \alpha FP_c + \beta FN_c + s}

    Printed (Ma 2021, eq. (14)): one minus the score, background included.

    Args:
      alpha: weight of false positives.
      beta: weight of false negatives.
      smooth: s.

    Returns:
      Scalar in [-1, 0].
    """

    def index(hits: Array, false: Array, missed: Array) -> Array:
        return (hits + smooth) / (hits + alpha * false + beta * missed + smooth)

    return _negative_score(_overlap(index, logits, labels, link, where, axis_name))


@documented
def asymmetric_loss(
    logits: Array,
    labels: Array,
    *,
    beta: ArrayLike = 1.5,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Minus the mean F-beta score of the foreground classes.

    Printed (Ma 2021, eq. (17)): the score itself, background included, which one would
    have to maximise.

    Args:
      beta: how much more a missed pixel weighs than a false one.
      smooth: pseudo-pixels in numerator and denominator.

    Returns:
      Scalar in [-1, 0].
    """
    missed = jnp.square(jnp.asarray(beta)) / (1 + jnp.square(jnp.asarray(beta)))
    return tversky_loss(
        logits,
        labels,
        alpha=1 - missed,
        beta=missed,
        smooth=smooth,
        link=link,
        where=where,
        axis_name=axis_name,
    )


@documented
def focal_tversky_loss(
    logits: Array,
    labels: Array,
    *,
    gamma: ArrayLike = 0.75,
    alpha: ArrayLike = 0.3,
    beta: ArrayLike = 0.7,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Power of the Tversky loss, after the mean over foreground classes.

    .. math:: \Big(1 - \frac1{C - 1} \sum_{c \ge 1} T_c\Big)^\gamma

    Abraham 2019 (and so `jaxseg.losses.focal_tversky_loss`) takes the power of each
    class before the mean; Ma 2021, eq. (16), has one T of all classes.

    Args:
      gamma: exponent, the inverse of the paper's.
      alpha: weight of false positives.
      beta: weight of false negatives.
      smooth: pseudo-pixels in numerator and denominator.

    Returns:
      Scalar in [0, 1]; its slope, as released, is infinite at a perfect prediction.
    """
    negative = tversky_loss(
        logits,
        labels,
        alpha=alpha,
        beta=beta,
        smooth=smooth,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    return jnp.power(1 + negative, gamma)


@documented
def lovasz_loss(
    logits: Array,
    labels: Array,
    *,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Lovász extension of the Jaccard loss at the raw scores.

    The trainer applies no softmax and the network ends without one, so the errors are
    abs(t - z), of any size: the loss pulls scores, not probabilities, to 0 and 1.
    Printed (Ma 2021, eqs. (11)-(13)): abs(t - p).

    Args:
      logits: ``[..., C]`` scores z.

    Returns:
      Scalar >= 0, unbounded.
    """
    scores, targets = as_pixels(logits, labels, where=where)
    return lovasz_of_probabilities(
        scores, targets, link=identity, where=where, axis_name=axis_name
    )


@documented
def generalized_dice_loss(
    logits: Array,
    labels: Array,
    *,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Generalised Dice in which an absent class weighs 1e5 (``GDiceLossV2``).

    .. math:: 1 - \frac{2 \sum_c w_c TP_c}
        {\max(s, \sum_c w_c \sum_i (p_{ic} + t_{ic}))}, \quad w_c = 1 / \max(T_c^2, s)

    An absent class has no true positives and all the weight: the loss is close to 1 for
    any prediction but one that gives this class next to nothing. Printed (Ma 2021,
    eq. (15)): w = 1 / T^2, silent about T = 0.

    Args:
      smooth: s, least square of a size and least denominator.

    Returns:
      Scalar in [0, 1].
    """
    counts = product_counts(logits, labels, link=link, where=where, axis_name=axis_name)
    weights = 1 / jnp.maximum(jnp.square(counts.actual), smooth)
    bottom = jnp.sum(weights * (counts.predicted + counts.actual))
    return 1 - 2 * jnp.sum(weights * counts.inner) / jnp.maximum(bottom, smooth)


@documented
def generalized_dice_v1_loss(
    logits: Array,
    labels: Array,
    *,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Generalised Dice per image, an absent class weighing 1e20 (``GDiceLoss``).

    .. math:: \frac1B \sum_b \Big(1 - 2 \frac{\sum_c w_c TP_c + s}
        {\sum_c w_c \sum_i (p_{ic} + t_{ic}) + s}\Big), \quad
        w_c = (T_c + 10^{-10})^{-2}

    s, meant to be added to 2 TP, is doubled with it. Printed (Ma 2021, eq. (15)): no s.

    Args:
      logits: ``[B, ..., C]`` scores, images first.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` targets.
      smooth: s.
      axis_name: mapped axis whose images to average over.

    Returns:
      Scalar in [-1, 1].
    """

    def of_image(logits: Array, labels: Array, where: Array) -> Array:
        counts = product_counts(logits, labels, link=link, where=where, axis_name=None)
        weights = 1 / jnp.square(counts.actual + EPSILON_V1)
        top = jnp.sum(weights * counts.inner) + smooth
        bottom = jnp.sum(weights * (counts.predicted + counts.actual)) + smooth
        return 1 - 2 * top / bottom

    return mean_over_images(of_image, logits, labels, where=where, axis_name=axis_name)


@documented
def penalized_generalized_dice_loss(
    logits: Array,
    labels: Array,
    *,
    k: ArrayLike = 2.5,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""The penalty applied to the loss L in the place of the score.

    .. math:: \frac{L}{1 + k (1 - L)}, \quad L = 1 - GD

    With GD the score this is (1 - GD) / (1 + k GD), steep where GD is small and flat
    where it is large. Printed (Ma 2021, eq. (18)): GD / (1 + k (1 - GD)), whose loss is
    the reverse. L is `generalized_dice_v1_loss`. The released trainer passes settings
    that this loss does not take and stops there.

    Args:
      logits: ``[B, ..., C]`` scores, images first.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` targets.
      k: penalty.
      smooth: of the generalised Dice.
      axis_name: mapped axis whose images to average over.
    """
    loss = generalized_dice_v1_loss(
        logits, labels, smooth=smooth, link=link, where=where, axis_name=axis_name
    )
    return loss / (1 + k * (1 - loss))


@documented
def sensitivity_specificity_loss(
    logits: Array,
    labels: Array,
    *,
    r: ArrayLike = 0.1,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Squared errors inside and outside each foreground class, smoothed below.

    .. math:: \frac1{C - 1} \sum_{c \ge 1} \Big(
        r \frac{\sum_i (t_{ic} - p_{ic})^2 t_{ic}}{\sum_i t_{ic} + s}
        + (1 - r) \frac{\sum_i (t_{ic} - p_{ic})^2 (1 - t_{ic})}
        {\sum_i (1 - t_{ic}) + s} \Big)

    The released names are swapped: the first term, the error inside, is called
    specificity. Printed (Ma 2021, eq. (7)): background included, classes summed inside.

    Args:
      r: weight of the error inside.
      smooth: s, 1 by default in the released class and 1e-5 in its trainer.

    Returns:
      Scalar in [0, 1].
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    errors = jnp.square(targets - link(scores))

    def mean_error(region: Array) -> Array:
        total = pooled_sum(errors * region, where, axis_name)
        return total / (pooled_sum(region, where, axis_name) + smooth)

    r = jnp.asarray(r)
    return jnp.mean((r * mean_error(targets) + (1 - r) * mean_error(1 - targets))[1:])


@documented
def exponential_logarithmic_loss(
    logits: Array,
    labels: Array,
    *,
    gamma: ArrayLike = 0.3,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Power of the log of the mean Dice, plus cross-entropy without a power.

    .. math:: 0.8 \big(-\log \max(\overline{Dice}, 10^{-6})\big)^\gamma + 0.2\, WCE

    Printed (Ma 2021, eq. (23)): the mean over classes of powers of -log Dice, and the
    mean over pixels of powers of -log p.

    Args:
      gamma: exponent of the Dice term.
      smooth: of the Dice of foreground classes.
      class_weights: ``[C]`` of the cross-entropy, which divides by them; (0.2, 0.8) in
        the released binary task.

    Returns:
      Scalar >= 0; its slope, as released, is infinite at a perfect prediction.
    """
    score = -dice_loss(
        logits, labels, smooth=smooth, link=link, where=where, axis_name=axis_name
    )
    ce = weighted_cross_entropy_loss(
        logits,
        labels,
        link=link,
        class_weights=class_weights,
        where=where,
        axis_name=axis_name,
    )
    overlap = jnp.power(-jnp.log(jnp.maximum(score, LEAST_SCORE)), gamma)
    return 0.8 * overlap + 0.2 * ce


def level_set(inside: Array, outside: Array) -> Array:
    """The released signed distance: negative inside, 0 on the object's own border.

    Printed (Ma 2021, after eq. (19)): -D inside, D outside. Other released code, that
    of the boundary loss's authors, adds 1 inside: `kervadec.level_set`.

    Args:
      inside: distance of each pixel of the object to the rest, in pixels, else 0.
      outside: distance of each other pixel to the object, else 0.
    """
    return outside - jnp.where(inside > 1, inside, 0)


@documented
def boundary_loss(
    logits: Array,
    labels: Array,
    *,
    signed_distance: Array,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over pixels and foreground classes of signed distance times probability.

    .. math:: \frac1{N (C - 1)} \sum_{c \ge 1} \sum_i \phi_{ic} p_{ic}

    Printed (Ma 2021, eq. (20)): the sum. For the released numbers take phi from
    `level_set`; it is 0 everywhere where the class is absent from an image.

    Args:
      labels: ``[...]`` class ids, or ``[..., C]`` targets; their shape alone matters.
      signed_distance: ``[..., C]`` phi, negative inside each class.

    Returns:
      Scalar of either sign.
    """
    scores, _ = as_pixels(logits, labels, link=link, where=where)
    products = (signed_distance * link(scores))[..., 1:]
    return pooled_mean(jnp.mean(products, axis=-1), where, axis_name)


@documented
def hausdorff_loss(
    logits: Array,
    labels: Array,
    *,
    actual_distance: Array,
    predicted_distance: Array,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean of squared errors times squared distances, foreground classes alone.

    .. math:: \frac1{N (C - 1)} \sum_{c \ge 1} \sum_i
        (p_{ic} - t_{ic})^2 (d_{G,ic}^2 + d_{S,ic}^2)

    Printed (Ma 2021, eq. (21)): p - t without the square, which may be negative. The
    released distances are those inside G and inside S (p > 1/2) alone: a false positive
    far from G weighs by its depth in S, not by how far away it is.

    Args:
      actual_distance: ``[..., C]`` d_G.
      predicted_distance: ``[..., C]`` d_S, without gradient.

    Returns:
      Scalar >= 0.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    weights = jnp.square(actual_distance) + jnp.square(predicted_distance)
    products = jnp.square(link(scores) - targets) * jax.lax.stop_gradient(weights)
    return pooled_mean(jnp.mean(products[..., 1:], axis=-1), where, axis_name)


@documented
def dice_boundary_loss(
    logits: Array,
    labels: Array,
    *,
    signed_distance: Array,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """0.01 Dice + 0.99 boundary loss from the first epoch to the last.

    Printed (Ma 2021, section 3.2): the weight of Dice is 1 at first and falls by 0.01
    each epoch until it is 0.01.

    Args:
      signed_distance: ``[..., C]`` phi of `boundary_loss`.
      smooth: of Dice.
    """
    dice = 1 + dice_loss(
        logits, labels, smooth=smooth, link=link, where=where, axis_name=axis_name
    )
    boundary = boundary_loss(
        logits,
        labels,
        signed_distance=signed_distance,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    return 0.01 * dice + 0.99 * boundary


@documented
def dice_hausdorff_loss(
    logits: Array,
    labels: Array,
    *,
    actual_distance: Array,
    predicted_distance: Array,
    smooth: ArrayLike = SMOOTH,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Hausdorff loss plus Dice times their ratio: twice the Hausdorff loss in value.

    The ratio HD / (Dice + 1e-5) has no gradient, so that both terms pull alike while
    the reported loss says nothing about Dice. The paper takes the ratio of the two
    means (section 3.2) and does not say of which step.

    Args:
      actual_distance: ``[..., C]`` d_G of `hausdorff_loss`.
      predicted_distance: ``[..., C]`` d_S of `hausdorff_loss`.
      smooth: of Dice.
    """
    dice = 1 + dice_loss(
        logits, labels, smooth=smooth, link=link, where=where, axis_name=axis_name
    )
    distance = hausdorff_loss(
        logits,
        labels,
        actual_distance=actual_distance,
        predicted_distance=predicted_distance,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    ratio = jax.lax.stop_gradient(distance / (dice + 1e-5))
    return ratio * dice + distance
