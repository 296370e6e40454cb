"""Centreline Dice: overlap of soft skeletons, for vessels and other thin trees."""

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.images import image_loss
from jaxseg.numerics import (
    number_like,
    pooled_sum,
    safe_ratio,
    soft_minimum,
    weighted_mean,
)
from jaxseg.targets import as_class_weights, as_pixels


@image_loss
def cldice_loss(
    logits: Array,
    labels: Array,
    *,
    iterations: int = 3,
    smooth: ArrayLike = 0.0,
    spatial: int | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the mean over classes of the soft centreline Dice of one image.

    .. math:: 1 - \frac1C \sum_c \frac{2 P_c S_c}{P_c + S_c}, \quad
        P_c = \frac{\sum_i \min(s(p)_{ic}, t_{ic})}{\sum_i s(p)_{ic}}, \quad
        S_c = \frac{\sum_i \min(s(t)_{ic}, p_{ic})}{\sum_i s(t)_{ic}}

    with s the soft skeleton. Smallest at p = t, also for soft t. For a batch say
    `spatial` or use ``per_image(cldice_loss)``; the image needs its neighbourhoods, so
    pixels must not be flattened.

    Example:
      >>> labels = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
      >>> logits = 2.0 * np.eye(2)[labels]
      >>> print(f"{cldice_loss(logits, labels, iterations=1):.4f}")
      0.0634
      >>> print(f"{cldice_loss(logits, labels.T.reshape(3, 4), iterations=1):.4f}")
      0.3905

    Args:
      logits: ``[height, width, ..., C]`` scores of one image of any rank.
      iterations: half of the width in pixels of the widest structure, >= 0.
      smooth: pseudo-pixels added to the fractions P and S, >= 0; may be traced.
      spatial: how many axes an image has; more leading axes are images, over whose
        losses the mean is taken. None for one image of up to two axes.
      where: ``[...]`` bool, True where a pixel counts; others are as outside the image.
      axis_name: mapped axis over which the sums of P and S are pooled.

    Returns:
      Scalar in [0, 1], float32 or wider; a fraction without a skeleton is 1, so that a
      class absent from t and p costs 0, one absent from t alone 1, with zero gradient.

    Raises:
      ValueError: nobody says whether more than two axes are one image.

    Source: Shit 2021, arXiv:2003.07311, eqs. (1)-(3) and algorithm 1; departs: minima
    for products, the same for hard t, and no smoothing unless asked for.
    """
    del spatial  # image_loss has split the batch
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    smooth = number_like(smooth, scores)
    probs = link(scores)
    of_probs = soft_skeleton(probs, iterations, where)
    of_targets = soft_skeleton(targets, iterations, where)

    def share(covered: Array, skeleton: Array) -> Array:
        top = pooled_sum(covered, where, axis_name)
        total = pooled_sum(skeleton, where, axis_name)
        return safe_ratio(top + smooth, total + smooth, 1)

    precision = share(soft_minimum(of_probs, targets, tie=targets), of_probs)
    sensitivity = share(soft_minimum(probs, of_targets, tie=of_targets), of_targets)
    index = safe_ratio(2 * precision * sensitivity, precision + sensitivity, 0)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))


def soft_skeleton(values: Array, iterations: int, where: Array | None = None) -> Array:
    """Soft skeleton of ``[..., C]`` values in [0, 1], class by class, same shape.

    What openings remove, gathered over `iterations` erosions. The erosion takes the
    least of a pixel and its neighbours along the axes, the dilation the largest of the
    3 x 3 x ... box; the outside of the image, and of `where`, takes part in neither.
    Where several tie for the least or the largest, one of them has the slope.
    """
    if where is None:
        where = jnp.ones(values.shape[:-1], bool)
    inside = where[..., None]

    def peel(left: Array, _: None) -> tuple[Array, Array]:
        smaller = _erode(jnp.where(inside, left, 1))
        opened = _dilate(jnp.where(inside, smaller, 0))
        return smaller, jax.nn.relu(left - opened)

    def gather(skeleton: Array, ridge: Array) -> tuple[Array, None]:
        return skeleton + ridge * (1 - skeleton), None

    _, ridges = lax.scan(peel, values, length=iterations + 1)
    skeleton, _ = lax.scan(gather, ridges[0], ridges[1:])
    return jnp.where(inside, skeleton, 0)


def _erode(values: Array) -> Array:
    axes = range(values.ndim - 1)
    least = [_reduce_neighbours(values, axis, _smaller, jnp.inf) for axis in axes]
    return functools.reduce(_smaller, least)


def _dilate(values: Array) -> Array:
    for axis in range(values.ndim - 1):
        values = _reduce_neighbours(values, axis, _larger, -jnp.inf)
    return values


def _smaller(first: Array, second: Array) -> Array:
    return jnp.where(second < first, second, first)


def _larger(first: Array, second: Array) -> Array:
    return jnp.where(second > first, second, first)


def _reduce_neighbours(values: Array, axis: int, chosen, outside: float) -> Array:
    """The least or largest of three neighbours along an axis, `outside` the image."""
    length = values.shape[axis]
    if not length:
        return values
    end = jnp.full_like(lax.slice_in_dim(values, 0, 1, axis=axis), outside)
    before = lax.slice_in_dim(values, 0, length - 1, axis=axis)
    after = lax.slice_in_dim(values, 1, length, axis=axis)
    before = jnp.concatenate([end, before], axis=axis)
    after = jnp.concatenate([after, end], axis=axis)
    return chosen(chosen(values, before), after)
