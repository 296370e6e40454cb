"""Distance maps of all classes of one image, the weights of boundary losses."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxseg.distance import Spacing, signed_distance
from jaxseg.targets import as_targets


def class_maps(
    transform: Callable[..., Array],
    shares: Array,
    *,
    spacing: Spacing | None = None,
    where: Array | None = None,
) -> Array:
    """A map of each class's mask in one image, without gradient.

    Args:
      transform: ``(mask, *, spacing, where)`` to a map of the mask's shape, such as
        `jaxseg.distance.signed_distance`.
      shares: ``[..., C]`` probabilities or targets; above one half is inside.
      spacing: size of a pixel along each axis of the image, or one number; None is 1.
      where: ``[...]`` bool, False for pixels that belong to no side.

    Returns:
      ``[..., C]``, one map per class.
    """
    masks = jnp.moveaxis(lax.stop_gradient(shares) > 0.5, -1, 0)
    maps = jax.vmap(lambda mask: transform(mask, spacing=spacing, where=where))(masks)
    return lax.stop_gradient(jnp.moveaxis(maps, 0, -1))


def signed_distance_maps(
    labels: Array,
    num_classes: int,
    *,
    spacing: Spacing | None = None,
    where: Array | None = None,
) -> Array:
    """Signed distance to the boundary of each class in one image, negative inside.

    For `boundary_loss`, where the maps are made once, as data are loaded;
    ``jax.vmap(lambda y: signed_distance_maps(y, 4))`` for a batch.

    Args:
      labels: ``[...]`` class ids (with one class its id is 1), or ``[..., C]`` targets.
      num_classes: C.
      spacing: size of a pixel along each axis of the image, or one number; None is 1.
      where: ``[...]`` bool, False for pixels that belong to no side.

    Returns:
      ``[..., C]``; 0 for a class that is absent or fills the image.
    """
    labels = jnp.asarray(labels)
    soft = jnp.issubdtype(labels.dtype, jnp.floating)
    pixels = labels.shape[:-1] if soft else labels.shape
    targets = as_targets(labels, jnp.zeros((*pixels, num_classes)))
    return class_maps(signed_distance, targets, spacing=spacing, where=where)
