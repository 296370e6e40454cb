"""Weights of pixels between objects that nearly touch, for `pixel_weights`."""

import numpy as np
import scipy
from jax.typing import ArrayLike


def border_weights(
    objects: ArrayLike,
    *,
    strength: float = 10.0,
    width: float = 5.0,
    spacing: float | tuple[float, ...] | None = None,
) -> np.ndarray:
    r"""One plus a weight of background that lies between two objects.

    .. math:: 1 + w_0 \exp \Big( -\frac{(d_1 + d_2)^2}{2 \sigma^2} \Big)

    with the distances to the nearest object and to the second nearest. Made once, as
    data are loaded, by NumPy on the host; weights of classes are `class_weights`.

    Example:
      >>> weights = border_weights(np.array([1, 0, 2, 0, 0, 0, 0]), width=3.0)
      >>> [round(float(weight), 2) for weight in weights]
      [1.0, 9.01, 1.0, 5.11, 2.35, 1.29, 1.04]

    Args:
      objects: ``[*size]`` of one image: ids of objects, 0 the background; or bool, the
        objects then being the connected components.
      strength: w0, the largest weight that is added, >= 0.
      width: sigma, in the units of `spacing`, > 0.
      spacing: size of a pixel along each axis, or one number; None is 1.

    Returns:
      ``[*size]`` float32; 1 in objects and in an image of fewer than two.

    Raises:
      ValueError: objects are no whole numbers, or a number is out of its range.

    Source: Ronneberger 2015, arXiv:1505.04597, eq. (2), w0 = 10 and sigma of about 5
    pixels; departs: objects get no weight, which the equation leaves open.
    """
    objects = np.asarray(objects)
    if objects.dtype == bool:
        labels = np.zeros(objects.shape, np.int32)
        scipy.ndimage.label(objects, output=labels)
        objects = labels
    if not np.issubdtype(objects.dtype, np.integer):
        raise ValueError(f"objects are bool or whole numbers, not {objects.dtype}")
    if not strength >= 0 or not width > 0:
        raise ValueError(
            f"strength is at least 0 and width above 0, not {strength} and {width}"
        )
    nearest = np.full((2, *objects.shape), np.inf)
    for index in np.unique(objects[objects != 0]):
        distance = np.empty(objects.shape)
        others = objects != index
        scipy.ndimage.distance_transform_edt(
            others, sampling=spacing, distances=distance
        )
        nearest = np.sort(np.concatenate([nearest, distance[None]]), axis=0)[:2]
    between = np.exp(-np.square(nearest.sum(axis=0) / width) / 2)
    return (1 + strength * np.where(objects == 0, between, 0)).astype(np.float32)
