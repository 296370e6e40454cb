"""Convolutions of images on a CPU, each kind by its fastest way."""

import jax.numpy as jnp
from jax import Array

from jaxseg.models.convolutions.dense import dense
from jaxseg.models.convolutions.depthwise import depthwise
from jaxseg.models.convolutions.grouped import grouped
from jaxseg.models.convolutions.window import Window

SMALL = 5120
"""Pixels up to which the weights' gradient is faster image by image."""


def conv_of_images(
    x: Array, kernel: Array, window: Window, together: int | None = None
) -> Array:
    """``[B, H, W, C]`` with ``[h, w, C / groups, out]``.

    Args:
      x: images.
      kernel: weights.
      window: how they meet.
      together: images whose part of a dense kernel's gradient is computed at a time;
        None is one, or all of them where they are large.
    """
    channels, features = x.shape[-1], kernel.shape[-1]
    if window.groups == channels == features:
        return depthwise(x, kernel[:, :, 0], window)
    if window.groups > 1:
        return grouped(x, kernel, window)
    if kernel.shape[:2] == (1, 1):
        return pointwise(x, kernel, window)
    if together is None:
        together = 1 if x.shape[1] * x.shape[2] <= SMALL else len(x)
    return dense(x, kernel, window, together)


def pointwise(x: Array, kernel: Array, window: Window) -> Array:
    """A convolution of one pixel as a product of matrices."""
    rows, columns = window.strides
    x = window.padded(x)[:, ::rows, ::columns]
    product = jnp.dot(
        x.reshape(-1, x.shape[-1]), kernel[0, 0], precision=window.precision
    )
    return product.reshape(*x.shape[:-1], -1)
