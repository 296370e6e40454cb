"""An encoder with a decoder, and two of them in a row."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from jaxseg import links
from jaxseg.links import Link
from jaxseg.models.layers import Scores, crop, fill_up, prediction


class EncoderDecoder(nn.Module):
    """Scores at the size of the image from the features of an encoder.

    Attributes:
      encoder: image to features from fine to coarse.
      decoder: features and a size to scores.
      multiple: what the encoder needs sizes to be multiples of.
    """

    encoder: nn.Module
    decoder: nn.Module
    multiple: int = 32

    def __call__(self, images: Array, *, train: bool = False) -> Scores:
        """``[B, H, W, C]`` images to ``[B, H, W, classes]`` scores.

        Sizes that are no multiple are filled up by mirroring and cropped.

        Raises:
          ValueError: the images are not two-dimensional.
        """
        if images.ndim != 4:
            raise ValueError(
                f"this encoder takes images [B, H, W, C], not {images.shape}"
            )
        size = images.shape[1:-1]
        x = fill_up(images, (self.multiple,) * 2)
        features = self.encoder(x, train=train)
        return crop(self.decoder(features, x.shape[1:-1], train=train), size)


class Cascade(nn.Module):
    """A second network that sees the image and what the first one made of it.

    Attributes:
      first: images to scores.
      second: images with probabilities as further channels to scores.
      link: scores to probabilities.

    Source: Galdran 2022 section 2.3, after Galdran 2021 (the same loss on both).
    """

    first: nn.Module
    second: nn.Module
    link: Link = links.softmax

    def __call__(self, images: Array, *, train: bool = False) -> Scores:
        """``[B, H, W, C]`` images to ``[B, H, W, classes]`` scores of the second.

        In training a tuple with those of the first as well, of the same size, both for
        the loss: `losses.deep_supervision` with equal weights.
        """
        early = prediction(self.first(images, train=train))
        probs = self.link(early).astype(images.dtype)
        both = jnp.concatenate([images, probs], axis=-1)
        late = prediction(self.second(both, train=train))
        return (late, early) if train else late
