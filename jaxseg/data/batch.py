"""A batch of images with ground truth, and its padding to a number of devices."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxseg.data.images import VOID
from jaxseg.numerics import safe_ratio
from jaxseg.targets import is_hard


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Batch:
    """Images of one step.

    Attributes:
      images: ``[B, H, W, C]`` uint8 in [0, 255] or floating in [0, 1], or
        ``[B, X, Y, Z, C]`` floating and normalised.
      labels: ``[B, H, W]`` or ``[B, X, Y, Z]`` class ids, 255 for void; or floating
        shares of the classes ``[B, ..., classes]``, 0 for void.
      real: ``[B]`` bool, False for an image that only fills up a batch.
      positions: ``[B]`` int32, place in the batch of all devices; random augmentation
        depends on it and not on the device.
      annotated: ``[B, classes]`` or ``[B, regions]`` bool, False for what the labels of
        an image leave out; None where all images are annotated for all.
    """

    images: Array | np.ndarray
    labels: Array | np.ndarray
    real: Array | np.ndarray
    positions: Array | np.ndarray
    annotated: Array | np.ndarray | None = None

    @classmethod
    def of(cls, images: Array | np.ndarray, labels: Array | np.ndarray) -> "Batch":
        """A batch in which every image is real."""
        size = len(images)
        return cls(images, labels, np.ones(size, bool), np.arange(size, dtype=np.int32))


def split_batch(batch: Batch, parts: int, each: int | None = None) -> Batch:
    """The batch with leading axes ``[parts, each]``, filled up where images are few.

    Filling images are zeros, not real, and so masked out of everything.

    Args:
      batch: of at most parts * each images.
      parts: how many parts.
      each: images a part; None for as few as will do.
    """
    size = len(batch.images)
    missing = -size % parts if each is None else parts * each - size

    def shape(leaf: Array | np.ndarray) -> Array | np.ndarray:
        module = np if isinstance(leaf, np.ndarray) else jnp
        if missing:
            widths = [(0, missing)] + [(0, 0)] * (leaf.ndim - 1)
            leaf = module.pad(leaf, widths)
        return leaf.reshape(parts, -1, *leaf.shape[1:])

    return jax.tree.map(shape, batch)


def unit_images(batch: Batch) -> Array:
    """The images in float32 (or wider); 8-bit ones are brought to [0, 1]."""
    images = jnp.asarray(batch.images)
    if jnp.issubdtype(images.dtype, jnp.integer):
        return images.astype(jnp.float32) / 255
    return images


def counted_pixels(batch: Batch) -> Array:
    """``[B, ...]`` bool: pixels that are neither void nor of a filling image.

    Of shares, a pixel counts of which at least half is not void.
    """
    labels = jnp.asarray(batch.labels)
    known = labels != VOID if is_hard(labels) else jnp.sum(labels, axis=-1) >= 0.5
    real = jnp.asarray(batch.real)
    return known & real.reshape(-1, *(1 for _ in known.shape[1:]))


def truth_of(batch: Batch) -> Array:
    """Labels as losses take them: int32 class ids, or shares that add up to 1."""
    labels = jnp.asarray(batch.labels)
    if is_hard(labels):
        return labels.astype(jnp.int32)
    return safe_ratio(labels, jnp.sum(labels, axis=-1, keepdims=True), 0)
