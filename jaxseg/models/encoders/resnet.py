"""ResNet and ResNeXt, with strides that can be exchanged for dilation."""

import flax.linen as nn
from jax import Array

from jaxseg.models.layers import Dtype, conv, max_pool
from jaxseg.models.norms import NamedNorm, Norm, group_norm, no_norm


class Block(nn.Module):
    """Two convolutions of 3 x 3, or a bottleneck of three, beside a short cut.

    Attributes:
      planes: channels of a convolution of 3 x 3, before widening by groups.
      bottleneck: 1 x 1, 3 x 3 and 1 x 1 to four times `planes`.
      stride: of the (first) convolution of 3 x 3.
      dilation: of the same.
      groups: of channels in a bottleneck's 3 x 3.
      group_width: its channels per group where `planes` is 64.
      norm: what follows each convolution.
      dtype: computed in.
    """

    planes: int
    bottleneck: bool
    stride: int
    dilation: int
    groups: int
    group_width: int
    norm: Norm
    dtype: Dtype

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """``[B, H, W, C]`` to ``[B, H / stride, W / stride, planes (times 4)]``."""

        def layer(x: Array, index: int, features: int, size: int, **options) -> Array:
            options = {"bias": self.norm is no_norm, "dtype": self.dtype, **options}
            x = conv(features, (size, size), name=f"conv{index}", **options)(x)
            return NamedNorm(self.norm, name=f"bn{index}")(x, train=train)

        strides = (self.stride, self.stride)
        spread = {"strides": strides, "dilation": self.dilation}
        if self.bottleneck:
            inner = int(self.planes * self.group_width / 64) * self.groups
            outer = 4 * self.planes
            y = nn.relu(layer(x, 1, inner, 1))
            y = nn.relu(layer(y, 2, inner, 3, groups=self.groups, **spread))
            y = layer(y, 3, outer, 1)
        else:
            outer = self.planes
            y = nn.relu(layer(x, 1, outer, 3, **spread))
            y = layer(y, 2, outer, 3)
        if self.stride > 1 or x.shape[-1] != outer:
            short = conv(
                outer,
                (1, 1),
                strides=strides,
                bias=self.norm is no_norm,
                dtype=self.dtype,
                name="downsample_0",
            )
            x = NamedNorm(self.norm, name="downsample_1")(short(x), train=train)
        return nn.relu(x + y)


class ResNet(nn.Module):
    """Features of an image at strides 2, 4, 8, 16 and 32.

    Attributes:
      blocks: how many in each of the four stages: (2, 2, 2, 2) is ResNet-18, (3, 4, 6,
        3) ResNet-34 and, with bottlenecks, ResNet-50; (3, 4, 23, 3) ResNet-101, (3, 8,
        36, 3) ResNet-152.
      bottleneck: blocks of three convolutions.
      groups: 32 is ResNeXt.
      group_width: with `groups` 32, 4 is ResNeXt-50 and 8 ResNeXt-101.
      output_stride: 32, or 16 or 8 where the last stages dilate instead.
      width: channels of the first layer, 64 in the literature.
      norm: what follows each convolution.
      dtype: computed in.

    Source: He 2016; Xie 2017; strides as in torchvision, which has those of bottlenecks
    in their 3 x 3 convolution.
    """

    blocks: tuple[int, int, int, int]
    bottleneck: bool = False
    groups: int = 1
    group_width: int = 64
    output_stride: int = 32
    width: int = 64
    norm: Norm = group_norm
    dtype: Dtype = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool = False) -> list[Array]:
        """``[B, H, W, C]``, sizes multiples of 32, to five features ``[B, h, w, c]``.

        Raises:
          ValueError: the output stride is not 8, 16 or 32.
        """
        if self.output_stride not in (8, 16, 32):
            raise ValueError(f"output_stride must be 8, 16 or 32: {self.output_stride}")
        stem = conv(
            self.width,
            (7, 7),
            strides=(2, 2),
            bias=self.norm is no_norm,
            dtype=self.dtype,
            name="conv1",
        )
        x = nn.relu(NamedNorm(self.norm, name="bn1")(stem(x), train=train))
        features = [x]
        x = max_pool(x, 3, 2)
        reached, dilation = 4, 1
        for stage, count in enumerate(self.blocks):
            before = dilation
            stride = 1 if stage == 0 else 2
            if reached * stride > self.output_stride:
                dilation, stride = dilation * stride, 1
            reached *= stride
            for index in range(count):
                x = Block(
                    self.width * 2**stage,
                    self.bottleneck,
                    stride if index == 0 else 1,
                    before if index == 0 else dilation,
                    self.groups,
                    self.group_width,
                    self.norm,
                    self.dtype,
                    name=f"layer{stage + 1}_{index}",
                )(x, train=train)
            features.append(x)
        return features
