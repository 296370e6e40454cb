"""Sums over the box of 3 x 3 x ... pixels around each pixel."""

import jax.numpy as jnp
from jax import Array, lax


def box_sums(values: Array) -> Array:
    """Sums over the box around each pixel, itself included; zeros lie outside.

    Example:
      >>> box_sums(jnp.array([[1.0], [2.0], [4.0]])).ravel().tolist()
      [3.0, 7.0, 6.0]

    Args:
      values: ``[*size, C]``.

    Returns:
      ``[*size, C]``.
    """
    total = values
    for axis in range(values.ndim - 1):
        if not values.shape[axis]:
            continue
        around, padding = total, [(0, 0, 0)] * values.ndim
        for side in ((1, -1, 0), (-1, 1, 0)):
            padding[axis] = side
            total += lax.pad(around, jnp.zeros((), around.dtype), padding)
    return total
