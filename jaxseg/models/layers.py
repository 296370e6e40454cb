"""Layers that the networks share, for any number of spatial axes."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.linen.dtypes import promote_dtype
from jax import Array

from jaxseg.models.convolutions import convolution
from jaxseg.numerics import widen

Dtype = Any
"""What layers compute in: None as the images are, or such as ``jnp.bfloat16``."""
Activation = Callable[[Array], Array]
Scores = Array | tuple[Array, ...]
"""One score map, or several with the one to predict from first."""


def conv(
    features: int,
    kernel: Sequence[int],
    *,
    strides: Sequence[int] | None = None,
    dilation: int = 1,
    groups: int = 1,
    padding: Sequence[tuple[int, int]] | None = None,
    bias: bool = True,
    dtype: Dtype = None,
    name: str | None = None,
) -> nn.Conv:
    """A convolution; its zeros lie evenly on both sides, as PyTorch's do, if not said.

    Args:
      features: channels out.
      kernel: odd size along each spatial axis.
      strides: along each axis; None is 1.
      dilation: distance between the kernel's taps.
      groups: of channels that do not see each other.
      padding: zeros (before, after) along each axis; None as many before as after, so
        that a stride of 1 keeps the size.
      bias: whether one is added.
      dtype: computed in; parameters are float32.
      name: of the module; None numbers it.
    """
    even = [(dilation * (k // 2), dilation * (k // 2)) for k in kernel]
    return nn.Conv(
        features,
        tuple(kernel),
        strides=strides,
        padding=even if padding is None else padding,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        dtype=dtype,
        conv_general_dilated=convolution(len(kernel)),
        name=name,
    )


class Head(nn.Module):
    """Features to scores, computed and returned in float32 or wider."""

    num_classes: int

    @nn.compact
    def __call__(self, features: Array) -> Array:
        """``[B, ..., C]`` to ``[B, ..., num_classes]``."""
        return nn.Dense(self.num_classes)(widen(features))


class UpConv(nn.Module):
    """A transposed convolution whose kernel is its stride, as one matrix product."""

    features: int
    stride: tuple[int, ...]
    dtype: Dtype = None

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """``[B, *size, C]`` to ``[B, *(size * stride), features]``."""
        block = math.prod(self.stride)
        kernel = self.param(
            "kernel",
            nn.initializers.lecun_normal(),
            (x.shape[-1], block * self.features),
        )
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x, kernel, bias = promote_dtype(x, kernel, bias, dtype=self.dtype)
        spread = jnp.dot(x, kernel).reshape(*x.shape[:-1], block, self.features)
        return _blocks_to_space(
            spread + jnp.expand_dims(bias, range(x.ndim)), self.stride
        )


def _blocks_to_space(x: Array, block: Sequence[int]) -> Array:
    """``[B, *size, prod(block), C]`` to ``[B, *(size * block), C]``."""
    batch, *size, _, channels = x.shape
    rank = len(size)
    x = x.reshape(batch, *size, *block, channels)
    order = [0]
    for axis in range(rank):
        order += [1 + axis, 1 + rank + axis]
    x = x.transpose(*order, 2 * rank + 1)
    return x.reshape(
        batch, *(n * k for n, k in zip(size, block, strict=True)), channels
    )


def max_pool(x: Array, size: int, stride: int) -> Array:
    """The largest in each window of ``[B, H, W, C]``, with -inf evenly around."""
    padding: Any = [((size - 1) // 2, (size - 1) // 2)] * 2
    return nn.max_pool(x, (size, size), (stride, stride), padding)


def max_blocks(x: Array, block: Sequence[int]) -> Array:
    """The largest of each block of ``[B, *size, C]``; `block` divides the size.

    By a reshape, which is faster than a window on a CPU.
    """
    return jnp.max(_split_blocks(x, block), axis=_inner_axes(block))


def mean_blocks(x: Array, block: Sequence[int]) -> Array:
    """The mean of each block of ``[B, *size, C]``; `block` divides the size."""
    return jnp.mean(_split_blocks(x, block), axis=_inner_axes(block))


def _split_blocks(x: Array, block: Sequence[int]) -> Array:
    batch, *size, channels = x.shape
    split = [k for n, b in zip(size, block, strict=True) for k in (n // b, b)]
    return x.reshape(batch, *split, channels)


def _inner_axes(block: Sequence[int]) -> tuple[int, ...]:
    return tuple(range(2, 2 * len(block) + 1, 2))


def repeat_blocks(x: Array, block: Sequence[int]) -> Array:
    """``[B, *size, C]`` with each pixel repeated to a block."""
    count = math.prod(block)
    spread = jnp.broadcast_to(x[..., None, :], (*x.shape[:-1], count, x.shape[-1]))
    return _blocks_to_space(spread, block)


def resize_linear(x: Array, size: Sequence[int]) -> Array:
    """``[B, *, C]`` at a larger size, linear between the centres of pixels."""
    return jax.image.resize(x, (x.shape[0], *size, x.shape[-1]), "linear")


def fill_up(images: Array, multiple: Sequence[int]) -> Array:
    """``[B, *size, C]`` mirrored beyond its end to a multiple of `multiple`."""
    missing = [-n % m for n, m in zip(images.shape[1:-1], multiple, strict=True)]
    if not any(missing):
        return images
    widths = [(0, 0), *((0, extra) for extra in missing), (0, 0)]
    return jnp.pad(images, widths, mode="symmetric")


def crop(x: Array, size: Sequence[int]) -> Array:
    """The first `size` pixels of ``[B, *, C]`` along each spatial axis."""
    return x[(slice(None), *(slice(n) for n in size))]


def multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8 that is not below nine tenths of `channels`."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


def drop_channels(x: Array, rate: float, *, train: bool) -> Array:
    """Whole channels of an image dropped with probability `rate` in training."""
    if not rate:
        return x
    space = tuple(range(1, x.ndim - 1))
    return nn.Dropout(rate, broadcast_dims=space, deterministic=not train)(x)


def prediction(scores: Scores) -> Array:
    """The score map to predict from."""
    return scores[0] if isinstance(scores, tuple) else scores


def count_parameters(params: object) -> int:
    """Number of trained numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
