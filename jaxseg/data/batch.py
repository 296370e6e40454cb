"""A batch of images with ground truth, and its padding to a number of devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.data.images import VOID


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Batch:
    """Images of one step.

    Attributes:
      images: ``[B, H, W, C]`` uint8 in [0, 255] or floating in [0, 1].
      labels: ``[B, H, W]`` class ids, 255 for void.
      real: ``[B]`` bool, False for an image that only fills up a batch.
      positions: ``[B]`` int32, place in the batch of all devices; random augmentation
        depends on it and not on the device.
    """

    images: Array | np.ndarray
    labels: Array | np.ndarray
    real: Array | np.ndarray
    positions: Array | np.ndarray

    @classmethod
    def of(cls, images: Array | np.ndarray, labels: Array | np.ndarray) -> "Batch":
        """A batch in which every image is real."""
        size = len(images)
        return cls(images, labels, np.ones(size, bool), np.arange(size, dtype=np.int32))


def split(batch: Batch, parts: int) -> Batch:
    """The batch with leading axes ``[parts, B / parts]``, filled up to divide evenly.

    Filling images are zeros, not real, and so masked out of everything.
    """
    size = len(batch.images)
    missing = -size % parts

    def shape(leaf: Array | np.ndarray) -> Array | np.ndarray:
        module = np if isinstance(leaf, np.ndarray) else jnp
        if missing:
            widths = [(0, missing)] + [(0, 0)] * (leaf.ndim - 1)
            leaf = module.pad(leaf, widths)
        return leaf.reshape(parts, -1, *leaf.shape[1:])

    return jax.tree.map(shape, batch)


def unit_images(batch: Batch) -> Array:
    """The images in float32 (or wider), from 0 to 1."""
    images = jnp.asarray(batch.images)
    if jnp.issubdtype(images.dtype, jnp.integer):
        return images.astype(jnp.float32) / 255
    return images


def counted(batch: Batch) -> Array:
    """``[B, H, W]`` bool: pixels that are neither void nor of a filling image."""
    labels = jnp.asarray(batch.labels)
    return (labels != VOID) & jnp.asarray(batch.real)[:, None, None]
