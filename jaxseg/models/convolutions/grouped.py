"""Convolutions of groups of channels, whose weights' gradient XLA takes seconds for.

With few channels a group they are sums of depthwise ones, one for each channel of the
groups; with more, the gradient is a product of matrices for each group and tap.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxseg.models.convolutions import depthwise
from jaxseg.models.convolutions.window import Window
from jaxseg.numerics import widen

FEW = 4
"""Channels a group up to which sums of depthwise convolutions are faster."""


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def grouped(x: Array, kernel: Array, window: Window) -> Array:
    """``[B, H, W, C]`` with ``[h, w, C / groups, out]``."""
    inner = kernel.shape[2]
    if inner > FEW:
        return window.conv(x, kernel)
    total = sum(
        depthwise.forward(_spread(x, i, kernel, window), kernel[:, :, i], window)
        for i in range(inner)
    )
    return jnp.asarray(total, x.dtype)


def _spread(x: Array, index: int, kernel: Array, window: Window) -> Array:
    """Channel `index` of each group, once for each output of the group."""
    chosen = x[..., index :: kernel.shape[2]]
    return jnp.repeat(chosen, kernel.shape[3] // window.groups, axis=-1)


def _forward(x: Array, kernel: Array, window: Window) -> tuple[Array, tuple]:
    return grouped(x, kernel, window), (x, kernel)


def _backward(window: Window, kept: tuple, slope: Array) -> tuple[Array, Array]:
    x, kernel = kept
    gradient = by_channel if kernel.shape[2] <= FEW else by_group
    return (
        window.input_gradient(x, kernel, slope),
        gradient(x, kernel, slope, window).astype(kernel.dtype),
    )


grouped.defvjp(_forward, _backward)


def by_channel(x: Array, kernel: Array, slope: Array, window: Window) -> Array:
    """Gradient by the weights: a depthwise one for each channel of the groups."""
    parts = [
        depthwise.kernel_gradient(
            _spread(x, i, kernel, window), kernel.shape[:2], slope, window
        )
        for i in range(kernel.shape[2])
    ]
    return jnp.stack(parts, axis=2)


def by_group(x: Array, kernel: Array, slope: Array, window: Window) -> Array:
    """Gradient by the weights: a product of matrices for each group and tap."""
    taps, inner, features = kernel.shape[:2], *kernel.shape[2:]
    groups = window.groups
    images = window.padded(widen(x))
    images = images.reshape(*images.shape[:3], groups, inner).transpose(3, 0, 1, 2, 4)
    slopes = widen(slope).reshape(-1, groups, features // groups).transpose(1, 0, 2)
    rows, columns = (
        [
            slice(k * apart, k * apart + step * (outputs - 1) + 1, step)
            for k in range(count)
        ]
        for count, apart, step, outputs in zip(
            taps, window.dilation, window.strides, slope.shape[1:3], strict=True
        )
    )
    products = [
        [
            lax.dot_general(
                images[:, :, row, column].reshape(groups, -1, inner),
                slopes,
                (((1,), (1,)), ((0,), (0,))),
                precision=window.precision,
            )
            for column in columns
        ]
        for row in rows
    ]
    found = jnp.stack([jnp.stack(row) for row in products])
    return found.transpose(0, 1, 3, 2, 4).reshape(kernel.shape)
