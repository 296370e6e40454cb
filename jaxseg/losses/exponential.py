"""The exponential logarithmic loss."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.pixel import pixel_losses
from jaxseg.losses.region import log_dice_terms
from jaxseg.numerics import number_like, pooled_mean, power, weighted_mean
from jaxseg.targets import as_class_weights


@loss_function
def exponential_logarithmic_loss(
    logits: Array,
    labels: Array,
    *,
    dice: ArrayLike = 0.8,
    ce: ArrayLike = 0.2,
    gamma_dice: ArrayLike = 0.3,
    gamma_ce: ArrayLike = 0.3,
    smooth: ArrayLike = 1.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Powers of the log-Dice of each class and of the cross-entropy of each pixel.

    .. math:: w_{Dice} \frac1C \sum_c (-\log Dice_c)^{\gamma_{Dice}}
        + w_{CE} \frac1N \sum_i \sum_c w_c t_{ic} (-\log p_{ic})^{\gamma_{CE}}

    gamma = 1 in both is log-Dice plus cross-entropy. gamma < 1 makes the slope infinite
    at a perfect prediction, where the gradient here is 0. For soft t the second term is
    not smallest at p = t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{exponential_logarithmic_loss(logits, labels):.4f}")
      0.5668

    Args:
      dice: weight of the first term, >= 0; may be traced.
      ce: weight of the second term, >= 0; may be traced.
      gamma_dice: exponent > 0; may be traced.
      gamma_ce: exponent > 0; may be traced.
      smooth: pseudo-pixels added to numerator and denominator of Dice, the printed
        epsilon; with 0 a class absent from t adds nothing.
      class_weights: ``[C]`` w_c, which also weigh the mean over classes of the first
        term; Wong takes square roots of inverse class frequencies.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Wong 2018, whose weights and exponents are the defaults; Ma 2021, eq. (23).
    Released code takes the log of the mean over classes and no power of cross-entropy.
    """
    terms = log_dice_terms(
        logits, labels, smooth=smooth, link=link, where=where, axis_name=axis_name
    )
    overlap = power(jnp.maximum(terms, 0), gamma_dice)
    pixels = pixel_losses(
        logits,
        labels,
        lambda logs: power(-logs, gamma_ce),
        link=link,
        class_weights=class_weights,
        where=where,
    )
    mean = weighted_mean(overlap, as_class_weights(class_weights, logits))
    dice, ce = (number_like(x, mean) for x in (dice, ce))
    return dice * mean + ce * pooled_mean(pixels, where, axis_name)
