"""Arithmetic that stays finite: guarded division, pooled sums, log-domain means."""

import functools
import operator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

ARRAY_TYPES = (jax.Array, jnp.ndarray, int, float)


FOLDS = 8
"""How many parts are added elementwise before their sum is a product with ones."""

STRIPES = 32
"""How many rows that product adds; few, since it adds them one after another."""


def is_exact(number: Any) -> bool:
    """Whether Python's own operators work on it: a fraction, an expression, a ball."""
    return not isinstance(number, ARRAY_TYPES) and not hasattr(number, "dtype")


def is_numpy(*values: Any) -> bool:
    """Whether NumPy alone can work on them: some are its arrays, none is JAX's."""
    some = any(isinstance(x, np.ndarray | np.generic) for x in values)
    return some and not any(isinstance(x, jax.Array) for x in values)


def widen(values: ArrayLike) -> Array:
    """`values` in float32, or in their own dtype where that is wider."""
    values = jnp.asarray(values)
    return values.astype(jnp.promote_types(values.dtype, jnp.float32))


def tiniest(dtype: Any) -> float:
    """Below this a non-negative sum counts as nothing: 1e-31 in float32.

    It leaves room under the largest float for the reciprocal times a few factors,
    so that dividing by anything larger has a finite value and a finite gradient.
    """
    info = jnp.finfo(dtype)
    return float(info.tiny / info.eps)


def safe_ratio(numerator: Any, denominator: Any, empty: Any) -> Any:
    """`numerator / denominator`, and `empty` with zero gradient where that is 0/0.

    Takes arrays (any float dtype, broadcast), NumPy's in their own precision, and also
    exact scalars: fractions, sympy expressions and flint intervals go through Python's
    own operators, which is how `theory` evaluates the very formulas that the losses
    use.

    Args:
      numerator: any shape.
      denominator: >= 0; less than `tiniest` counts as zero.
      empty: the value where the denominator is zero.

    Returns:
      The ratio, broadcast; its derivative is (dn - ratio dd) / d, which unlike that of
      a plain quotient never squares the denominator and so does not overflow.
    """
    if is_exact(numerator) or is_exact(denominator):
        return empty if denominator == 0 else numerator / denominator
    if is_numpy(numerator, denominator):
        return _numpy_ratio(np.asarray(numerator), np.asarray(denominator), empty)
    dtype = jnp.result_type(widen(numerator), widen(denominator))
    shape = jnp.broadcast_shapes(jnp.shape(numerator), jnp.shape(denominator))
    numerator, denominator, empty = (
        jnp.broadcast_to(jnp.asarray(x, dtype), shape)
        for x in (numerator, denominator, empty)
    )
    return _safe_ratio(numerator, denominator, empty)


def _numpy_ratio(numerator: np.ndarray, denominator: np.ndarray, empty: Any):
    dtype = np.result_type(numerator, denominator, np.float32)
    nothing = denominator < tiniest(dtype)
    ratio = numerator / np.where(nothing, 1, denominator).astype(dtype)
    return np.where(nothing, empty, ratio).astype(dtype)


@jax.custom_jvp
def _safe_ratio(numerator: Array, denominator: Array, empty: Array) -> Array:
    nothing = denominator < tiniest(denominator.dtype)
    return jnp.where(nothing, empty, numerator / jnp.where(nothing, 1, denominator))


@_safe_ratio.defjvp
def _safe_ratio_jvp(primals, tangents):
    numerator, denominator, empty = primals
    d_numerator, d_denominator, d_empty = tangents
    nothing = denominator < tiniest(denominator.dtype)
    ratio = _safe_ratio(numerator, denominator, empty)
    divisor = jnp.where(nothing, 1, denominator)
    slope = (d_numerator - ratio * d_denominator) / divisor
    return ratio, jnp.where(nothing, d_empty, slope)


def geometric_mean(first: Any, second: Any) -> Any:
    """sqrt(`first` `second`), exactly `first` where they are equal.

    Where the product is below `tiniest` it is 0 with slope 0. Exact numbers go through
    Python's own power, which makes a float of a fraction.
    """
    if is_exact(first) or is_exact(second):
        return (first * second) ** Fraction(1, 2)
    if is_numpy(first, second):
        return np.sqrt(np.maximum(np.multiply(first, second, dtype=np.float64), 0))
    product = widen(first) * widen(second)
    some = product >= tiniest(product.dtype)
    return jnp.where(some, jnp.sqrt(jnp.where(some, product, 1)), 0)


def within_unit(values: Any) -> Any:
    """`values` cut to [0, 1], for sums that round apart; at 0 and 1 the slope stays."""
    if is_numpy(values):
        return np.clip(values, 0, 1)
    return jnp.where(values > 1, 1, jnp.where(values < 0, 0, values))


def soft_minimum(values: Array, bounds: Array, tie: Array) -> Array:
    """Elementwise minimum whose slope in `values` at a tie is `tie`, not one half.

    With `tie` = `bounds` in {0, 1} this has value and gradient of `values * bounds` on
    all of [0, 1], its ends included.
    """
    at_tie = bounds + tie * (values - bounds)
    below = jnp.where(values < bounds, values, bounds)
    return jnp.where(values == bounds, at_tie, below)


def pool(value: Array, axis_name: str | None) -> Array:
    """Sum over the devices of `axis_name`; `value` itself where there is none."""
    return value if axis_name is None else lax.psum(value, axis_name)


def keep(values: Array, where: Array | None) -> Array:
    """`values` [..., C] with zeros, in value and gradient, where `where` is False."""
    return values if where is None else jnp.where(where[..., None], values, 0)


def sum_of_pixels(values: Array) -> Array:
    """Sum over all axes but the last, ``[..., C]`` to ``[C]``.

    On the CPU `values` may be an expression that is fused and never stored: it is
    evaluated once, while eight distant parts of it are added, and what is left is a
    product with ones. A plain sum would evaluate it again for every class.
    """
    rows = values.reshape(-1, values.shape[-1])
    if rows.shape[-1] == 1 or len(rows) < FOLDS * STRIPES:
        return jnp.sum(rows, axis=0)
    return _sum_of_rows(rows)


@jax.custom_jvp
def _sum_of_rows(rows: Array) -> Array:
    return lax.platform_dependent(rows, cpu=_folded_sum, default=_plain_sum)


@_sum_of_rows.defjvp
def _sum_of_rows_jvp(primals, tangents):
    # The slope of the plain sum, whose reverse is a broadcast.
    return _sum_of_rows(*primals), jnp.sum(tangents[0], axis=0)


def _plain_sum(rows: Array) -> Array:
    return jnp.sum(rows, axis=0)


def _folded_sum(rows: Array) -> Array:
    pixels, classes = rows.shape
    length = pixels // (FOLDS * STRIPES)
    part = STRIPES * length
    parts = (rows[i * part : (i + 1) * part] for i in range(FOLDS))
    folded = functools.reduce(operator.add, parts).reshape(STRIPES, length * classes)
    ones = jnp.ones(STRIPES, rows.dtype)
    stripe = lax.dot(ones, folded, precision=lax.Precision.HIGHEST)
    rest = jnp.sum(rows[FOLDS * part :], axis=0)
    return jnp.sum(stripe.reshape(length, classes), axis=0) + rest


def pooled_sum(values: Array, where: Array | None, axis_name: str | None) -> Array:
    """Sum of `values` [..., C] over all pixels that count, on all devices: [C]."""
    return pool(sum_of_pixels(keep(values, where)), axis_name)


def pooled_count(values: Array, where: Array | None, axis_name: str | None) -> Array:
    """Number of pixels of `values` [..., C] that count, on all devices: scalar."""
    if where is None:
        size = functools.reduce(lambda a, b: a * b, values.shape[:-1], 1)
        count = jnp.asarray(size, values.dtype)
    else:
        count = jnp.sum(where, dtype=values.dtype)
    return pool(count, axis_name)


def pooled_mean(values: Array, where: Array | None, axis_name: str | None) -> Array:
    """Mean of `values` [...] over all pixels that count, on all devices; 0 of none."""
    total = pooled_sum(values[..., None], where, axis_name)[0]
    return safe_ratio(total, pooled_count(values[..., None], where, axis_name), 0)


def pooled_logsumexp(
    logs: Array, where: Array | None, axis_name: str | None
) -> tuple[Array, Array]:
    """Log of the sum of exp(logs) over all pixels that count, on all devices.

    Args:
      logs: ``[..., C]``; -inf is exp's zero.
      where: ``[..., C]`` or ``[..., 1]`` bool: which entries count, per class.
      axis_name: mapped axis to pool over.

    Returns:
      ``[C]`` logs and ``[C]`` bool, False for a class with nothing to sum; its log is
      0 and has zero gradient.
    """
    axes = tuple(range(logs.ndim - 1))
    counts = jnp.isfinite(logs) if where is None else where & jnp.isfinite(logs)
    peak = jnp.max(jnp.where(counts, logs, -jnp.inf), axis=axes, initial=-jnp.inf)
    peak = lax.stop_gradient(peak)
    if axis_name is not None:
        peak = lax.pmax(peak, axis_name)
    some = jnp.isfinite(peak)
    peak = jnp.where(some, peak, 0)
    below = jnp.where(counts, logs - peak.reshape((1,) * len(axes) + (-1,)), -jnp.inf)
    total = pool(sum_of_pixels(jnp.exp(below)), axis_name)
    return peak + jnp.log(jnp.where(some, total, 1)), some


def weighted_mean(values: Array, weights: Array | None) -> Array:
    """Mean of `values` [C] with weights [C] >= 0, None for equal; 0 if all are 0."""
    if weights is None:
        return jnp.mean(values)
    return safe_ratio(jnp.sum(weights * values), jnp.sum(weights), 0)


def times(targets: Array, logs: Array) -> Array:
    """`targets * logs` with 0 log 0 = 0, also in the gradient."""
    some = targets > 0
    return jnp.where(some, targets * jnp.where(some, logs, 0), 0)


def power(base: Array, exponent: ArrayLike) -> Array:
    """`base` >= 0 to an exponent >= 0; at 0 it is 0 (1 for exponent 0), with slope 0.

    The slope of a root at 0 is infinite and would make nan of a loss at its minimum.
    """
    some = base > 0
    raised = jnp.power(jnp.where(some, base, 1), exponent)
    return jnp.where(some, raised, jnp.asarray(exponent == 0, raised.dtype))


def top_weights(
    values: Array, where: Array | None, fraction: ArrayLike, axis_name: str | None
) -> Array:
    """Weights in [0, 1] that pick the largest values, without sorting or gathering.

    The place of the last one is found by bisection of the bits of floats >= 0, which
    order like the floats: one count over all devices for each bit.

    Args:
      values: ``[...]`` >= 0.
      where: ``[...]`` bool, True where a value counts.
      fraction: share of the values to pick.
      axis_name: mapped axis to pool over.

    Returns:
      ``[...]`` weights without gradient, adding up to fraction times the number of
      values that count; those equal to the last place share what is left for them.
    """
    values = lax.stop_gradient(jnp.maximum(values, 0))
    wide = values.dtype == jnp.float64
    bits = lax.bitcast_convert_type(values, jnp.int64 if wide else jnp.int32)
    if where is not None:
        bits = jnp.where(where, bits, -1)
    wanted = fraction * pooled_count(values[..., None], where, axis_name)

    def count(mask: Array) -> Array:
        total = pool(jnp.sum(mask, dtype=jnp.int32), axis_name)
        return total.astype(values.dtype)

    def refine(step: Array, least: Array) -> Array:
        bit = jnp.asarray(1, bits.dtype) << (top - step).astype(bits.dtype)
        higher = least | bit
        return jnp.where(count(bits >= higher) >= wanted, higher, least)

    top = 62 if wide else 30
    least = lax.fori_loop(0, top + 1, refine, jnp.zeros((), bits.dtype))
    above, level = bits > least, bits == least
    share = safe_ratio(wanted - count(above), count(level), 0)
    return jnp.where(above, 1, jnp.where(level, jnp.clip(share, 0, 1), 0))
