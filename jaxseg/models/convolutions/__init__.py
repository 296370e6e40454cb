"""Convolutions, computed as the backend does them fastest.

Accelerators take XLA's own. On a CPU each kind has its own way: those of volumes go
by planes, depthwise ones are shifted products, those of one pixel products of matrices,
and gradients of weights are summed over parts of the images.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import Array, lax

from jaxseg.models.convolutions.images import conv_of_images
from jaxseg.models.convolutions.volumes import conv_of_volumes
from jaxseg.models.convolutions.window import Window


def convolution(axes: int) -> Callable[..., Array]:
    """What computes a convolution of that many spatial axes here."""
    known = axes in (2, 3) and jax.default_backend() == "cpu"
    return conv_on_cpu if known else lax.conv_general_dilated


def conv_on_cpu(
    lhs: Array,
    rhs: Array,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    *,
    rhs_dilation: Sequence[int] | None = None,
    feature_group_count: int = 1,
    precision: Any = None,
    lhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    preferred_element_type: Any = None,
) -> Array:
    """`lax.conv_general_dilated` of ``[B, *size, C]`` with ``[*taps, in, out]``.

    Two or three spatial axes; transposed convolutions and other layouts are not for it.
    """
    del lhs_dilation, dimension_numbers, preferred_element_type
    axes = lhs.ndim - 2
    window = Window(
        tuple(window_strides),
        tuple((before, after) for before, after in padding),
        tuple(rhs_dilation or (1,) * axes),
        feature_group_count,
        precision,
    )
    conv = conv_of_images if axes == 2 else conv_of_volumes
    return conv(lhs, rhs, window)
