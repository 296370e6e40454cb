"""Arithmetic that stays finite: guarded division, pooled sums, log-domain means."""

import functools
import operator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero
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
    return values.astype(wide_dtype(values))


def wide_dtype(*arrays: Array) -> jnp.dtype:
    """float64 if one of the arrays is, else float32, whatever JAX promotes by itself.

    Under JAX's strict promotion nothing is promoted that is not asked for.
    """
    wide = any(x.dtype == jnp.float64 for x in arrays)
    return jnp.dtype(jnp.float64 if wide else jnp.float32)


def number_like(number: ArrayLike, values: Array) -> Array:
    """A hyper-parameter, traced or not, in the dtype of the `values` that it meets."""
    return jnp.asarray(number).astype(values.dtype)


def is_traced(value: Any) -> bool:
    """Whether a number, an array or one of a sequence has no value yet, as in jit."""
    return any(isinstance(x, Tracer) for x in jax.tree.leaves(value))


def known_numbers(values: Any) -> np.ndarray | None:
    """Numbers in float64, None if one of them is traced or lies on another host."""
    leaves = jax.tree.leaves(values)
    if is_traced(leaves) or not all(
        x.is_fully_addressable for x in leaves if isinstance(x, jax.Array)
    ):
        return None
    return np.asarray(values, np.float64)


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
      a plain quotient never squares the denominator and so does not overflow, nor do
      further derivatives. nan where one of both is nan.
    """
    if is_exact(numerator) or is_exact(denominator):
        return empty if denominator == 0 else numerator / denominator
    if is_numpy(numerator, denominator):
        return _numpy_ratio(np.asarray(numerator), np.asarray(denominator), empty)
    numbers = [jnp.asarray(x) for x in (numerator, denominator, empty)]
    dtype = wide_dtype(*numbers[:2])
    shape = jnp.broadcast_shapes(numbers[0].shape, numbers[1].shape)
    return _safe_ratio(*(jnp.broadcast_to(x.astype(dtype), shape) for x in numbers))


def _numpy_ratio(numerator: np.ndarray, denominator: np.ndarray, empty: Any):
    dtype = np.result_type(numerator, denominator, np.float32)
    nothing = denominator < tiniest(dtype)
    ratio = numerator / np.where(nothing, 1, denominator).astype(dtype)
    return np.where(nothing, empty, ratio).astype(dtype)


@jax.custom_jvp
def _safe_ratio(numerator: Array, denominator: Array, empty: Array) -> Array:
    nothing = _is_nothing(denominator)
    ratio = numerator / jnp.where(nothing, 1, denominator)
    return jnp.where(nothing & ~jnp.isnan(numerator), empty, ratio)


def _is_nothing(values: Array) -> Array:
    return values < tiniest(values.dtype)


@_safe_ratio.defjvp
def _safe_ratio_jvp(primals, tangents):
    numerator, denominator, empty = primals
    d_numerator, d_denominator, d_empty = tangents
    nothing = _is_nothing(denominator)
    ratio = _safe_ratio(numerator, denominator, empty)
    inverse = _inverse(jnp.where(nothing, 1, denominator))
    slope = (d_numerator - ratio * d_denominator) * inverse
    return ratio, jnp.where(nothing & ~jnp.isnan(numerator), d_empty, slope)


@jax.custom_jvp
def _inverse(values: Array) -> Array:
    return 1 / values


@_inverse.defjvp
def _inverse_jvp(primals, tangents):
    # 1 / x^2 overflows where dx / x does not.
    inverse = _inverse(*primals)
    return inverse, -(inverse * tangents[0]) * inverse


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
    none = _is_nothing(product)
    return jnp.where(none, 0, jnp.sqrt(jnp.where(none, 1, product)))


def clip_to_unit(values: Any) -> Any:
    """`values` cut to [0, 1], for sums that round apart; at 0 and 1 the slope stays."""
    if is_numpy(values):
        return np.clip(values, 0, 1)
    return jnp.where(values > 1, 1, jnp.where(values < 0, 0, values))


def soft_minimum(values: Array, bounds: Array, tie: Array) -> Array:
    """Elementwise minimum whose slope in `values` at a tie is `tie`, not one half.

    With `tie` = `bounds` in {0, 1} this has value and gradient of `values * bounds` on
    all of [0, 1], its ends included. nan where one of both is nan.
    """
    at_tie = bounds + tie * (values - bounds)
    below = jnp.where(values < bounds, values, at_tie)
    return jnp.where(bounds < values, bounds, below)


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
    return lax.platform_dependent(rows, cpu=_fold_sum, default=_plain_sum)


@_sum_of_rows.defjvp
def _sum_of_rows_jvp(primals, tangents):
    # The slope of the plain sum, whose reverse is a broadcast.
    return _sum_of_rows(*primals), jnp.sum(tangents[0], axis=0)


def _plain_sum(rows: Array) -> Array:
    return jnp.sum(rows, axis=0)


def _fold_sum(rows: Array) -> Array:
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


def pooled_logsumexp(logs: Array, where: Array | None, axis_name: str | None) -> Array:
    """Log of the sum of exp(logs) over all pixels that count, on all devices.

    Args:
      logs: ``[..., C]``, nan or below infinity; -inf is exp's zero.
      where: ``[..., C]`` or ``[..., 1]`` bool: which entries count, per class.
      axis_name: mapped axis to pool over.

    Returns:
      ``[C]``; -inf with zero gradient for a sum of nothing or of zeros, nan where
      something that counts is nan.
    """
    axes = tuple(range(logs.ndim - 1))
    logs = logs if where is None else jnp.where(where, logs, -jnp.inf)
    peak = lax.stop_gradient(jnp.max(logs, axis=axes, initial=-jnp.inf))
    peak = finite_peak(peak, axis_name)
    powers = jnp.exp(logs - peak.reshape((1,) * len(axes) + (-1,)))
    return log_total(peak, pool(sum_of_pixels(powers), axis_name))


def finite_peak(peak: Array, axis_name: str | None) -> Array:
    """The largest `peak` of all devices, 0 in the place of -inf."""
    if axis_name is not None:
        peak = lax.pmax(peak, axis_name)
    return jnp.where(peak == -jnp.inf, 0, peak)


def log_total(peak: Array, total: Array) -> Array:
    """`peak` + log(`total`), -inf with slope 0 where `total` is 0."""
    none = total <= 0
    return jnp.where(none, -jnp.inf, peak + jnp.log(jnp.where(none, 1, total)))


def log_add(first: Array, second: Array) -> Array:
    """log(exp(first) + exp(second)), -inf with slope 0 where both are -inf."""
    none = (first == -jnp.inf) & (second == -jnp.inf)
    return jnp.where(none, -jnp.inf, jnp.logaddexp(jnp.where(none, 0, first), second))


def weighted_mean(values: Array, weights: Array | None) -> Array:
    """Mean of `values` [C] with weights [C] >= 0, None for equal; 0 if all are 0."""
    if weights is None:
        return jnp.mean(values)
    weights = weights.astype(values.dtype)
    return safe_ratio(jnp.sum(weights * values), jnp.sum(weights), 0)


def times(targets: Array, logs: Array) -> Array:
    """`targets * logs` with 0 log 0 = 0, also in the gradient."""
    none = targets <= 0
    return jnp.where(none, 0, targets * jnp.where(none, 0, logs))


def power(base: Array, exponent: ArrayLike) -> Array:
    """`base` >= 0 to an exponent >= 0; at 0 it is 0 (1 for exponent 0), with slope 0.

    The slope of a root at 0 is infinite and would make nan of a loss at its minimum. No
    derivative holds a higher power of 1 / base than the first, whose factors shrink
    with the base, so that none overflows.
    """
    return _power(base, number_like(exponent, base))


@jax.custom_jvp
def _power(base: Array, exponent: Array) -> Array:
    raised = jnp.power(jnp.where(base > 0, base, 1), exponent)
    at_zero = (exponent == 0).astype(raised.dtype)
    return jnp.where(base > 0, raised, jnp.where(base <= 0, at_zero, base))


def _power_jvp(primals, tangents):
    base, exponent = primals
    raised = _power(base, exponent)
    none = _is_nothing(base)
    positive = jnp.where(none, 1, base)
    terms = []
    if not isinstance(tangents[0], SymbolicZero):
        slope = jnp.where(none, 0, exponent * raised * _inverse(positive))
        terms.append(slope * tangents[0])
    if not isinstance(tangents[1], SymbolicZero):
        slope = jnp.where(none, 0, raised * jnp.log(positive))
        terms.append(slope * tangents[1])
    return raised, functools.reduce(operator.add, terms)


_power.defjvp(_power_jvp, symbolic_zeros=True)


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
    pixels = pooled_count(values[..., None], where, axis_name)
    wanted = number_like(fraction, values) * pixels

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
