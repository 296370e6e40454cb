"""Distance maps of all classes of one image, the weights of boundary losses."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxseg.distance import Spacing, signed_distance
from jaxseg.losses.images import check_rank
from jaxseg.targets import as_targets, is_hard, refuse_unknown_ids


def class_maps(
    transform: Callable[..., Array],
    shares: Array,
    *,
    spacing: Spacing | None = None,
    where: Array | None = None,
) -> Array:
    """A map of each class's mask in one image, without gradient.

    Example:
      >>> ids = jnp.array([0, 1, 1, 1])
      >>> class_maps(signed_distance, jax.nn.one_hot(ids, 2)).tolist()
      [[-1.0, 1.0], [1.0, -1.0], [2.0, -2.0], [3.0, -3.0]]

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
    planes = planes_of_masks(transform, masks, spacing=spacing, where=where)
    return jnp.moveaxis(planes, 0, -1)


def planes_of_masks(
    transform: Callable[..., Array],
    masks: Array,
    *,
    spacing: Spacing | None = None,
    where: Array | None = None,
) -> Array:
    """A map of each of several masks of one image, without gradient.

    On a CPU one after another, which takes less memory and so less time; elsewhere all
    at once.

    Args:
      transform: as for `class_maps`.
      masks: ``[K, ...]`` bool.
      spacing: size of a pixel along each axis of the image, or one number; None is 1.
      where: ``[...]`` bool, False for pixels that belong to no side.

    Returns:
      ``[K, ...]``, one map per mask.
    """

    def of_one(mask: Array) -> Array:
        return transform(mask, spacing=spacing, where=where)

    planes = lax.platform_dependent(
        masks, cpu=lambda masks: lax.map(of_one, masks), default=jax.vmap(of_one)
    )
    return lax.stop_gradient(planes)


def signed_distance_maps(
    labels: Array,
    num_classes: int,
    *,
    spacing: Spacing | None = None,
    spatial: int | None = None,
    where: Array | None = None,
) -> Array:
    """Signed distance to the boundary of each class in one image, negative inside.

    For `boundary_loss`, where the maps are made once, as data are loaded: the loss is
    the same, and no geometric augmentation may follow. Training makes them in the step,
    of which they are about a hundredth.

    Example:
      >>> maps = signed_distance_maps(jnp.array([0, 1, 1, 1]), 2)
      >>> maps[:, 1].tolist()
      [1.0, -1.0, -2.0, -3.0]

    Args:
      labels: ``[...]`` class ids (with one class its id is 1), or ``[..., C]`` targets.
      num_classes: C.
      spacing: size of a pixel along each axis of the image, or one number; None is 1.
      spatial: how many axes an image has; more leading axes are images. None for one
        image of up to two axes.
      where: ``[...]`` bool, False for pixels that belong to no side.

    Returns:
      ``[..., C]``; 0 for a class that is absent or fills the image.

    Raises:
      ValueError: nobody says whether more than two axes are one image, shapes disagree,
        or known labels hold an id outside of the classes where a pixel counts.
    """
    refuse_unknown_ids(labels, num_classes, where)
    labels = jnp.asarray(labels)
    pixels = labels.shape if is_hard(labels) else labels.shape[:-1]
    check_rank(pixels, spatial, spacing)
    targets = as_targets(labels, jnp.zeros((*pixels, num_classes)))

    def of_image(targets: Array, where: Array | None) -> Array:
        return class_maps(signed_distance, targets, spacing=spacing, where=where)

    for _ in pixels[: 0 if spatial is None else -spatial]:
        of_image = jax.vmap(of_image)
    return of_image(targets, None if where is None else jnp.asarray(where))
