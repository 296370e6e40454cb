"""VGG-16 without its classifier, with strides that can be exchanged for dilation."""

import flax.linen as nn
from jax import Array

from jaxseg.models.layers import Dtype, conv, max_pool
from jaxseg.models.norms import NamedNorm, Norm, group_norm, no_norm

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and convolutions of each stage; pooling follows it."""


class VGG16(nn.Module):
    """Features of an image at strides 1, 2, 4, 8 and 16, each before its pooling.

    Attributes:
      output_stride: 16, or 8 where the last stage dilates instead (DeepLab's pools
        without a stride there).
      width: channels of the first stage, 64 in the literature.
      norm: what follows each convolution; `no_norm` is the original, named as
        torchvision's vgg16, any other as its vgg16_bn.
      dtype: computed in.

    Source: Simonyan 2015; Chen 2018 (dilation).
    """

    output_stride: int = 16
    width: int = 64
    norm: Norm = group_norm
    dtype: Dtype = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> list[Array]:
        """``[B, H, W, C]``, sizes multiples of 16, to five features ``[B, h, w, c]``.

        Raises:
          ValueError: the output stride is not 8 or 16.
        """
        if self.output_stride not in (8, 16):
            raise ValueError(f"output_stride must be 8 or 16: {self.output_stride}")
        features: list[Array] = []
        index, reached, dilation = 0, 1, 1
        normed = self.norm is not no_norm
        for channels, count in STAGES:
            if features and reached < self.output_stride:
                x, reached = max_pool(x, 2, 2), 2 * reached
                index += 1
            elif features:
                x = max_pool(x, 3, 1)
                dilation *= 2
                index += 1
            for _ in range(count):
                x = conv(
                    channels * self.width // 64,
                    (3, 3),
                    dilation=dilation,
                    dtype=self.dtype,
                    name=f"features_{index}",
                )(x)
                if normed:
                    named = NamedNorm(self.norm, name=f"features_{index + 1}")
                    x = named(x, train=train)
                x = nn.relu(x)
                index += 3 if normed else 2
            features.append(x)
        return features
