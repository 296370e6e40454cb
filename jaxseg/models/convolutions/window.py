"""How a kernel moves over images, and XLA's own convolution under it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

LAYOUT = ("NHWC", "HWIO", "NHWC")


class Window(NamedTuple):
    """Settings of a convolution of images, for rows and for columns.

    Attributes:
      strides: pixels from one output to the next.
      padding: zeros before and after.
      dilation: pixels from one tap of the kernel to the next.
      groups: of channels that do not see each other.
      precision: of products, as `lax.conv_general_dilated` has it.
    """

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    precision: Any = None

    def conv(self, x: Array, kernel: Array) -> Array:
        """``[B, H, W, C]`` with ``[h, w, C / groups, out]``, by XLA."""
        return lax.conv_general_dilated(
            x,
            kernel,
            self.strides,
            self.padding,
            rhs_dilation=self.dilation,
            dimension_numbers=LAYOUT,
            feature_group_count=self.groups,
            precision=self.precision,
        )

    def input_gradient(self, x: Array, kernel: Array, slope: Array) -> Array:
        """Gradient of `conv` by its input, from `slope` by its outputs."""
        return jax.vjp(lambda x: self.conv(x, kernel), x)[1](slope)[0]

    def kernel_gradient(self, x: Array, kernel: Array, slope: Array) -> Array:
        """Gradient of `conv` by its kernel, from `slope` by its outputs."""
        return jax.vjp(lambda w: self.conv(x, w), kernel)[1](slope)[0]

    def padded(self, x: Array) -> Array:
        """``[B, H, W, C]`` with zeros around."""
        return jnp.pad(x, ((0, 0), *self.padding, (0, 0)))

    def reach(self, taps: Sequence[int]) -> tuple[int, ...]:
        """Pixels that a kernel of so many taps spans."""
        spans = zip(taps, self.dilation, strict=True)
        return tuple(apart * (count - 1) + 1 for count, apart in spans)
