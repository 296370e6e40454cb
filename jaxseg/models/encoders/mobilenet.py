"""MobileNetV2: depthwise convolutions between narrow layers."""

import flax.linen as nn
from jax import Array

from jaxseg.models.layers import Dtype, conv, multiple_of_8
from jaxseg.models.norms import NamedNorm, Norm, group_norm, no_norm

STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks, first stride of each stage (Sandler 2018, Table 2)."""
LAST = 1280


class InvertedResidual(nn.Module):
    """Expand by a 1 x 1, filter each channel by a 3 x 3, project by a 1 x 1."""

    features: int
    expansion: int
    stride: int
    norm: Norm
    dtype: Dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """``[B, H, W, C]`` to ``[B, H / stride, W / stride, features]``."""
        inner = x.shape[-1] * self.expansion
        y, index = x, 0
        if self.expansion > 1:
            y = _layer(self, y, inner, 1, f"conv_{index}", train=train)
            index += 1
        y = _layer(
            self,
            y,
            inner,
            3,
            f"conv_{index}",
            stride=self.stride,
            groups=inner,
            train=train,
        )
        project = conv(
            self.features,
            (1, 1),
            bias=self.norm is no_norm,
            dtype=self.dtype,
            name=f"conv_{index + 1}",
        )
        y = NamedNorm(self.norm, name=f"conv_{index + 2}")(project(y), train=train)
        same = self.stride == 1 and x.shape[-1] == self.features
        return x + y if same else y


class MobileNetV2(nn.Module):
    """Features of an image at strides 2, 4, 8, 16 and 32.

    Attributes:
      multiplier: of all numbers of channels, which are then rounded to multiples of 8.
      norm: what follows each convolution.
      dtype: computed in.

    Source: Sandler 2018.
    """

    multiplier: float = 1.0
    norm: Norm = group_norm
    dtype: Dtype = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> list[Array]:
        """``[B, H, W, C]``, sizes multiples of 32, to five features."""
        first = multiple_of_8(32 * self.multiplier)
        x = _layer(self, x, first, 3, "features_0", stride=2, train=train)
        features = []
        index = 1
        for expansion, channels, count, stage_stride in STAGES:
            for repeat in range(count):
                stride = stage_stride if repeat == 0 else 1
                if stride > 1:
                    features.append(x)
                x = InvertedResidual(
                    multiple_of_8(channels * self.multiplier),
                    expansion,
                    stride,
                    self.norm,
                    self.dtype,
                    name=f"features_{index}",
                )(x, train=train)
                index += 1
        last = multiple_of_8(LAST * max(self.multiplier, 1.0))
        x = _layer(self, x, last, 1, f"features_{index}", train=train)
        return [*features, x]


def _layer(
    of: MobileNetV2 | InvertedResidual,
    x: Array,
    features: int,
    size: int,
    name: str,
    *,
    train: bool,
    stride: int = 1,
    groups: int = 1,
) -> Array:
    """Convolution, normalisation and min(max(x, 0), 6) inside a compact method."""
    x = conv(
        features,
        (size, size),
        strides=(stride, stride),
        groups=groups,
        bias=of.norm is no_norm,
        dtype=of.dtype,
        name=f"{name}_0",
    )(x)
    return nn.relu6(NamedNorm(of.norm, name=f"{name}_1")(x, train=train))
