"""A network of two paths, one for detail and one for surroundings."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from jaxseg.models.layers import (
    Activation,
    Dtype,
    Head,
    Scores,
    conv,
    crop,
    drop_channels,
    fill_up,
    mean_blocks,
    repeat_blocks,
)
from jaxseg.models.norms import Norm, group_norm, no_norm


class Path(nn.Module):
    """Convolutions of three pixels along each axis, with a short cut over each pair."""

    widths: tuple[int, ...]
    norm: Norm
    activation: Activation
    dtype: Dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """``[B, *size, C]`` to ``[B, *size, widths[-1]]``.

        A short cut reaches from the end of each pair but the first to that of the next;
        channels that it lacks are zero.
        """
        kernel = (3,) * (x.ndim - 2)
        before = None
        for index, width in enumerate(self.widths):
            x = conv(width, kernel, bias=self.norm is no_norm, dtype=self.dtype)(x)
            x = self.norm(x, train=train)
            if index % 2 == 1:
                if before is not None:
                    missing = width - before.shape[-1]
                    widths = [(0, 0)] * (x.ndim - 1) + [(0, missing)]
                    x += jnp.pad(before, widths)
                before = x
            x = self.activation(x)
        return x


class DeepMedic(nn.Module):
    """A path at full resolution and one over images that are coarser by a factor.

    Their features, the coarse ones repeated, go through two layers of one pixel. The
    original works on small patches without padding; here zeros lie around the image,
    and its size is that of the scores.

    Attributes:
      num_classes: scores per voxel.
      widths: channels of the layers of each path, never falling; an even number.
      top: channels of the two last layers.
      factor: of the coarse path along each axis, odd in the original.
      norm: what follows each convolution.
      dropout: probability with which a channel is dropped before the scores.
      activation: after each normalisation.
      dtype: computed in.

    Source: Kamnitsas 2017, figure 5 and section 3.2; short cuts of Kamnitsas 2016.
    """

    num_classes: int
    widths: tuple[int, ...] = (30, 30, 40, 40, 40, 40, 50, 50)
    top: int = 150
    factor: int = 3
    norm: Norm = group_norm
    dropout: float = 0.0
    activation: Activation = nn.relu
    dtype: Dtype = None

    @nn.compact
    def __call__(self, images: Array, *, train: bool = False) -> Scores:
        """``[B, *size, C]`` images to ``[B, *size, num_classes]`` scores.

        Sizes that the factor does not divide are filled up by mirroring and cropped.
        """
        size = images.shape[1:-1]
        block = (self.factor,) * len(size)
        one = (1,) * len(size)
        x = fill_up(images, block)
        coarse = mean_blocks(x, block)
        options = (self.widths, self.norm, self.activation, self.dtype)
        fine = Path(*options, name="fine")(x, train=train)
        coarse = Path(*options, name="coarse")(coarse, train=train)
        x = jnp.concatenate([fine, repeat_blocks(coarse, block)], axis=-1)
        for _ in range(2):
            x = conv(self.top, one, bias=self.norm is no_norm, dtype=self.dtype)(x)
            x = self.activation(self.norm(x, train=train))
        x = drop_channels(x, self.dropout, train=train)
        return crop(Head(self.num_classes)(x), size)
