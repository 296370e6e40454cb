"""EfficientNet-Lite: depthwise convolutions without squeezing, min(max(x, 0), 6)."""

import math

import flax.linen as nn
from jax import Array

from jaxseg.models.layers import Dtype, conv, multiple_of_8
from jaxseg.models.norms import NamedNorm, Norm, group_norm, no_norm, with_epsilon

STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""Expansion, channels, blocks, first stride and kernel of each stage (Tan 2019, Table
1); the first and the last one are as deep in all sizes of the family."""
STEM = 32
"""Channels before the first stage, in all sizes of the family."""
EPSILON = 1e-3
"""Of batch normalisation."""


class Block(nn.Module):
    """Expand by a 1 x 1, filter each channel, project by a 1 x 1."""

    features: int
    expansion: int
    stride: int
    kernel: int
    norm: Norm
    dtype: Dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """``[B, H, W, C]`` to ``[B, H / stride, W / stride, features]``."""
        inner = x.shape[-1] * self.expansion
        y = x
        if self.expansion > 1:
            y = _conv(self, y, inner, 1, "_expand_conv")
            y = nn.relu6(_norm(self, y, "_bn0", train=train))
        y = _conv(
            self,
            y,
            inner,
            self.kernel,
            "_depthwise_conv",
            stride=self.stride,
            groups=inner,
        )
        y = nn.relu6(_norm(self, y, "_bn1", train=train))
        y = _conv(self, y, self.features, 1, "_project_conv")
        y = _norm(self, y, "_bn2", train=train)
        same = self.stride == 1 and x.shape[-1] == self.features
        return x + y if same else y


class EfficientNetLite(nn.Module):
    """Features of an image at strides 2, 4, 8, 16 and 32, each the last of its size.

    Zeros lie around as TensorFlow puts them, so that a stride of 2 sees one more
    behind than before. The stochastic depth of its training is left out.

    Attributes:
      widening: of the stages, to multiples of 8: 1 is Lite0 and Lite1, 1.1 Lite2.
      deepening: of all stages but the first and the last: 1 is Lite0, 1.1 Lite1, 1.2
        Lite2.
      multiplier: of all numbers of channels, which are then rounded to multiples of 8.
      norm: what follows each convolution.
      dtype: computed in.

    Source: Tan 2019 (EfficientNet-B0), without squeeze-and-excitation and swish, as
    released as EfficientNet-Lite; names are those of ``efficientnet_lite_pytorch``.
    """

    widening: float = 1.0
    deepening: float = 1.0
    multiplier: float = 1.0
    norm: Norm = group_norm
    dtype: Dtype = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> list[Array]:
        """``[B, H, W, C]``, sizes multiples of 32, to five features."""
        first = multiple_of_8(STEM * self.multiplier)
        x = _conv(self, x, first, 3, "_conv_stem", stride=2)
        x = nn.relu6(_norm(self, x, "_bn0", train=train))
        features = []
        index = 0
        for stage, (expansion, channels, count, first_stride, kernel) in enumerate(
            STAGES
        ):
            width = multiple_of_8(channels * self.widening)
            inside = 0 < stage < len(STAGES) - 1
            for repeat in range(math.ceil(self.deepening * count) if inside else count):
                stride = first_stride if repeat == 0 else 1
                if stride > 1:
                    features.append(x)
                x = Block(
                    multiple_of_8(width * self.multiplier),
                    expansion,
                    stride,
                    kernel,
                    self.norm,
                    self.dtype,
                    name=f"_blocks_{index}",
                )(x, train=train)
                index += 1
        return [*features, x]


def _conv(
    of: EfficientNetLite | Block,
    x: Array,
    features: int,
    size: int,
    name: str,
    *,
    stride: int = 1,
    groups: int = 1,
) -> Array:
    """A convolution inside a compact method."""
    around = max(size - stride, 0)
    return conv(
        features,
        (size, size),
        strides=(stride, stride),
        groups=groups,
        padding=((around // 2, around - around // 2),) * 2,
        bias=of.norm is no_norm,
        dtype=of.dtype,
        name=name,
    )(x)


def _norm(of: EfficientNetLite | Block, x: Array, name: str, *, train: bool) -> Array:
    return NamedNorm(with_epsilon(of.norm, EPSILON), name=name)(x, train=train)
