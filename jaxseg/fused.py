"""Softmax statistics of hard labels in few passes over the logits.

A pixel loss needs the log-probability of each pixel's own class, a region loss the sums
of p, p t and p^2 over the pixels. Both come from here with a hand-written tangent map,
which every order of derivative goes by, forward and reverse. It keeps one number per
pixel (the log of the softmax's denominator) instead of the probabilities, and from then
on automatic differentiation has only ``[...]`` or ``[C]`` arrays to deal with. The maps
are written for their transposes: a sum there is a broadcast in the gradient, and copies
joined there are a sum. Sums over classes are unrolled and sums over pixels go by way of
`sum_of_pixels`, which XLA's CPU backend needs: it is slow at reductions over a short
last axis and at many sums of one array.
"""

import functools
import operator
from collections.abc import Iterable

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.custom_derivatives import SymbolicZero

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


def _sum(terms: Iterable[Array]) -> Array:
    return functools.reduce(operator.add, terms)


def _columns(scores: Array, normalizer: Array) -> list[Array]:
    """Softmax, class by class."""
    return [jnp.exp(scores[..., c] - normalizer) for c in range(scores.shape[-1])]


# What a tangent is multiplied by is evaluated anew where the map is transposed, so that
# nothing of the size of the scores is kept for the gradient but the scores themselves.
_evaluated_anew = functools.partial(jax.checkpoint, prevent_cse=False)


@jax.custom_jvp
def target_log_probs(scores: Array, ids: Array) -> Array:
    """Log-probability of each pixel's own class under a softmax.

    Args:
      scores: ``[..., C]`` float32 or wider.
      ids: ``[...]`` integers; one that is no class makes 0 with zero gradient.

    Returns:
      ``[...]`` <= 0, finite for any finite scores.
    """
    return _target_log_probs(scores, ids, log_normalizer(scores))


def _target_log_probs(scores, ids, normalizer):
    return jnp.where(_is_known(scores, ids), _score_of_id(scores, ids) - normalizer, 0)


def _is_known(scores, ids):
    return (ids >= 0) & (ids < scores.shape[-1])


@target_log_probs.defjvp
def _target_log_probs_jvp(primals, tangents):
    scores, ids = primals
    normalizer = log_normalizer(scores)
    logs = _target_log_probs(scores, ids, normalizer)
    return logs, _target_log_probs_tangent(scores, ids, normalizer, tangents[0])


@_evaluated_anew
def _target_log_probs_tangent(scores, ids, normalizer, tangent):
    own = is_id(scores, ids).astype(scores.dtype)
    difference = own - _probs(scores, normalizer)
    return jnp.where(_is_known(scores, ids), jnp.sum(difference * tangent, -1), 0)


@jax.custom_jvp
def mean_costs(scores: Array, ids: Array, costs: Array) -> Array:
    """Mean under a softmax of the costs of the classes, given each pixel's own class.

    Args:
      scores: ``[..., C]`` float32 or wider.
      ids: ``[...]`` integers; one that is no class makes 0 with zero gradient.
      costs: ``[C, C]``, of the own class in rows.

    Returns:
      ``[...]``: the sum over k of costs[id, k] p_k.
    """
    return _mean_costs(scores, ids, costs, log_normalizer(scores))


def _mean_costs(scores, ids, costs, normalizer):
    columns = _columns(scores, normalizer)
    weighted = (p * by_id(costs[:, c], ids) for c, p in enumerate(columns))
    return _sum(weighted) / _sum(columns)


def _mean_costs_jvp(primals, tangents):
    scores, ids, costs = primals
    normalizer = log_normalizer(scores)
    mean = _mean_costs(scores, ids, costs, normalizer)
    terms = []
    if not isinstance(tangents[0], SymbolicZero):
        terms.append(_of_scores(*primals, normalizer, mean, tangents[0]))
    if not isinstance(tangents[2], SymbolicZero):
        terms.append(_of_costs(scores, ids, normalizer, tangents[2]))
    return mean, _sum(terms)


@_evaluated_anew
def _of_scores(scores, ids, costs, normalizer, mean, tangent):
    known = _is_known(scores, ids)
    own = costs[jnp.where(known, ids, 0)]
    slope = _probs(scores, normalizer) * (own - mean[..., None])
    return jnp.where(known, jnp.sum(slope * tangent, axis=-1), 0)


@_evaluated_anew
def _of_costs(scores, ids, normalizer, tangent):
    rows = lax.dot_general(
        _probs(scores, normalizer),
        tangent,
        (((ids.ndim,), (1,)), ((), ())),
        precision=lax.Precision.HIGHEST,
    )
    return jnp.sum(jnp.where(is_id(scores, ids), rows, 0), axis=-1)


mean_costs.defjvp(_mean_costs_jvp, symbolic_zeros=True)


@jax.custom_jvp
def softmax_sums(scores: Array, ids: Array, where: Array) -> tuple[Array, Array, Array]:
    """Sums of the softmax p over the pixels that count, per class.

    Args:
      scores: ``[..., C]`` float32 or wider, finite where masked.
      ids: ``[...]`` integers; one that is no class belongs to none.
      where: ``[...]`` bool.

    Returns:
      ``[C]`` each: sum of p over the class's own pixels, sum of p, sum of p squared.
    """
    return _softmax_sums(scores, ids, where, log_normalizer(scores))


def _softmax_sums(scores, ids, where, normalizer):
    probs = jnp.where(where[..., None], _probs(scores, normalizer), 0)
    hits = jnp.where(is_id(scores, ids), probs, 0)
    of_squares = sum_of_pixels(jnp.square(probs))
    return sum_of_pixels(hits), sum_of_pixels(probs), of_squares


@softmax_sums.defjvp
def _softmax_sums_jvp(primals, tangents):
    scores, ids, where = primals
    normalizer = log_normalizer(scores)
    sums = _softmax_sums(scores, ids, where, normalizer)
    return sums, _softmax_sums_tangent(scores, ids, where, normalizer, tangents[0])


@_evaluated_anew
def _softmax_sums_tangent(scores, ids, where, normalizer, tangent):
    classes = scores.shape[-1]

    def sums(probs, mine, change):
        parts = jnp.where(mine, change, 0), change, 2 * probs * change
        return [jnp.sum(x, axis=tuple(range(ids.ndim))) for x in parts]

    probs, mine = _probs(scores, normalizer), is_id(scores, ids)
    own = jnp.where(where[..., None], probs * tangent, 0)
    if classes > UNROLLED:
        mean = jnp.sum(own, axis=-1, keepdims=True)
        return tuple(sums(probs, mine, own - probs * mean))
    columns = _columns(scores, normalizer)
    mean = jnp.sum(own, axis=-1) / _sum(columns)
    shared = [sums(p, ids == c, p * mean) for c, p in enumerate(columns)]
    pairs = zip(sums(probs, mine, own), zip(*shared, strict=True), strict=True)
    return tuple(first - jnp.stack(second) for first, second in pairs)
