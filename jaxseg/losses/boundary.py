"""Losses of boundaries: errors weighed by how far they are from where they should be.

A distance is measured within one image. Where a loss computes its own maps, all leading
axes of the scores are the axes of that one image; `per_image`, or `spatial`, makes the
loss of a batch. Three axes may be a volume or a batch, and are refused unless one of
the two, or the spacing, says which. Each image has to be whole on one device. Maps
carry no gradient. Soft labels and probabilities count as inside above one half. A
masked pixel belongs to neither side of a boundary, so that no distance is measured to
it.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.distance import Spacing, boundary_distance, diagonal
from jaxseg.distance import signed_distance as signed_distance_of_mask
from jaxseg.links import Link, softmax
from jaxseg.losses.images import image_loss
from jaxseg.losses.maps import class_maps, planes_of_masks
from jaxseg.numerics import (
    number_like,
    pooled_count,
    pooled_sum,
    power,
    safe_ratio,
    weighted_mean,
)
from jaxseg.targets import as_class_weights, as_pixels


def _mean_over_pixels_and_classes(
    values: Array,
    class_weights: ArrayLike | None,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    total = pooled_sum(values, where, axis_name)
    means = safe_ratio(total, pooled_count(values, where, axis_name), 0)
    return weighted_mean(means, as_class_weights(class_weights, values))


@image_loss
def boundary_loss(
    logits: Array,
    labels: Array,
    *,
    signed_distance: Array | None = None,
    spacing: Spacing | None = None,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean probability, weighed by the signed distance to the true boundary.

    .. math:: \frac1{CN} \sum_c \sum_i \phi_{ic} p_{ic}

    phi is negative inside the true region and positive outside, so the loss is negative
    where the prediction is good and smallest for p = t hard; it is linear in p. It is
    up to a constant the integral of abs(phi) over the mismatch of p and t. A class that
    is absent or fills the image has no boundary: its phi, and its gradient, are 0,
    which is why the loss goes with a region loss.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1]
      >>> print(f"{boundary_loss(logits, labels):.4f}")
      -0.0499

    Args:
      signed_distance: ``[..., C]`` maps phi; with them the leading axes may be a batch.
        None computes them from the labels of one image, each time.
      spacing: size of a pixel along each axis of the image, for maps computed here.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      axis_name: mapped axis to pool pixels over; each image is whole on one device.

    Returns:
      Scalar, float32 or wider, in units of `spacing`; 0 where no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image.

    Source: Kervadec 2019; Ma 2021, eqs. (19) and (20); departs: the mean over pixels
    and classes, as in released code, in the place of a sum. Released code also moves
    the inside by one pixel, to -(d - 1), which puts phi = 0 on inner border pixels.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    if signed_distance is None:
        phi = class_maps(signed_distance_of_mask, targets, spacing=spacing, where=where)
        phi = jnp.where(jnp.isnan(targets), jnp.nan, phi)
    else:
        phi = lax.stop_gradient(signed_distance)
        if phi.shape != scores.shape:
            raise ValueError(
                f"signed_distance needs the shape {scores.shape} of logits, "
                f"not {phi.shape}"
            )
    phi = number_like(phi, scores)
    values = phi * link(scores)
    return _mean_over_pixels_and_classes(values, class_weights, where, axis_name)


@image_loss
def hausdorff_loss(
    logits: Array,
    labels: Array,
    *,
    alpha: ArrayLike = 2.0,
    spacing: Spacing | None = None,
    spatial: int | None = None,
    transform: Callable[..., Array] = boundary_distance,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean squared error, weighed by the distances to both boundaries, of one image.

    .. math:: \frac1{CN} \sum_c \sum_i (p_{ic} - t_{ic})^2
        (d^\alpha_{ic}(p) + d^\alpha_{ic}(t))

    d(p) and d(t) are distances to the boundary of the regions where p and t are above
    one half. Smallest at p = t, also for soft t. A region that is empty or full has
    no boundary and d = 0; only if one is empty and the other full is d the diagonal of
    the image for both, so that the worst prediction is not the cheapest.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1]
      >>> print(f"{hausdorff_loss(logits, labels):.4f}")
      0.9484
      >>> print(f"{hausdorff_loss(logits, labels, alpha=1):.4f}")
      0.5921

    Args:
      logits: ``[..., C]`` scores of one image; of a batch with `spatial`.
      alpha: power of the distances, > 0; may be traced.
      spacing: size of a pixel along each axis of the image, or one number; None is 1.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      transform: ``(mask, *, spacing, where)`` to d; `inner_distance` measures inside
        the regions only, as released code does.
      axis_name: mapped axis to pool pixels over; each image is whole on one device.

    Returns:
      Scalar >= 0, float32 or wider, in units of `spacing` to the power alpha; 0 where
      no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image.

    Source: Karimi 2019, the loss of distance transforms; Ma 2021, eq. (21), which
    prints the error without its square and sums over classes.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    # Classes first: each is then a whole image in memory.
    probs, targets = (jnp.moveaxis(x, -1, 0) for x in (link(scores), targets))
    inside = jnp.concatenate([lax.stop_gradient(probs) > 0.5, targets > 0.5])
    distances = planes_of_masks(transform, inside, spacing=spacing, where=where)
    of_probs, of_targets = jnp.split(power(distances, alpha), 2)
    farthest = power(diagonal(scores.shape[:-1], spacing), alpha)
    opposite = _one_empty_one_full(inside, where)
    weights = jnp.where(opposite, 2 * farthest, of_probs + of_targets)
    weights = number_like(lax.stop_gradient(weights), scores)
    values = jnp.square(probs - targets) * weights
    values = jnp.moveaxis(values, 0, -1)
    return _mean_over_pixels_and_classes(values, class_weights, where, axis_name)


def _one_empty_one_full(masks: Array, where: Array | None) -> Array:
    """Whether of two masks one holds all pixels that count and the other none.

    Args:
      masks: ``[2 C, ...]`` bool, the first of each pair and then the second of each.
      where: ``[...]`` bool, True where a pixel counts; None counts all.

    Returns:
      ``[C, 1, ..., 1]`` bool.
    """
    axes = tuple(range(1, masks.ndim))
    counted = masks if where is None else masks & where[None]
    some = jnp.any(counted, axis=axes, keepdims=True)
    counted = masks if where is None else masks | ~where[None]
    every = jnp.all(counted, axis=axes, keepdims=True)
    first, second = jnp.split(some & every, 2)
    no_first, no_second = jnp.split(~some & ~every, 2)
    return (first & no_second) | (no_first & second)


@image_loss
def hausdorff_erosion_loss(
    logits: Array,
    labels: Array,
    *,
    alpha: ArrayLike = 2.0,
    erosions: int = 10,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean of the squared error that is left after each of several erosions.

    .. math:: \frac1{CN} \sum_{k=1}^K \sum_c \sum_i k^\alpha e^k_{ic}, \quad
        e^0 = (p - t)^2, \quad e^{k+1} = \max(0, 2 B e^k - 1)

    B is the mean over a pixel and its neighbours along each axis, with 0 outside of the
    image and where masked: a soft erosion that leaves 1 where all of them are 1 and 0
    where their mean is below one half. Thick errors survive more erosions. Needs no
    distance map; counts in pixels, whatever their size. Smallest at p = t.

    Example:
      >>> labels = np.array([0, 0, 0, 0, 1, 1, 1])
      >>> logits = 4.0 * np.eye(2)[[0, 1, 1, 1, 1, 1, 1]]
      >>> print(f"{hausdorff_erosion_loss(logits, labels):.4f}")
      0.2147
      >>> print(f"{hausdorff_erosion_loss(logits, labels, erosions=1):.4f}")
      0.2144

    Args:
      logits: ``[..., C]`` scores of one image; of a batch with `spatial`.
      alpha: how much more a later erosion weighs; may be traced.
      erosions: how many, K: errors thicker than 2 K pixels weigh like those of 2 K.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      axis_name: mapped axis to pool pixels over; each image is whole on one device.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no pixel counts.

    Raises:
      ValueError: nobody says whether more than two axes are one image.

    Source: Karimi 2019, the loss of morphological erosions, K = 10 and alpha = 2;
    released code rescales each erosion by its range over the image, which is the factor
    2 here as long as some pixel keeps the value 1.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    left = jnp.square(link(scores) - targets)
    if where is not None:
        left = jnp.where(where[..., None], left, 0)

    def erode(carry: tuple[Array, Array], weight: Array):
        left, values = carry
        left = jnp.maximum(2 * _mean_of_cross(left) - 1, 0)
        return (left, values + weight * left), None

    weights = jnp.arange(1, erosions + 1, dtype=left.dtype) ** number_like(alpha, left)
    (_, values), _ = lax.scan(erode, (left, jnp.zeros_like(left)), weights)
    return _mean_over_pixels_and_classes(values, class_weights, where, axis_name)


def _mean_of_cross(values: Array) -> Array:
    """Mean over a pixel and its two neighbours along each axis but the last."""
    total = values
    for axis in range(values.ndim - 1):
        length = values.shape[axis]
        padding = [(1, 1) if a == axis else (0, 0) for a in range(values.ndim)]
        padded = jnp.pad(values, padding)
        total += lax.slice_in_dim(padded, 0, length, axis=axis)
        total += lax.slice_in_dim(padded, 2, length + 2, axis=axis)
    return total / (2 * values.ndim - 1)
