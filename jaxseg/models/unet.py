"""The U-Net of Ronneberger 2015, with a normalisation and any image size."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from jaxseg.models.norms import Norm, group_norm


class DoubleConv(nn.Module):
    """Twice: 3 x 3 convolution, normalisation, ReLU."""

    features: int
    norm: Norm = group_norm

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """``[B, H, W, C]`` to ``[B, H, W, features]``."""
        for _ in range(2):
            x = nn.Conv(self.features, (3, 3))(x)
            x = nn.relu(self.norm(x))
        return x


class UNet(nn.Module):
    """Encoder, decoder and the bridges between them.

    Attributes:
      num_classes: scores per pixel.
      depth: how often the resolution is halved, >= 1.
      width: channels at full resolution; they double with each halving.
      norm: what follows each convolution.
    """

    num_classes: int
    depth: int = 4
    width: int = 16
    norm: Norm = group_norm

    @nn.compact
    def __call__(self, images: Array) -> Array:
        """``[B, H, W, C]`` images to ``[B, H, W, num_classes]`` scores.

        Sizes that 2 ** depth does not divide are filled up by mirroring and cropped.
        """
        height, width = images.shape[1:3]
        x = _fill_up(images, 2**self.depth)
        bridges = []
        for level in range(self.depth):
            x = DoubleConv(self.width * 2**level, self.norm)(x)
            bridges.append(x)
            x = _halve(x)
        x = DoubleConv(self.width * 2**self.depth, self.norm)(x)
        for level in reversed(range(self.depth)):
            features = self.width * 2**level
            x = nn.ConvTranspose(features, (2, 2), strides=(2, 2))(x)
            x = DoubleConv(features, self.norm)(
                jnp.concatenate([bridges[level], x], axis=-1)
            )
        return nn.Conv(self.num_classes, (1, 1))(x)[:, :height, :width]


def _halve(x: Array) -> Array:
    """The largest of each 2 x 2 block, by a reshape (faster than a window on a CPU)."""
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return jnp.max(blocks, axis=(2, 4))


def _fill_up(images: Array, multiple: int) -> Array:
    height, width = images.shape[1:3]
    missing = ((0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0))
    return (
        jnp.pad(images, missing, mode="symmetric") if any(map(any, missing)) else images
    )


def count_parameters(params: object) -> int:
    """Number of trained numbers."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))
