"""Softmax statistics of hard labels in few passes over the logits.

A pixel loss needs the log-probability of each pixel's own class, a region loss the sums
of p, p t and p^2 over the pixels. Both come from here with a hand-written reverse rule
that keeps one number per pixel (the log of the softmax's denominator) instead of the
probabilities, and from then on automatic differentiation has only ``[...]`` or ``[C]``
arrays to deal with. Sums over classes are unrolled and sums over pixels go by way of
`sum_of_pixels`, which XLA's CPU backend needs: it is slow at reductions over a short
last axis and at many sums of one array.
"""

import functools
import operator
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxseg.numerics import finite_peak, log_total, pool, sum_of_pixels

UNROLLED = 32
"""Up to so many classes are unrolled."""


def _over_classes(scores: Array, term) -> Array:
    """Sum over classes c of ``term(c, scores[..., c])``, ``[...]``."""
    terms = (term(c, scores[..., c]) for c in range(scores.shape[-1]))
    return functools.reduce(operator.add, terms)


def log_normalizer(scores: Array) -> Array:
    """Log of the sum over classes of exp(scores), ``[..., C]`` to ``[...]``."""
    if scores.shape[-1] > UNROLLED:
        return jax.nn.logsumexp(scores, axis=-1)
    columns = [scores[..., c] for c in range(scores.shape[-1])]
    peak = lax.stop_gradient(functools.reduce(jnp.maximum, columns))
    return peak + jnp.log(_over_classes(scores, lambda _, z: jnp.exp(z - peak)))


def by_id(values: Array, ids: Array) -> Array:
    """`values` ``[C]`` of each id, and 0 where an id is no class: ``[...]``."""
    if len(values) > UNROLLED:
        known = (ids >= 0) & (ids < len(values))
        return jnp.where(known, values[jnp.clip(ids, 0, len(values) - 1)], 0)
    picked = (jnp.where(ids == c, values[c], 0) for c in range(len(values)))
    return functools.reduce(operator.add, picked)


def logsumexp_by_id(
    logs: Array, ids: Array, where: Array, classes: int, axis_name: str | None
) -> Array:
    """Log of the sum of exp(logs) over the pixels of each class, on all devices.

    Args:
      logs: ``[...]`` below infinity, or nan.
      ids: ``[...]`` integers; one that is no class belongs to none.
      where: ``[...]`` bool, True where a pixel counts.
      classes: how many classes.
      axis_name: mapped axis to pool over.

    Returns:
      ``[C]`` as `jaxseg.numerics.pooled_logsumexp`.
    """
    members = [(ids == c) & where for c in range(classes)]
    fixed, lowest = lax.stop_gradient(logs), -jnp.inf
    peak = [jnp.max(jnp.where(m, fixed, lowest), initial=lowest) for m in members]
    peak = finite_peak(jnp.stack(peak), axis_name)
    counted = where & (ids >= 0) & (ids < classes)
    # Where a pixel does not count, 0 is in the place of a difference of any size.
    powers = jnp.exp(jnp.where(counted, logs - by_id(peak, ids), 0))
    total = jnp.stack([jnp.sum(jnp.where(m, powers, 0)) for m in members])
    return log_total(peak, pool(total, axis_name))


def is_id(scores: Array, ids: Array) -> Array:
    """``[..., C]`` bool: one-hot, to be fused and never stored."""
    classes = jnp.arange(scores.shape[-1]).reshape((1,) * ids.ndim + (-1,))
    return ids[..., None] == classes


def _score_of_id(scores: Array, ids: Array) -> Array:
    if scores.shape[-1] > UNROLLED:
        return jnp.sum(jnp.where(is_id(scores, ids), scores, 0), axis=-1)
    return _over_classes(scores, lambda c, z: jnp.where(ids == c, z, 0))


def _probs(scores: Array, normalizer: Array) -> Array:
    """Softmax; the minimum keeps XLA from squaring the exponential unstored."""
    return jnp.minimum(jnp.exp(scores - normalizer[..., None]), 1)


def _stored_mean(probs: Iterable[Array], weighted: Iterable[Array]) -> Array:
    """Sum of `weighted` over the classes, divided by that of `probs`, which is 1.

    The division keeps XLA from evaluating the mean again for every class where its
    gradient is spread over them.
    """
    return functools.reduce(operator.add, weighted) / functools.reduce(
        operator.add, probs
    )


def _no_gradient(ids: Array) -> np.ndarray:
    return np.zeros(ids.shape, jax.dtypes.float0)


@jax.custom_vjp
def target_log_probs(scores: Array, ids: Array) -> Array:
    """Log-probability of each pixel's own class under a softmax.

    Args:
      scores: ``[..., C]`` float32 or wider.
      ids: ``[...]`` integers; one that is no class makes 0 with zero gradient.

    Returns:
      ``[...]`` <= 0, finite for any finite scores.
    """
    return _target_log_probs(scores, ids)[0]


def _target_log_probs(scores, ids):
    normalizer = log_normalizer(scores)
    known = (ids >= 0) & (ids < scores.shape[-1])
    logs = jnp.where(known, _score_of_id(scores, ids) - normalizer, 0)
    return logs, (scores, ids, normalizer)


def _target_log_probs_reverse(saved, slope):
    scores, ids, normalizer = saved
    known = (ids >= 0) & (ids < scores.shape[-1])
    slope = jnp.where(known, slope, 0)
    own = is_id(scores, ids).astype(scores.dtype)
    difference = own - _probs(scores, normalizer)
    return difference * slope[..., None], _no_gradient(ids)


target_log_probs.defvjp(_target_log_probs, _target_log_probs_reverse)


@jax.custom_vjp
def mean_costs(scores: Array, ids: Array, costs: Array) -> Array:
    """Mean under a softmax of the costs of the classes, given each pixel's own class.

    Args:
      scores: ``[..., C]`` float32 or wider.
      ids: ``[...]`` integers; one that is no class makes 0 with zero gradient.
      costs: ``[C, C]``, of the own class in rows.

    Returns:
      ``[...]``: the sum over k of costs[id, k] p_k.
    """
    return _mean_costs(scores, ids, costs)[0]


def _mean_costs(scores, ids, costs):
    normalizer = log_normalizer(scores)
    columns = [jnp.exp(scores[..., c] - normalizer) for c in range(scores.shape[-1])]
    weighted = (p * by_id(costs[:, c], ids) for c, p in enumerate(columns))
    mean = _stored_mean(columns, weighted)
    return mean, (scores, ids, costs, normalizer, mean)


def _mean_costs_reverse(saved, slope):
    scores, ids, costs, normalizer, mean = saved
    probs = _probs(scores, normalizer)
    known = (ids >= 0) & (ids < len(costs))
    slope = jnp.where(known, slope, 0)
    own = costs[jnp.where(known, ids, 0)]
    of_scores = probs * (own - mean[..., None]) * slope[..., None]
    weighed = jnp.where(is_id(scores, ids), slope[..., None], 0)
    axes = tuple(range(ids.ndim))
    of_costs = lax.dot_general(
        weighed, probs, ((axes, axes), ((), ())), precision=lax.Precision.HIGHEST
    )
    return of_scores, _no_gradient(ids), of_costs


mean_costs.defvjp(_mean_costs, _mean_costs_reverse)


@jax.custom_vjp
def softmax_sums(scores: Array, ids: Array, where: Array) -> tuple[Array, Array, Array]:
    """Sums of the softmax p over the pixels that count, per class.

    Args:
      scores: ``[..., C]`` float32 or wider, finite where masked.
      ids: ``[...]`` integers; one that is no class belongs to none.
      where: ``[...]`` bool.

    Returns:
      ``[C]`` each: sum of p over the class's own pixels, sum of p, sum of p squared.
    """
    return _softmax_sums(scores, ids, where)[0]


def _softmax_sums(scores, ids, where):
    normalizer = log_normalizer(scores)
    probs = jnp.where(where[..., None], _probs(scores, normalizer), 0)
    hits = jnp.where(is_id(scores, ids), probs, 0)
    of_squares = sum_of_pixels(jnp.square(probs))
    sums = sum_of_pixels(hits), sum_of_pixels(probs), of_squares
    return sums, (scores, ids, where, normalizer)


def _softmax_sums_reverse(saved, slopes):
    scores, ids, where, normalizer = saved
    of_hit, of_sum, of_square = slopes
    classes = range(scores.shape[-1])
    shape = (1,) * ids.ndim + (-1,)

    def slope(probs, mine, hit, total, square):
        return jnp.where(mine, hit, 0) + total + 2 * square * probs

    probs = _probs(scores, normalizer)
    rows = [row.reshape(shape) for row in (of_hit, of_sum, of_square)]
    slopes = slope(probs, is_id(scores, ids), *rows)
    if scores.shape[-1] > UNROLLED:
        mean = jnp.sum(probs * slopes, axis=-1)
    else:
        columns = [jnp.exp(scores[..., c] - normalizer) for c in classes]
        weighted = (
            p * slope(p, ids == c, of_hit[c], of_sum[c], of_square[c])
            for c, p in enumerate(columns)
        )
        mean = _stored_mean(columns, weighted)
    slopes = jnp.where(where[..., None], slopes - mean[..., None], 0)
    return probs * slopes, _no_gradient(ids), _no_gradient(ids)


softmax_sums.defvjp(_softmax_sums, _softmax_sums_reverse)
