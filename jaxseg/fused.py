"""Softmax statistics of hard labels in few passes over the logits.

A pixel loss needs the log-probability of each pixel's own class, a region loss the sums
of p, p t and p^2 over the pixels. Both come from here with a hand-written reverse rule
that keeps one number per pixel (the log of the softmax's denominator) instead of the
probabilities, and from then on automatic differentiation has only ``[...]`` or ``[C]``
arrays to deal with. Sums over few classes are unrolled, which XLA's CPU backend needs:
it is slow at reductions over a short last axis.
"""

import functools
import operator

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

UNROLLED = 8
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
) -> tuple[Array, Array]:
    """Log of the sum of exp(logs) over the pixels of each class, on all devices.

    Args:
      logs: ``[...]`` finite.
      ids: ``[...]`` integers; one that is no class belongs to none.
      where: ``[...]`` bool, True where a pixel counts.
      classes: how many classes.
      axis_name: mapped axis to pool over.

    Returns:
      ``[C]`` logs and ``[C]`` bool, False for a class without a pixel; its log is 0 and
      has zero gradient.
    """
    members = [(ids == c) & where for c in range(classes)]
    fixed = lax.stop_gradient(logs)
    peak = jnp.stack([jnp.max(jnp.where(m, fixed, -jnp.inf)) for m in members])
    if axis_name is not None:
        peak = lax.pmax(peak, axis_name)
    some = jnp.isfinite(peak)
    peak = jnp.where(some, peak, 0)
    counted = where & (ids >= 0) & (ids < classes)
    # Where a pixel does not count, 0 is in the place of a difference of any size.
    powers = jnp.exp(jnp.where(counted, logs - by_id(peak, ids), 0))
    total = jnp.stack([jnp.sum(jnp.where(m, powers, 0)) for m in members])
    if axis_name is not None:
        total = lax.psum(total, axis_name)
    return peak + jnp.log(jnp.where(some, total, 1)), some


def _is_id(scores: Array, ids: Array) -> Array:
    """``[..., C]`` bool: one-hot, to be fused and never stored."""
    classes = jnp.arange(scores.shape[-1]).reshape((1,) * ids.ndim + (-1,))
    return ids[..., None] == classes


def _score_of_id(scores: Array, ids: Array) -> Array:
    if scores.shape[-1] > UNROLLED:
        return jnp.sum(jnp.where(_is_id(scores, ids), scores, 0), axis=-1)
    return _over_classes(scores, lambda c, z: jnp.where(ids == c, z, 0))


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
    return logs, (scores, ids, jnp.where(known, normalizer, jnp.inf))


def _target_log_probs_reverse(saved, slope):
    scores, ids, normalizer = saved
    probs = jnp.exp(scores - normalizer[..., None])
    return (_is_id(scores, ids) - probs) * slope[..., None], _no_gradient(ids)


target_log_probs.defvjp(_target_log_probs, _target_log_probs_reverse)


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
    classes = range(scores.shape[-1])
    # A masked pixel has an infinite denominator, so its probabilities are all 0.
    normalizer = jnp.where(where, log_normalizer(scores), jnp.inf)
    own = jnp.exp(_score_of_id(scores, ids) - normalizer)
    hits = jnp.stack([jnp.sum(jnp.where(ids == c, own, 0)) for c in classes])
    if scores.shape[-1] > UNROLLED:
        probs = jnp.exp(scores - normalizer[..., None])
        axes = tuple(range(ids.ndim))
        sums = jnp.sum(probs, axis=axes), jnp.sum(jnp.square(probs), axis=axes)
    else:
        columns = [jnp.exp(scores[..., c] - normalizer) for c in classes]
        sums = (
            jnp.stack([jnp.sum(p) for p in columns]),
            jnp.stack([jnp.sum(jnp.square(p)) for p in columns]),
        )
    return (hits, *sums), (scores, ids, normalizer)


def _softmax_sums_reverse(saved, slopes):
    scores, ids, normalizer = saved
    of_hit, of_sum, of_square = slopes
    shape = (1,) * ids.ndim + (-1,)

    def slope(probs, mine, hit, total, square):
        return jnp.where(mine, hit, 0) + total + 2 * square * probs

    def weighted(c, z):
        probs = jnp.exp(z - normalizer)
        return probs * slope(probs, ids == c, of_hit[c], of_sum[c], of_square[c])

    probs = jnp.exp(scores - normalizer[..., None])
    rows = [row.reshape(shape) for row in (of_hit, of_sum, of_square)]
    slopes = slope(probs, _is_id(scores, ids), *rows)
    if scores.shape[-1] > UNROLLED:
        mean = jnp.sum(probs * slopes, axis=-1)
    else:
        mean = _over_classes(scores, weighted)
    return probs * (slopes - mean[..., None]), _no_gradient(ids), _no_gradient(ids)


softmax_sums.defvjp(_softmax_sums, _softmax_sums_reverse)
