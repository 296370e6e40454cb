"""The best mask of JAX arrays: all sizes at once, node by node, in fixed memory."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxseg.decide.exponentials import Nodes, reciprocal_nodes
from jaxseg.decide.on_host import Index


def nodes_for(probs: Array) -> Nodes:
    """Nodes for masks and truths of as many pixels as there are."""
    wide = probs.dtype == jnp.float64
    return reciprocal_nodes(2 * probs.size, np.float64 if wide else np.float32)


@functools.partial(jax.jit, static_argnames="index")
def size_scores(probs: Array, index: Index) -> Array:
    """``[d]`` expected index of the k most probable pixels, k from 1.

    Args:
      probs: ``[d]`` float32 or float64 in [0, 1], falling.
      index: whose expectation.
    """
    size = jnp.arange(1, probs.size + 1).astype(probs.dtype)

    def dice_term(rate: Array) -> Array:
        hits = probs * jnp.exp(-rate)
        shares = jnp.cumsum(hits / ((1 - probs) + hits))
        return 2 * jnp.exp(_log_misses(probs, rate).sum() - rate * size) * shares

    def jaccard_term(rate: Array) -> Array:
        logs = _log_misses(probs, rate)
        later = jnp.cumsum(logs[::-1])[::-1][1:]
        return jnp.exp(jnp.append(later, jnp.zeros((), logs.dtype)) - rate * size)

    sums = sum_over_nodes(dice_term if index == "dice" else jaccard_term, probs)
    return sums if index == "dice" else sums * jnp.cumsum(probs)


@functools.partial(jax.jit, static_argnames="index")
def mask_score(mask: Array, probs: Array, index: Index) -> Array:
    """The expected index of a mask ``[d]`` with a pixel, a scalar."""
    size = jnp.sum(mask).astype(probs.dtype)
    inside = jnp.where(mask, probs, 0)

    def dice_term(rate: Array) -> Array:
        hits = inside * jnp.exp(-rate)
        shares = jnp.sum(hits / ((1 - inside) + hits))
        return 2 * jnp.exp(_log_misses(probs, rate).sum() - rate * size) * shares

    def jaccard_term(rate: Array) -> Array:
        logs = _log_misses(jnp.where(mask, 0, probs), rate)
        return jnp.exp(logs.sum() - rate * size) * jnp.sum(inside)

    return sum_over_nodes(dice_term if index == "dice" else jaccard_term, probs)


def sum_over_nodes(term, probs: Array) -> Array:
    """Weighted sum of a function of the rate."""
    nodes = nodes_for(probs)

    def add(total: Array, node: tuple[Array, Array]) -> tuple[Array, None]:
        rate, weight = node
        return total + weight * term(rate), None

    rates, weights = (jnp.asarray(x, probs.dtype) for x in (nodes.rates, nodes.weights))
    start = jnp.zeros(jax.eval_shape(term, rates[0]).shape, probs.dtype)
    return lax.scan(add, start, (rates, weights))[0]


def _log_misses(probs: Array, rate: Array) -> Array:
    """log(1 - p (1 - exp(-rate)))."""
    return jnp.log1p(probs * jnp.expm1(-rate))
