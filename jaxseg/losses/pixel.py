"""Losses that are means over pixels."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.fused import by_id, target_log_probs
from jaxseg.links import Link, softmax
from jaxseg.numerics import (
    pooled_count,
    pooled_mean,
    pooled_sum,
    safe_ratio,
    times,
)
from jaxseg.targets import as_class_weights, as_hard_pixels, as_pixels, is_hard


def cross_entropy_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over pixels of the negative log-probability of the target.

    .. math:: -\frac1N \sum_i \sum_c w_c t_{ic} \log p_{ic}

    With `links.sigmoid` each class is a binary problem of its own and the classes'
    terms add up: for C = 1 this is the binary cross-entropy. Smallest at p = t, also
    for soft t. Where class c is exact, the gradient in the logits is (p - t) / N.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` one-hot or soft targets t.
      link: how scores become the probabilities p.
      class_weights: ``[C]`` weight of each pixel by its class, w; the mean still
        divides by the number of pixels N, as printed (PyTorch divides by the weights).
      where: ``[...]`` bool, True where a pixel counts; None counts all.
      axis_name: mapped axis to pool pixels over; None under plain jit.

    Returns:
      Scalar >= 0, float32 or wider; 0 with zero gradient where no pixel counts.

    Raises:
      ValueError: the shapes of logits, labels, class_weights and where disagree.

    Source: Ma 2021, eqs. (1) and (2); Galdran 2022, eqs. (1) and (2).
    """
    weights = as_class_weights(class_weights, logits)
    if is_hard(labels) and link is softmax:
        scores, ids = as_hard_pixels(logits, labels, where=where)
        losses = -target_log_probs(scores, ids)
        if weights is not None:
            losses *= by_id(weights, ids)
        return pooled_mean(losses, where, axis_name)
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    losses = -times(targets, link.log_probs(scores))
    if not link.exclusive(scores.shape[-1]):
        assert link.log_complements is not None
        losses -= times(1 - targets, link.log_complements(scores))
    by_class = pooled_sum(losses, where, axis_name)
    if weights is not None:
        by_class = by_class * weights
    return safe_ratio(jnp.sum(by_class), pooled_count(losses, where, axis_name), 0)
