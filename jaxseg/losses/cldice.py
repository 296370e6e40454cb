"""Centreline Dice: overlap of soft skeletons, for vessels and other thin trees."""

import functools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

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
    if not values.size:
        return values
    # Rows of pixels with their classes: long, as a vectorised loop wants them.
    *before, width, classes = values.shape
    rows = values.reshape(*before, width * classes)
    steps = [(axis, 1) for axis in range(len(before))] + [(len(before), classes)]

    def inside(values: Array, outside: float) -> Array:
        if where is None:
            return values
        counted = jnp.broadcast_to(where[..., None], (*before, width, classes))
        return jnp.where(counted.reshape(rows.shape), values, outside)

    def peel(carried: tuple[Array, Array], turn: Array) -> tuple[Any, None]:
        left, skeleton = carried
        stored = functools.partial(_stored, turn=turn)
        smaller = stored(_least(inside(left, 1), steps))
        opened = inside(smaller, 0)
        for step in steps:
            opened = stored(_largest(opened, [step]))
        ridge = jax.nn.relu(left - opened)
        return (smaller, skeleton + ridge * (1 - skeleton)), None

    start = rows, jnp.zeros_like(rows)
    (_, skeleton), _ = lax.scan(peel, start, jnp.arange(iterations + 1))
    return inside(skeleton, 0).reshape(values.shape)


def _stored(values: Array, turn: Array) -> Array:
    """The values, which XLA's CPU backend stores here instead of repeating them.

    It would evaluate an erosion again for each neighbour that a dilation asks for. What
    goes into a branch is stored, and `turn` >= 0 is more than it knows.
    """

    def by_branch(values: Array) -> Array:
        return lax.cond(turn >= 0, lambda x: x, lambda x: -x, values)

    return lax.platform_dependent(values, cpu=by_branch, default=lambda x: x)


Steps = Sequence[tuple[int, int]]
"""Axes, and how far a neighbour is along each."""


def _least(values: Array, steps: Steps) -> Array:
    return _of_neighbours(values, operator.lt, jnp.inf, tuple(steps))


def _largest(values: Array, steps: Steps) -> Array:
    return _of_neighbours(values, operator.gt, -jnp.inf, tuple(steps))


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _of_neighbours(values: Array, beats, outside: float, steps: Steps) -> Array:
    """Each place's value or that of its neighbour that beats all; the first of ties."""
    return _choose(values, beats, outside, steps)[0]


def _choose(values: Array, beats, outside: float, steps: Steps) -> tuple[Array, Array]:
    """The value chosen, and as which of its neighbours, 0 for the place itself."""
    best, chosen = values, jnp.zeros(values.shape, jnp.int8)
    for number, neighbour in enumerate(_neighbours(values, outside, steps), start=1):
        better = beats(neighbour, best)
        best = jnp.where(better, neighbour, best)
        chosen = jnp.where(better, jnp.int8(number), chosen)
    return best, chosen


@_of_neighbours.defjvp
def _of_neighbours_jvp(beats, outside: float, steps: Steps, primals, tangents):
    best, chosen = _choose(primals[0], beats, outside, steps)
    moved = jnp.where(chosen == 0, tangents[0], 0)
    for number, neighbour in enumerate(_neighbours(tangents[0], 0.0, steps), start=1):
        moved = moved + jnp.where(chosen == number, neighbour, 0)
    return best, moved


def _neighbours(values: Array, outside: float, steps: Steps) -> Iterator[Array]:
    """Values of the neighbours before and after each place, `outside` the image."""
    for axis, far in steps:
        for by in (far, -far):
            sides = [(0, 0, 0)] * values.ndim
            sides[axis] = (by, -by, 0)
            yield lax.pad(values, jnp.asarray(outside, values.dtype), sides)
