"""Convolutions whose weights' gradient is summed over parts of the images.

XLA's CPU backend reads that gradient off a copy of the images with their number as the
last axis, which for many at once takes longer than the rest; for few it does not.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from jaxseg.models.convolutions.window import Window

MOST_PARTS = 8
"""A limit to how much there is to compile."""


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def dense(x: Array, kernel: Array, window: Window, together: int) -> Array:
    """The convolution of ``[B, H, W, C]`` with ``[h, w, C / groups, out]``.

    Args:
      x: images.
      kernel: weights.
      window: how they meet.
      together: images whose part of the weights' gradient is computed at a time, unless
        that makes more than `MOST_PARTS` parts.
    """
    del together
    return window.conv(x, kernel)


def _forward(
    x: Array, kernel: Array, window: Window, together: int
) -> tuple[Array, tuple]:
    return dense(x, kernel, window, together), (x, kernel)


def _backward(
    window: Window, together: int, kept: tuple, slope: Array
) -> tuple[Array, Array]:
    x, kernel = kept
    size = max(together, -(-len(x) // MOST_PARTS))
    of_kernel = jnp.zeros_like(kernel)
    for first in range(0, len(x), size):
        part = slice(first, first + size)
        of_kernel += window.kernel_gradient(x[part], kernel, slope[part])
    return window.input_gradient(x, kernel, slope), of_kernel


dense.defvjp(_forward, _backward)
