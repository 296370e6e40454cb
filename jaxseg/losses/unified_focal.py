"""Unified focal losses: focal cross-entropy and focal Tversky, three parameters."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.counts import soft_counts, tversky_index
from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.outcomes import outcomes
from jaxseg.numerics import (
    number_like,
    pooled_mean,
    power,
    weighted_mean,
    widen,
)


@loss_function
def unified_focal_loss(
    logits: Array,
    labels: Array,
    *,
    weight: ArrayLike = 0.5,
    delta: ArrayLike = 0.6,
    gamma: ArrayLike = 0.5,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Symmetric unified focal loss: all classes are focused alike.

    .. math:: \lambda \frac1N \sum_i \sum_c \delta_c (1 - p_{ic})^{1 - \gamma} t_{ic}
        (-\log p_{ic}) + (1 - \lambda) \frac1C \sum_c (1 - T_c)^\gamma

    with T_c the Tversky index that weighs false negatives by delta and false positives
    by 1 - delta, and delta_c = delta except for background, 1 - delta. With gamma = 1
    it is weighted cross-entropy plus Tversky. Background is class 0; where classes are
    not exclusive it is the complement of each class, with a Tversky index of its own.
    Not smallest at p = t for soft t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{unified_focal_loss(logits, labels):.4f}")
      0.2494
      >>> print(f"{unified_focal_loss(logits, labels, weight=1):.4f}")
      0.0575

    Args:
      weight: lambda in [0, 1], of the pixel term; may be traced.
      delta: emphasis of foreground and of false negatives, in [0, 1]; may be traced.
      gamma: focus in [0, 1]; may be traced.
      class_weights: ``[C]`` further weights of the classes in both terms.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Yeung 2022, arXiv:2102.04525, section 2.3. The released code raises 1 - p to
    gamma, not 1 - gamma: the same at the default.
    """
    pixel, region = 1 - widen(gamma), widen(gamma)
    return _sum_of_terms(
        logits,
        labels,
        weight=weight,
        delta=delta,
        pixel_exponents=(pixel, pixel),
        region_exponents=(region, region),
        link=link,
        class_weights=class_weights,
        where=where,
        axis_name=axis_name,
    )


@loss_function
def asymmetric_unified_focal_loss(
    logits: Array,
    labels: Array,
    *,
    weight: ArrayLike = 0.5,
    delta: ArrayLike = 0.6,
    gamma: ArrayLike = 0.5,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Asymmetric unified focal loss: suppresses background, enhances foreground.

    .. math:: \lambda \frac1N \sum_i \Big( \sum_{c > 0} \delta t_{ic} (-\log p_{ic})
        + (1 - \delta) (1 - p_{i0})^\gamma t_{i0} (-\log p_{i0}) \Big)
        + (1 - \lambda) \frac1C \Big( \sum_{c > 0} (1 - T_c)^{1 - \gamma}
        + 1 - T_0 \Big)

    with T_c as in `unified_focal_loss`. Background is class 0; where classes are not
    exclusive it is the complement of each class. Not smallest at p = t for soft t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{asymmetric_unified_focal_loss(logits, labels):.4f}")
      0.2115

    Args:
      weight: lambda in [0, 1], of the pixel term; may be traced.
      delta: emphasis of foreground and of false negatives, in [0, 1]; may be traced.
      gamma: focus in [0, 1]; may be traced.
      class_weights: ``[C]`` further weights of the classes in both terms.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Source: Yeung 2022, arXiv:2102.04525, section 2.3, whose sum over classes is a mean
    here, as in the released code.
    """
    gamma = widen(gamma)
    none, one = jnp.zeros_like(gamma), jnp.ones_like(gamma)
    return _sum_of_terms(
        logits,
        labels,
        weight=weight,
        delta=delta,
        pixel_exponents=(gamma, none),
        region_exponents=(one, 1 - gamma),
        link=link,
        class_weights=class_weights,
        where=where,
        axis_name=axis_name,
    )


def _sum_of_terms(
    logits: Array,
    labels: Array,
    *,
    weight: ArrayLike,
    delta: ArrayLike,
    pixel_exponents: tuple[Array, Array],
    region_exponents: tuple[Array, Array],
    link: Link,
    class_weights: ArrayLike | None,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """Sum of the two terms; exponents are of common outcomes and of rare ones."""
    found = outcomes(
        logits, labels, link=link, class_weights=class_weights, where=where
    )
    logs = found.log_probs
    weight, delta = number_like(weight, logs), number_like(delta, logs)
    row = (1,) * (logs.ndim - 1) + (-1,)
    focus = jnp.where(found.rare, pixel_exponents[1], pixel_exponents[0]).reshape(row)
    emphasis = found.weights * jnp.where(found.rare, delta, 1 - delta)
    # An outcome without a share may have the log-probability -inf.
    logs = jnp.where(found.targets <= 0, 0, logs)
    penalties = -power(-jnp.expm1(logs), focus) * logs
    losses = jnp.sum(emphasis.reshape(row) * found.targets * penalties, axis=-1)
    counts = soft_counts(found.probs, found.targets, where, axis_name)
    errors = 1 - tversky_index(counts, alpha=1 - delta, beta=delta)
    exponents = jnp.where(found.rare, region_exponents[1], region_exponents[0])
    overlap = weighted_mean(power(jnp.maximum(errors, 0), exponents), found.weights)
    return weight * pooled_mean(losses, where, axis_name) + (1 - weight) * overlap
