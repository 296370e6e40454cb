"""From an encoder's features back to the size of the image."""

from collections.abc import Sequence

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from jaxseg.models.layers import (
    Dtype,
    Head,
    conv,
    drop_channels,
    repeat_blocks,
    resize_linear,
)
from jaxseg.models.norms import Norm, group_norm, no_norm
from jaxseg.models.unet import ConvBlock


class UNetDecoder(nn.Module):
    """Doubling by repetition, the encoder's features beside, two convolutions; again.

    Attributes:
      num_classes: scores per pixel.
      widths: channels of the steps up, from the coarsest.
      norm: what follows each convolution.
      dropout: probability with which a channel is dropped before the scores.
      dtype: computed in.

    Source: Ronneberger 2015; with encoders of another making as usual today (Liu 2022).
    """

    num_classes: int
    widths: tuple[int, ...] = (256, 128, 64, 32, 16)
    norm: Norm = group_norm
    dropout: float = 0.0
    dtype: Dtype = None

    @nn.compact
    def __call__(
        self, features: Sequence[Array], size: Sequence[int], *, train: bool = False
    ) -> Array:
        """Features from fine to coarse ``[B, h, w, c]`` to ``[B, *size, classes]``."""
        x = features[-1]
        for skip, width in zip([*features[-2::-1], None], self.widths, strict=True):
            shape = tuple(size) if skip is None else skip.shape[1:-1]
            x = repeat_blocks(x, _factors(x, shape))
            if skip is not None:
                x = jnp.concatenate([x, skip], axis=-1)
            block = ConvBlock(width, (3, 3), self.norm, dtype=self.dtype)
            x = block(x, train=train)
        return Head(self.num_classes)(drop_channels(x, self.dropout, train=train))


class FPNDecoder(nn.Module):
    """A pyramid of features, each brought to a quarter of the size, and added.

    Attributes:
      num_classes: scores per pixel.
      pyramid: channels of the pyramid.
      width: channels of what is added up.
      norm: what follows each convolution after the pyramid.
      dropout: probability with which a channel is dropped before the scores.
      dtype: computed in.

    Source: Lin 2017 (the pyramid); Kirillov 2019 section 3 (its segmentation branch).
    """

    num_classes: int
    pyramid: int = 256
    width: int = 128
    norm: Norm = group_norm
    dropout: float = 0.0
    dtype: Dtype = None

    @nn.compact
    def __call__(
        self, features: Sequence[Array], size: Sequence[int], *, train: bool = False
    ) -> Array:
        """Features from fine to coarse ``[B, h, w, c]`` to ``[B, *size, classes]``.

        The finest one (stride 2) is left out, as in the pyramid's paper.
        """
        bias = self.norm is no_norm
        levels: list[Array] = []
        for feature in reversed(features[1:]):
            x = conv(self.pyramid, (1, 1), dtype=self.dtype)(feature)
            if levels:
                coarser = levels[-1]
                x += repeat_blocks(coarser, _factors(coarser, x.shape[1:-1]))
            levels.append(x)
        quarter = levels[-1].shape[1:-1]
        total = jnp.zeros((), levels[-1].dtype)
        for level in levels:
            x = level
            while True:
                x = conv(self.width, (3, 3), bias=bias, dtype=self.dtype)(x)
                x = nn.relu(self.norm(x, train=train))
                if x.shape[1:-1] == quarter:
                    break
                pairs = zip(x.shape[1:-1], quarter, strict=True)
                x = resize_linear(x, [min(2 * n, end) for n, end in pairs])
            total = total + x if total.ndim else x
        total = drop_channels(total, self.dropout, train=train)
        return resize_linear(Head(self.num_classes)(total), size)


class AtrousDecoder(nn.Module):
    """Convolutions of several dilations beside each other (ASPP), over one feature.

    Attributes:
      num_classes: scores per pixel.
      width: channels of each branch.
      rates: dilations of the branches of 3 x 3.
      norm: what follows each convolution.
      dropout: probability with which a channel is dropped before the scores.
      dtype: computed in.

    Source: Chen 2018, section 3.2 (parallel rates), with the 1 x 1 branch, the image's
    mean and the projection of Chen 2017, arXiv:1706.05587, section 3.3.
    """

    num_classes: int
    width: int = 256
    rates: tuple[int, ...] = (6, 12, 18)
    norm: Norm = group_norm
    dropout: float = 0.0
    dtype: Dtype = None

    @nn.compact
    def __call__(
        self, features: Sequence[Array], size: Sequence[int], *, train: bool = False
    ) -> Array:
        """The coarsest of the features ``[B, h, w, c]`` to ``[B, *size, classes]``."""
        bias = self.norm is no_norm

        def layer(x: Array, kernel: int, rate: int = 1) -> Array:
            x = conv(
                self.width,
                (kernel, kernel),
                dilation=rate,
                bias=bias,
                dtype=self.dtype,
            )(x)
            return nn.relu(self.norm(x, train=train))

        x = features[-1]
        mean = jnp.mean(x, axis=(1, 2), keepdims=True)
        whole = nn.relu(conv(self.width, (1, 1), dtype=self.dtype)(mean))
        branches = [
            layer(x, 1),
            *(layer(x, 3, rate) for rate in self.rates),
            jnp.broadcast_to(whole, (*x.shape[:-1], self.width)),
        ]
        x = layer(jnp.concatenate(branches, axis=-1), 1)
        x = drop_channels(x, self.dropout, train=train)
        return resize_linear(Head(self.num_classes)(x), size)


def _factors(x: Array, shape: Sequence[int]) -> tuple[int, ...]:
    """How often each pixel of `x` is repeated to fill `shape`."""
    return tuple(n // k for n, k in zip(shape, x.shape[1:-1], strict=True))
