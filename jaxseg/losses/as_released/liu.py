"""Liu 2022 as released: SegLossBias, github.com/by-liu/SegLossBias at 5678f4d."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link, sigmoid, softmax
from jaxseg.losses.as_released.common import (
    mean_over_images,
    product_counts,
    weighted_cross_entropy_loss,
)
from jaxseg.losses.pixel import focal_loss
from jaxseg.losses.shared_arguments import documented
from jaxseg.numerics import pooled_count, pooled_sum
from jaxseg.targets import as_pixels

EPSILON = 1e-10  # of the proportions
LEAST = 1e-7  # of Dice: denominators and arguments of logarithms are cut here


def _proportions(
    logits: Array, labels: Array, where: Array, *, temperature: ArrayLike, link: Link
) -> tuple[Array, Array]:
    """Predicted and actual proportions ``[C]`` of one image, EPSILON above and below.

    The predicted ones average saturated probabilities, so that where every pixel is
    certain they are flat and have no gradient.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    count = pooled_count(scores, where, None) + EPSILON

    def share(values: Array) -> Array:
        return (pooled_sum(values, where, None) + EPSILON) / count

    return share(link(link.sharpen(scores, temperature))), share(targets)


@documented
def marginal_l1_loss(
    logits: Array,
    labels: Array,
    *,
    temperature: ArrayLike = 10.0,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""L1 distance of the label marginals, averaged over classes.

    .. math:: \frac1{BK} \sum_b \sum_k |\hat y_{bk} - \hat p_{bk}|

    Printed (Liu 2022, Table 1): the sum over classes, K times as much; the released
    weight lambda is lambda / K of the paper.

    Args:
      logits: ``[B, ..., C]`` scores, images first.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` targets.
      temperature: factor on the scores before the link; 10 in the released settings.
      axis_name: mapped axis whose images to average over.

    Returns:
      Scalar in [0, 1].
    """

    def of_image(logits: Array, labels: Array, where: Array) -> Array:
        predicted, actual = _proportions(
            logits, labels, where, temperature=temperature, link=link
        )
        return jnp.mean(jnp.abs(predicted - actual))

    return mean_over_images(of_image, logits, labels, where=where, axis_name=axis_name)


@documented
def marginal_kl_loss(
    logits: Array,
    labels: Array,
    *,
    temperature: ArrayLike = 10.0,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""KL divergence of proportions that are kept from 0 by an epsilon.

    .. math:: \frac1B \sum_b \sum_k \hat y_{bk} \log(\hat y_{bk} / \hat p_{bk}), \quad
        \hat y_k = \frac{\sum_i t_{ik} + 10^{-10}}{N + 10^{-10}}

    and likewise for p; with C = 1 the divergence of the complements is added. Printed
    (Liu 2022, Table 1): no epsilon. It caps what a missed class can cost at
    log(N / 1e-10) and leaves no gradient where the softmax saturates.

    Args:
      logits: ``[B, ..., C]`` scores, images first.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` targets.
      temperature: factor on the scores before the link; 10 in the released settings.
      axis_name: mapped axis whose images to average over.

    Returns:
      Scalar; nan, as released, if C = 1 and an image is all foreground.
    """

    def divergence(actual: Array, predicted: Array) -> Array:
        return jnp.sum(actual * jnp.log(actual / predicted))

    def of_image(logits: Array, labels: Array, where: Array) -> Array:
        predicted, actual = _proportions(
            logits, labels, where, temperature=temperature, link=link
        )
        value = divergence(actual, predicted)
        if logits.shape[-1] == 1:
            value += divergence(1 - actual, 1 - predicted)
        return value

    return mean_over_images(of_image, logits, labels, where=where, axis_name=axis_name)


@documented
def dice_bias_loss(
    logits: Array,
    labels: Array,
    *,
    temperature: ArrayLike = 1.0,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Label-marginal bias of Dice, averaged over classes, with an epsilon.

    .. math:: \frac1{BK} \sum_b \sum_k \log(\hat p_{bk} + \hat y_{bk} + 10^{-10})

    Printed (Liu 2022, eq. (1)): the sum over classes; unbounded below for an absent
    class, which here costs no less than log(1e-10) / K.

    Args:
      logits: ``[B, ..., C]`` scores, images first.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` targets.
      temperature: factor on the scores before the link.
      axis_name: mapped axis whose images to average over.

    Returns:
      Scalar, negative as a rule.
    """

    def of_image(logits: Array, labels: Array, where: Array) -> Array:
        predicted, actual = _proportions(
            logits, labels, where, temperature=temperature, link=link
        )
        return jnp.mean(jnp.log(predicted + actual + EPSILON))

    return mean_over_images(of_image, logits, labels, where=where, axis_name=axis_name)


@documented
def ce_l1_loss(
    logits: Array,
    labels: Array,
    *,
    weight: ArrayLike = 1.0,
    temperature: ArrayLike = 10.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Plain mean cross-entropy plus `weight` times `marginal_l1_loss`.

    Printed (Liu 2022, eq. (5) and Table 1): cross-entropy divides the sum over each
    region by that region's size, and the L1 distance sums over classes.

    Args:
      logits: ``[B, ..., C]`` scores, images first.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` targets.
      weight: lambda; 1 in the paper.
      temperature: of the marginals alone.
      class_weights: ``[C]`` of the cross-entropy alone, which divides by them.
    """
    penalty = marginal_l1_loss(
        logits,
        labels,
        temperature=temperature,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    ce = weighted_cross_entropy_loss(
        logits,
        labels,
        link=link,
        class_weights=class_weights,
        where=where,
        axis_name=axis_name,
    )
    return ce + weight * penalty


@documented
def ce_kl_loss(
    logits: Array,
    labels: Array,
    *,
    weight: ArrayLike = 0.1,
    temperature: ArrayLike = 10.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Plain mean cross-entropy plus `weight` times `marginal_kl_loss`.

    Printed (Liu 2022, eq. (5) and Table 1): cross-entropy divides the sum over each
    region by that region's size.

    Args:
      logits: ``[B, ..., C]`` scores, images first.
      labels: ``[B, ...]`` class ids, or ``[B, ..., C]`` targets.
      weight: lambda; 0.1 in the paper.
      temperature: of the marginals alone.
      class_weights: ``[C]`` of the cross-entropy alone, which divides by them.
    """
    penalty = marginal_kl_loss(
        logits,
        labels,
        temperature=temperature,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    ce = weighted_cross_entropy_loss(
        logits,
        labels,
        link=link,
        class_weights=class_weights,
        where=where,
        axis_name=axis_name,
    )
    return ce + weight * penalty


def _dice_scores(
    logits: Array,
    labels: Array,
    link: Link,
    where: Array | None,
    axis_name: str | None,
) -> tuple[Array, Array]:
    """Dice of the batch per class ``[C]``, and whether the class occurs ``[C]``."""
    counts = product_counts(logits, labels, link=link, where=where, axis_name=axis_name)
    total = counts.predicted + counts.actual
    return 2 * counts.inner / jnp.maximum(total, LEAST), counts.actual > 0


@documented
def dice_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Dice loss of the batch in which an absent class costs nothing.

    .. math:: \frac1K \sum_{k: T_k > 0} \Big(1 - \frac{2 \sum_i p_{ik} t_{ik}}
        {\max(\sum_i p_{ik} + \sum_i t_{ik}, 10^{-7})}\Big)

    An absent class adds 0 and still counts in K: its false positives are free, and
    each absent class lowers the loss of the others. Printed: 1 - Dice for every class.

    Returns:
      Scalar in [0, 1].
    """
    scores, present = _dice_scores(logits, labels, link, where, axis_name)
    return jnp.mean(jnp.where(present, 1 - scores, 0))


@documented
def log_dice_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Log-Dice of the batch, averaged over classes, absent ones adding 0.

    .. math:: -\frac1K \sum_{k: T_k > 0} \log \max(Dice_k, 10^{-7})

    Printed (Liu 2022, eq. (1)): the sum over classes, without a cut; at the cut, where
    an object is missed with certainty, the released loss has no gradient.

    Returns:
      Scalar in [0, -log 1e-7].
    """
    scores, present = _dice_scores(logits, labels, link, where, axis_name)
    return jnp.mean(jnp.where(present, -jnp.log(jnp.maximum(scores, LEAST)), 0))


@documented
def generalized_dice_loss(
    logits: Array,
    labels: Array,
    *,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Generalised Dice of sigmoids, in which an absent class weighs 1e7.

    .. math:: 1 - \frac{2 \sum_k w_k \sum_i p_{ik} t_{ik}}
        {\sum_k \max(w_k \sum_i (p_{ik} + t_{ik}), 10^{-7})}, \quad
        w_k = 1 / \max(T_k^2, 10^{-7})

    p is the sigmoid of each score also where classes are exclusive. With C = 1 the
    complement is a second class. Printed (Sudre 2017; Ma 2021, eq. (15)): p is the
    softmax. With an absent class the loss is nearly 1 whatever the others do.

    Returns:
      Scalar in [0, 1].
    """
    counts = product_counts(
        logits, labels, link=sigmoid, where=where, axis_name=axis_name
    )
    inner, predicted, actual = counts.inner, counts.predicted, counts.actual
    if logits.shape[-1] == 1:
        neither = counts.pixels - predicted - actual + inner
        inner = jnp.concatenate([inner, neither])
        predicted = jnp.concatenate([predicted, counts.pixels - predicted])
        actual = jnp.concatenate([actual, counts.pixels - actual])
    weights = 1 / jnp.maximum(jnp.square(actual), LEAST)
    bottom = jnp.sum(jnp.maximum(weights * (predicted + actual), LEAST))
    return 1 - 2 * jnp.sum(weights * inner) / bottom


@documented
def focal_log_dice_loss(
    logits: Array,
    labels: Array,
    *,
    weight: ArrayLike = 1.0,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """What the released name "Focal+LogDice" computes: focal loss plus plain Dice.

    The registry asks for Dice without the logarithm; and the focal loss, that of
    segmentation_models.pytorch, takes the sigmoid of each score and adds up the
    classes' binary losses. By its name: focal loss of the softmax plus log-Dice.

    Args:
      weight: of the Dice term.
      link: how scores become the probabilities of the Dice term.
    """
    focal = focal_loss(logits, labels, link=sigmoid, where=where, axis_name=axis_name)
    dice = dice_loss(logits, labels, link=link, where=where, axis_name=axis_name)
    return focal + weight * dice
