"""Distances between the surfaces of two hard masks, under a stated definition.

Libraries differ in what a surface is, in how two directions make one number and in what
an empty mask means. Here each of these is named, and goes with the result.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.distance import Spacing, diagonal, distance_transform, sizes_of
from jaxseg.metrics.empty import (
    EmptyRule,
    MissedRule,
    check_rules,
    resolve_empty_distance,
    resolve_empty_share,
)
from jaxseg.metrics.masks import as_class_ids, as_masks
from jaxseg.metrics.surfels import neighbour_codes, surfel_areas
from jaxseg.numerics import known_numbers, safe_ratio


@dataclasses.dataclass(frozen=True)
class Samples:
    """The surface of one mask, as seen from another.

    Attributes:
      distances: ``[N]`` from each point of the grid to the other's surface.
      weights: ``[N]`` how much of the mask's own surface is there, 0 for none.
    """

    distances: Array
    weights: Array


@dataclasses.dataclass(frozen=True)
class Definition:
    """How surfaces are found and two directions joined.

    Attributes:
      name: what a table calls it.
      surface: ``(mask, sizes)`` to the amount of surface at each point of a grid.
      percentile: ``(samples, samples, share)`` to a distance that this share of the
        surfaces, in [0, 1], does not exceed.
    """

    name: str
    surface: Callable[[Array, Array], Array]
    percentile: Callable[[Samples, Samples, ArrayLike], Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class SurfaceScores:
    """Scores of a prediction, in units of the spacing, with their conventions.

    Each is a scalar, or ``[C]`` from `class_surface_scores`.

    Attributes:
      hausdorff: the longest distance from either surface to the other.
      hd95: the same at the 95th percentile.
      from_predicted: average distance from the predicted surface to the actual one.
      from_actual: average distance from the actual surface to the predicted one.
      assd: average over both surfaces, pooled, so that the larger counts more.
      nsd: share of both surfaces within the tolerance of the other, in [0, 1].
      tolerance: of the share.
      spacing: size of a pixel along each axis, as it was given; None is 1.
      definition: name of the definition.
      empty: what a score is where both masks are empty, see `jaxseg.metrics.empty`.
      missed: what a distance is where one of both is empty.
    """

    hausdorff: Array
    hd95: Array
    from_predicted: Array
    from_actual: Array
    assd: Array
    nsd: Array
    tolerance: ArrayLike
    spacing: Spacing | None
    definition: str = dataclasses.field(metadata={"static": True})
    empty: EmptyRule = dataclasses.field(metadata={"static": True})
    missed: MissedRule = dataclasses.field(metadata={"static": True})


SCORES = ("hausdorff", "hd95", "from_predicted", "from_actual", "assd", "nsd")
"""The scores among `SurfaceScores`."""


def inner_border(mask: Array, sizes: Array) -> Array:
    """1 at the pixels of a mask with a neighbour outside along an axis, else 0."""
    padded = jnp.pad(mask, 1)
    core = [slice(1, n + 1) for n in mask.shape]
    kept = mask
    for axis, n in enumerate(mask.shape):
        for start in (0, 2):
            window = [*core]
            window[axis] = slice(start, start + n)
            kept &= padded[tuple(window)]
    return (mask & ~kept).astype(sizes.dtype)


def surfels(mask: Array, sizes: Array) -> Array:
    """Area of the boundary at each corner point between pixels (rank 1 to 3)."""
    return surfel_areas(sizes)[neighbour_codes(mask)]


def percentile_of_directions(a: Samples, b: Samples, share: ArrayLike) -> Array:
    """The larger of both directions' percentiles, linear between two distances."""
    return jnp.maximum(_percentile(a, share), _percentile(b, share))


def percentile_of_pool(a: Samples, b: Samples, share: ArrayLike) -> Array:
    """Percentile of the distances of both directions together."""
    return _percentile(_pool(a, b), share)


def percentile_of_areas(a: Samples, b: Samples, share: ArrayLike) -> Array:
    """The larger of both directions' shortest distance that covers a share of area."""
    return jnp.maximum(_covering(a, share), _covering(b, share))


VOXELS_MAXIMUM = Definition(
    "voxels, larger direction", inner_border, percentile_of_directions
)
"""Border pixels and the larger of two percentiles, as in MONAI."""

VOXELS_POOLED = Definition("voxels, pooled", inner_border, percentile_of_pool)
"""Border pixels and a percentile of all distances, as in MedPy."""

SURFELS = Definition("surface elements", surfels, percentile_of_areas)
"""All weighed by area (Nikolov 2018), as in DeepMind's surface-distance."""

DEFINITIONS: Mapping[str, Definition] = {
    "monai": VOXELS_MAXIMUM,
    "medpy": VOXELS_POOLED,
    "surface_distance": SURFELS,
}
"""By the library that has it."""


def surface_scores(
    predicted: Array,
    actual: Array,
    *,
    spacing: Spacing | None = None,
    tolerance: ArrayLike = 1.0,
    definition: Definition = VOXELS_MAXIMUM,
    empty: EmptyRule = "one",
    missed: MissedRule = "diagonal",
) -> SurfaceScores:
    """How far the surfaces of two masks of one image are from each other.

    Args:
      predicted: ``[...]`` bool; up to three axes where surface elements are asked for.
      actual: ``[...]`` bool of the same shape.
      spacing: size of a pixel along each axis, such as mm, or one number; None is 1.
      tolerance: distance within which a piece of surface counts as right, >= 0.
      definition: what a surface is and how two directions make one number.
      empty: what a score is where both masks are empty.
      missed: what a distance is where one of both is empty.

    Returns:
      Scalars; works under `jax.jit` and `jax.vmap`, its shapes do not depend on masks,
      and no spacing or tolerance compiles anything anew.

    Raises:
      ValueError: the shapes disagree, a mask is not bool, a number is out of its range.

    Source: Ma 2021, section 3.3.2, for the normalised surface distance; Nikolov 2018.
    """
    conventions = {"tolerance": tolerance, "spacing": spacing, "empty": empty,
                   "missed": missed}  # fmt: skip
    scores = scores_of_pair(predicted, actual, definition=definition, **conventions)
    return SurfaceScores(**scores, definition=definition.name, **conventions)


def class_surface_scores(
    predicted: Array,
    actual: Array,
    num_classes: int,
    *,
    spacing: Spacing | None = None,
    tolerance: ArrayLike = 1.0,
    definition: Definition = VOXELS_MAXIMUM,
    empty: EmptyRule = "one",
    missed: MissedRule = "diagonal",
) -> SurfaceScores:
    """`surface_scores` of each class of two masks of class ids: arrays ``[C]``.

    Args:
      predicted: ``[...]`` integers.
      actual: ``[...]`` integers; an id outside the classes belongs to none.
      num_classes: C.
      spacing: as `surface_scores`, and so all else.
      tolerance: see there.
      definition: see there.
      empty: see there.
      missed: see there.
    """
    predicted, actual = (jnp.asarray(as_class_ids(x)) for x in (predicted, actual))
    conventions = {"tolerance": tolerance, "spacing": spacing, "empty": empty,
                   "missed": missed}  # fmt: skip

    def of_class(c: Array) -> dict[str, Array]:
        masks = predicted == c, actual == c
        return scores_of_pair(*masks, definition=definition, **conventions)

    scores = jax.vmap(of_class)(jnp.arange(num_classes, dtype=int))
    return SurfaceScores(**scores, definition=definition.name, **conventions)


def scores_of_pair(
    predicted: Any,
    actual: Any,
    *,
    names: tuple[str, ...] = SCORES,
    spacing: Spacing | None = None,
    tolerance: ArrayLike = 1.0,
    percentile: ArrayLike = 95.0,
    definition: Definition = VOXELS_MAXIMUM,
    empty: EmptyRule = "one",
    missed: MissedRule = "diagonal",
) -> dict[str, Array]:
    """Those of the scores that are named, see `surface_scores`.

    The percentile is that of "hausdorff_percentile", which may be among the names.
    """
    predicted, actual = (jnp.asarray(mask) for mask in as_masks(predicted, actual))
    check_rules(empty, missed)
    known = known_numbers(tolerance)
    if known is not None and not known >= 0:
        raise ValueError(f"a tolerance is a distance >= 0, not {tolerance}")
    dtype = jnp.result_type(float)
    sizes = jnp.asarray(sizes_of(spacing, predicted.ndim, dtype)).astype(dtype)
    numbers = (jnp.asarray(x, dtype) for x in (tolerance, percentile))
    values, masks = measure_surfaces(
        predicted, actual, sizes, *numbers, definition=definition, names=names
    )
    farthest = diagonal(predicted.shape, sizes)
    return {
        name: resolve_empty_share(value, masks, empty=empty)
        if name == "nsd"
        else resolve_empty_distance(value, masks, farthest, empty=empty, missed=missed)
        for name, value in values.items()
    }


@functools.partial(jax.jit, static_argnames=("definition", "names"))
def measure_surfaces(
    predicted: Array,
    actual: Array,
    sizes: Array,
    tolerance: Array,
    percentile: Array,
    *,
    definition: Definition,
    names: tuple[str, ...],
) -> tuple[dict[str, Array], Array]:
    """Scores of two bool masks, before any rule for empty ones, by name.

    Returns:
      The scores, and how many of the two masks have pixels.
    """
    masks = jnp.any(predicted).astype(int) + jnp.any(actual).astype(int)
    if not predicted.size:  # as if of one pixel outside of both
        predicted = actual = jnp.zeros((1,) * predicted.ndim, bool)
    mine, truth = (definition.surface(mask, sizes) for mask in (predicted, actual))
    to_mine, to_truth = (
        distance_transform(weights == 0, spacing=sizes) for weights in (mine, truth)
    )
    a = Samples(to_truth.ravel(), mine.ravel())
    b = Samples(to_mine.ravel(), truth.ravel())
    both = _pool(a, b)

    def share_near() -> Array:
        near = jnp.where(both.distances <= tolerance, both.weights, 0)
        return safe_ratio(jnp.sum(near), jnp.sum(both.weights), 1)

    scores = {
        "hausdorff": lambda: jnp.max(jnp.where(both.weights > 0, both.distances, 0)),
        "hausdorff_percentile": lambda: definition.percentile(a, b, percentile / 100),
        "hd95": lambda: definition.percentile(a, b, 0.95),
        "from_predicted": lambda: _average(a),
        "from_actual": lambda: _average(b),
        "assd": lambda: _average(both),
        "nsd": share_near,
    }
    return {name: scores[name]() for name in names}, masks


def _pool(a: Samples, b: Samples) -> Samples:
    return Samples(
        jnp.concatenate([a.distances, b.distances]),
        jnp.concatenate([a.weights, b.weights]),
    )


def _average(samples: Samples) -> Array:
    total = jnp.sum(samples.weights * samples.distances)
    return safe_ratio(total, jnp.sum(samples.weights), 0)


def _sort_by_distance(samples: Samples) -> Samples:
    """By distance, points without surface last; as integers, which sort faster."""
    distances = jnp.where(samples.weights > 0, samples.distances, jnp.inf)
    wide = distances.dtype == jnp.float64
    bits = lax.bitcast_convert_type(distances, jnp.int64 if wide else jnp.int32)
    bits, weights = lax.sort((bits, samples.weights), num_keys=1)
    return Samples(lax.bitcast_convert_type(bits, distances.dtype), weights)


def _percentile(samples: Samples, share: ArrayLike) -> Array:
    """Percentile of the distances where there is surface; linear between two."""
    distances = _sort_by_distance(samples).distances
    last = jnp.maximum(jnp.sum(samples.weights > 0) - 1, 0)
    place = share * last.astype(distances.dtype)
    below = jnp.floor(place)
    first = below.astype(last.dtype)
    lower, upper = distances[first], distances[jnp.minimum(first + 1, last)]
    return lower + (place - below) * (upper - lower)


def _covering(samples: Samples, share: ArrayLike) -> Array:
    """Shortest distance within which a share of the surface's area lies."""
    ordered = _sort_by_distance(samples)
    covered = jnp.cumsum(ordered.weights)
    place = jnp.searchsorted(covered, share * covered[-1]).astype(int)
    last = jnp.maximum(jnp.sum(samples.weights > 0) - 1, 0)
    return ordered.distances[jnp.minimum(place, last)]
