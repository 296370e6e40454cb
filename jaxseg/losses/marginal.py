"""Label-marginal terms: the share of the pixels that each class gets, and should."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.numerics import (
    log_add,
    log_total,
    pooled_count,
    pooled_logsumexp,
    pooled_sum,
    safe_ratio,
    times,
)
from jaxseg.targets import as_class_weights, as_pixels


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Marginals:
    """Label marginals of a pool of pixels, ``[C]`` each.

    Attributes:
      predicted: proportions of the prediction, the mean of p.
      actual: proportions of the ground truth (or of a given target), the mean of t.
      log_predicted: log of `predicted`, right where that underflows.
      log_others: log of one minus `predicted`, likewise; None where the classes are
        exclusive and so hold it between them.
    """

    predicted: Array
    actual: Array
    log_predicted: Array
    log_others: Array | None

    @classmethod
    def of_proportions(cls, predicted: ArrayLike, actual: ArrayLike) -> "Marginals":
        """Marginals of exclusive classes with the given proportions ``[C]`` > 0."""
        predicted, actual = jnp.asarray(predicted), jnp.asarray(actual)
        return cls(predicted, actual, jnp.log(predicted), None)


def label_marginals(
    logits: Array,
    labels: Array,
    *,
    temperature: ArrayLike = 1.0,
    target: ArrayLike | None = None,
    link: Link = softmax,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Marginals:
    """Predicted and actual proportions of each class over the pool of pixels.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` targets; only their means matter.
      temperature: factor on the scores before the link, tau > 0 of Liu's eq. (22): the
        larger, the closer to hard proportions (an inverse temperature, as printed).
      target: ``[C]`` proportions that replace those of `labels`.
      link: how scores become probabilities.
      where: ``[...]`` bool, True where a pixel counts; None counts all.
      axis_name: mapped axis to pool pixels over.

    Returns:
      Marginals; with no pixel at all, predicted and actual are equal.

    Raises:
      ValueError: shapes disagree.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    sharp = link.sharpen(scores, temperature)
    count = pooled_count(scores, where, axis_name)
    actual = safe_ratio(pooled_sum(targets, where, axis_name), count, 0)
    if target is not None:
        given = as_class_weights(target, scores)
        assert given is not None
        actual = jnp.where(count > 0, given.astype(actual.dtype), 0)
    predicted = safe_ratio(pooled_sum(link(sharp), where, axis_name), count, 0)
    mask = None if where is None else where[..., None]
    log_count = jnp.log(jnp.maximum(count, 1))

    def log_mean(logs: Array) -> Array:
        log_mean = pooled_logsumexp(logs, mask, axis_name) - log_count
        return jnp.where(count > 0, log_mean, 0)

    absent = link.log_absent(sharp)
    others = None if absent is None else log_mean(absent)
    return Marginals(predicted, actual, log_mean(link.log_probs(sharp)), others)


def l1_penalty(marginals: Marginals) -> Array:
    """abs(y_k - p_k) per class, ``[C]``: Liu 2022, Table 1."""
    return jnp.abs(marginals.actual - marginals.predicted)


def kl_penalty(marginals: Marginals) -> Array:
    """y_k log(y_k / p_k) per class, ``[C]``; for independent classes both outcomes'.

    The terms sum to the Kullback-Leibler divergence D(y || p) of Liu 2022, Table 1.
    """
    y = marginals.actual
    terms = times(y, jnp.log(jnp.where(y > 0, y, 1)) - marginals.log_predicted)
    if marginals.log_others is not None:
        rest = 1 - y
        logs = jnp.log(jnp.where(rest > 0, rest, 1)) - marginals.log_others
        terms += times(rest, logs)
    return terms


def dice_bias_penalty(marginals: Marginals) -> Array:
    """log(p_k + y_k) per class, ``[C]``: DB of Liu 2022, eq. (1), and DB1 of (21).

    0 for a class that no pixel has and whose scores are -inf, as if it were not there.
    """
    y = marginals.actual
    logs = log_add(marginals.log_predicted, log_total(jnp.zeros_like(y), y))
    return jnp.where(logs == -jnp.inf, 0, logs)


def _total(penalty: Array, class_weights: ArrayLike | None, logits: Array) -> Array:
    weights = as_class_weights(class_weights, logits)
    if weights is not None:
        penalty = penalty * weights.astype(penalty.dtype)
    return jnp.sum(penalty)


@loss_function
def marginal_l1_loss(
    logits: Array,
    labels: Array,
    *,
    temperature: ArrayLike = 10.0,
    target: ArrayLike | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""L1 distance between the predicted and the actual label marginal.

    .. math:: \sum_k |\hat y_k - \hat p_k|

    Zero whenever the proportions agree, so p = t is among its minimisers (at
    temperature 1, or for hard t) and it trains nothing alone. The gradient at equality
    is 0; on confidently labelled pixels it vanishes with the softmax's own slope.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1]
      >>> print(f"{marginal_l1_loss(logits, labels):.4f}")
      0.6667
      >>> print(f"{marginal_l1_loss(logits, labels, temperature=1):.4f}")
      0.5872

    Args:
      temperature: factor tau > 0 on the scores before the link; may be traced.
      target: ``[C]`` proportions to match instead of those of the labels.
      class_weights: ``[C]`` weights of the sum over classes.

    Returns:
      Scalar in [0, 2] (without class_weights, for exclusive classes), float32 or wider;
      0 where no pixel counts.

    Source: Liu 2022, eq. (5) and Table 1, temperature of eq. (22). The paper takes the
    marginals of each image: `per_image`. Released code averages over classes instead of
    summing.
    """
    marginals = label_marginals(
        logits,
        labels,
        temperature=temperature,
        target=target,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    return _total(l1_penalty(marginals), class_weights, logits)


@loss_function
def marginal_kl_loss(
    logits: Array,
    labels: Array,
    *,
    temperature: ArrayLike = 10.0,
    target: ArrayLike | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Kullback-Leibler divergence of the predicted from the actual label marginal.

    .. math:: \sum_k \hat y_k \log(\hat y_k / \hat p_k)

    The marginal is averaged in the log domain: where every pixel is background with
    certainty the loss is large but finite and its gradient alive, unlike that of the L1
    distance or of a plain mean of a saturated softmax. With `links.sigmoid` each class
    adds the divergence of its two outcomes, so C = 1 equals a softmax over two classes.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1]
      >>> print(f"{marginal_kl_loss(logits, labels):.4f}")
      0.2310
      >>> print(f"{marginal_kl_loss(logits, labels, temperature=1):.4f}")
      0.1765

    Args:
      temperature: factor tau > 0 on the scores before the link; may be traced.
      target: ``[C]`` proportions to match instead of those of the labels.
      class_weights: ``[C]`` weights of the sum over classes.

    Returns:
      Scalar >= 0 (without class_weights), float32 or wider; 0 where no pixel counts.

    Source: Liu 2022, eq. (5) and Table 1, temperature of eq. (22). The paper takes the
    marginals of each image: `per_image`.
    """
    marginals = label_marginals(
        logits,
        labels,
        temperature=temperature,
        target=target,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    return _total(kl_penalty(marginals), class_weights, logits)


@loss_function
def dice_bias_loss(
    logits: Array,
    labels: Array,
    *,
    temperature: ArrayLike = 1.0,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""The label-marginal bias that hides in the log-Dice loss.

    .. math:: DB = \sum_k \log(\hat p_k + \hat y_k)

    Where every class occurs, -sum log Dice_k = DF + DB - sum log(2 y_k), with DF the
    ground-truth matching term. Alone it is smallest where the most frequent class takes
    every pixel (Liu's Proposition 1), not at p = t; with class_weights (0, 1) it is DB1
    of the binary case, smallest at an empty foreground.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1]
      >>> print(f"{dice_bias_loss(logits, labels):.4f}")
      -0.0016

    Args:
      temperature: factor tau > 0 on the scores before the link; may be traced.
      class_weights: ``[C]`` weights of the sum over classes.

    Returns:
      Scalar <= C log 2, float32 or wider, negative as a rule; unbounded below if a
      class is absent; 0 where no pixel counts.

    Source: Liu 2022, eqs. (1) and (21).
    """
    marginals = label_marginals(
        logits,
        labels,
        temperature=temperature,
        link=link,
        where=where,
        axis_name=axis_name,
    )
    return _total(dice_bias_penalty(marginals), class_weights, logits)
