"""U-Nets in 2D and 3D: plain or residual, any size, strides and kernels by level."""

import math
from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from jaxseg.models.layers import (
    Activation,
    Dtype,
    Head,
    Scores,
    UpConv,
    conv,
    crop,
    drop_channels,
    fill_up,
    max_blocks,
    mean_blocks,
)
from jaxseg.models.norms import Norm, group_norm, no_norm

Sizes = tuple[tuple[int, ...], ...]
"""One number per spatial axis, for each level."""


class ConvBlock(nn.Module):
    """Twice: convolution, normalisation, activation."""

    features: int
    kernel: tuple[int, ...]
    norm: Norm = group_norm
    activation: Activation = nn.relu
    dtype: Dtype = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """``[B, *size, C]`` to ``[B, *size, features]``."""
        bias = self.norm is no_norm
        for _ in range(2):
            x = conv(self.features, self.kernel, bias=bias, dtype=self.dtype)(x)
            x = self.activation(self.norm(x, train=train))
        return x


class ResidualBlock(nn.Module):
    """Two convolutions beside a short cut, the first with a stride.

    The short cut is the mean of each block of the stride and, where the number of
    channels changes, a convolution of one pixel.
    """

    features: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    norm: Norm = group_norm
    activation: Activation = nn.relu
    dtype: Dtype = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> Array:
        """``[B, *size, C]`` to ``[B, *(size / stride), features]``."""
        bias = self.norm is no_norm
        strided = any(s > 1 for s in self.stride)
        short = mean_blocks(x, self.stride) if strided else x
        if x.shape[-1] != self.features:
            one = (1,) * len(self.kernel)
            short = conv(self.features, one, bias=bias, dtype=self.dtype)(short)
            short = self.norm(short, train=train)
        x = conv(
            self.features, self.kernel, strides=self.stride, bias=bias, dtype=self.dtype
        )(x)
        x = self.activation(self.norm(x, train=train))
        x = conv(self.features, self.kernel, bias=bias, dtype=self.dtype)(x)
        return self.activation(self.norm(x, train=train) + short)


class UNet(nn.Module):
    """Encoder, decoder and the bridges between them.

    The number of spatial axes is that of the images. Strides may differ between axes
    and levels, so that thick slices are pooled later than their plane.

    Attributes:
      num_classes: scores per pixel.
      depth: how often the resolution is halved, >= 1, where `strides` does not say.
      width: channels at full resolution; they double from level to level.
      norm: what follows each convolution.
      strides: of each step down, ``[depth][axes]``; None halves every axis.
      kernels: of each level, ``[depth + 1][axes]``, odd; None is 3 along every axis.
      max_width: channels that no level exceeds.
      residual: residual blocks with strides in the place of pairs of convolutions with
        max pooling before them.
      coarse_maps: how many coarser score maps training returns beside the finest, for
        `losses.deep_supervision`; < depth.
      dropout: probability with which a channel of a level is dropped in training.
      activation: after each normalisation.
      dtype: what all but the scores is computed in; parameters are float32.

    Source: Ronneberger 2015; Çiçek 2016 (3D); Isensee 2021 (strides and kernels by
    level, deep supervision).
    """

    num_classes: int
    depth: int = 4
    width: int = 16
    norm: Norm = group_norm
    strides: Sizes | None = None
    kernels: Sizes | None = None
    max_width: int = 512
    residual: bool = False
    coarse_maps: int = 0
    dropout: float = 0.0
    activation: Activation = nn.relu
    dtype: Dtype = None

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> Scores:
        """Scores of images.

        Args:
          images: ``[B, *size, C]``; sizes that the strides do not divide are filled up
            by mirroring, and the scores cropped.
          train: whether dropout, statistics of batches and coarse maps are wanted.

        Returns:
          ``[B, *size, num_classes]``; in training with `coarse_maps`, a tuple of it and
          of ever coarser ones.

        Raises:
          ValueError: strides or kernels do not fit the images or each other, or coarse
            maps of a size that the strides do not divide.
        """
        size = images.shape[1:-1]
        strides, kernels = self._levels(len(size))
        total = [math.prod(axis) for axis in zip(*strides, strict=True)]
        x = fill_up(images, total)
        if train and self.coarse_maps and x.shape != images.shape:
            raise ValueError(
                f"deep supervision needs a size that {tuple(total)} divides, not {size}"
            )
        bridges = []
        for level, kernel in enumerate(kernels):
            if level:
                bridges.append(x)
            stride = strides[level - 1] if level else (1,) * len(size)
            x = self._down(x, level, stride, kernel, train)
        maps = []
        for level in reversed(range(len(strides))):
            x = UpConv(self._width(level), strides[level], self.dtype)(x)
            x = jnp.concatenate([bridges[level], x], axis=-1)
            x = self._same(x, level, kernels[level], train)
            if level <= self.coarse_maps:
                maps.insert(0, Head(self.num_classes)(x))
        scores = crop(maps[0], size)
        return (scores, *maps[1:]) if train and self.coarse_maps else scores

    def _width(self, level: int) -> int:
        return min(self.width * 2**level, self.max_width)

    def _down(
        self,
        x: Array,
        level: int,
        stride: tuple[int, ...],
        kernel: tuple[int, ...],
        train: bool,
    ) -> Array:
        if not self.residual:
            x = max_blocks(x, stride) if level else x
            return self._same(x, level, kernel, train)
        block = ResidualBlock(
            self._width(level), kernel, stride, self.norm, self.activation, self.dtype
        )
        return drop_channels(block(x, train=train), self.dropout, train=train)

    def _same(
        self, x: Array, level: int, kernel: tuple[int, ...], train: bool
    ) -> Array:
        block = ConvBlock(
            self._width(level), kernel, self.norm, self.activation, self.dtype
        )
        return drop_channels(block(x, train=train), self.dropout, train=train)

    def _levels(self, rank: int) -> tuple[Sizes, Sizes]:
        strides = self.strides or ((2,) * rank,) * self.depth
        kernels = self.kernels or ((3,) * rank,) * (len(strides) + 1)
        _check_levels("strides", strides, rank)
        _check_levels("kernels", kernels, rank)
        if len(kernels) != len(strides) + 1:
            raise ValueError(
                f"{len(strides)} strides lie between {len(strides) + 1} levels, but "
                f"there are {len(kernels)} kernels"
            )
        if not 0 <= self.coarse_maps < len(strides):
            raise ValueError(
                f"coarse_maps must lie between 0 and {len(strides) - 1}, not "
                f"{self.coarse_maps}"
            )
        return strides, kernels


def _check_levels(name: str, sizes: Sequence[Sequence[int]], rank: int) -> None:
    for size in sizes:
        if len(size) != rank:
            raise ValueError(
                f"{name} {tuple(size)} do not fit images with {rank} spatial axes"
            )
