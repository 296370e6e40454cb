"""Intensities as a network sees them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np
from jax import Array


def standardize(image: Array) -> Array:
    """`image` ``[..., H, W, C]`` with mean 0 and standard deviation 1 per channel.

    A constant channel becomes 0. Each image is its own reference, so that dark and
    bright images look alike to the network.
    """
    mean = jnp.mean(image, axis=(-3, -2), keepdims=True)
    centred = image - mean
    variance = jnp.mean(jnp.square(centred), axis=(-3, -2), keepdims=True)
    return centred * jnp.where(variance > 1e-12, 1 / jnp.sqrt(variance + 1e-12), 0)


IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def imagenet(image: Array) -> Array:
    """`image` ``[..., H, W, C]`` in [0, 1] as torchvision's weights expect it.

    Colours are shifted and scaled by their mean and standard deviation over ImageNet;
    an image of one channel by the means of these over the colours.
    """
    mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    if image.shape[-1] == 1:
        mean, std = mean.mean(keepdims=True), std.mean(keepdims=True)
    along = (1,) * (image.ndim - 1) + (-1,)
    mean, std = (x.astype(image.dtype).reshape(along) for x in (mean, std))
    return (image - mean) / std


def efficientnet_lite(image: Array) -> Array:
    """`image` in [0, 1] as the weights of EfficientNet-Lite expect it.

    (x - 127) / 128 where x is in [0, 255].
    """
    return (255 * image - 127) / 128


NORMALISATIONS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "image": standardize,
        "imagenet": imagenet,
        "efficientnet_lite": efficientnet_lite,
    }
)
"""Images ``[..., H, W, C]`` in [0, 1] to a network's input, by name."""


@dataclasses.dataclass(frozen=True)
class Window:
    """How the intensities of a CT channel, whose unit is absolute, are normalised.

    Values are cut off at `low` and `high`, percentiles of the training cases, and then
    brought to mean 0 and standard deviation 1 by the training cases' `mean` and `std`.

    Source: Ma 2021, section 3.2.
    """

    low: float
    high: float
    mean: float
    std: float

    @classmethod
    def of(cls, values: np.ndarray, percentiles: tuple[float, float]) -> "Window":
        """The window of a sample of intensities ``[N]``, for example (0.5, 99.5) %."""
        low, high = np.percentile(values.astype(float), percentiles)
        kept = np.clip(values.astype(float), low, high)
        return cls(float(low), float(high), float(kept.mean()), float(kept.std()))


def normalize(voxels: np.ndarray, windows: Sequence[Window | None]) -> np.ndarray:
    """``[X, Y, Z, C]`` float32 intensities of a case, each channel by its rule.

    Args:
      voxels: intensities as stored.
      windows: of each channel; None for one without an absolute unit, such as MR, which
        gets mean 0 and standard deviation 1 over the case. A constant channel is 0.
    """
    out = np.empty(voxels.shape, np.float32)
    for channel, window in enumerate(windows):
        plane = voxels[..., channel].astype(np.float32)
        if window is None:
            mean, std = plane.mean(dtype=float), plane.std(dtype=float)
        else:
            plane = np.clip(plane, window.low, window.high)
            mean, std = window.mean, window.std
        out[..., channel] = (plane - mean) / std if std > 1e-8 else 0
    return out
