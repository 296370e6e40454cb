"""Distances between the surfaces of two hard masks, under a stated definition.

Libraries differ in what a surface is, in how two directions make one number and in what
an empty mask means. Here each of these is named, and goes with the result.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.distance import diagonal, distance_transform
from jaxseg.metrics.surfels import neighbour_codes, surfel_areas
from jaxseg.numerics import is_numpy, safe_ratio


class EmptyRule(enum.Enum):
    """What a distance is where a mask is empty.

    If one of two masks is empty the distance is as named and the share within the
    tolerance is 0, under NAN nan. If both are, they agree: distance 0 and share 1,
    under NAN nan. So no rule gives a missed object a perfect score.
    """

    NAN = "nan"
    INFINITE = "infinite"
    DIAGONAL = "diagonal"


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
    percentile: Callable[[Samples, Samples, float], Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class SurfaceScores:
    """Scores of a prediction, in units of the spacing, with their conventions.

    Each is a scalar, or ``[C]`` from `class_surface_scores`.

    Attributes:
      hausdorff: the longest distance from either surface to the other.
      robust_hausdorff: the same at a percentile.
      from_predicted: average distance from the predicted surface to the actual one.
      from_actual: average distance from the actual surface to the predicted one.
      average_symmetric: average over both surfaces, pooled: the larger counts more.
      normalized: share of both surfaces within the tolerance of the other, in [0, 1].
      definition: name of the definition.
      percentile: of the robust distance.
      tolerance: of the share.
      spacing: size of a pixel along each axis; None is 1.
      empty: what an empty mask means.
    """

    hausdorff: Array
    robust_hausdorff: Array
    from_predicted: Array
    from_actual: Array
    average_symmetric: Array
    normalized: Array
    definition: str = dataclasses.field(metadata={"static": True})
    percentile: float = dataclasses.field(metadata={"static": True})
    tolerance: float = dataclasses.field(metadata={"static": True})
    spacing: tuple[float, ...] | None = dataclasses.field(metadata={"static": True})
    empty: EmptyRule = dataclasses.field(metadata={"static": True})


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


def percentile_of_directions(a: Samples, b: Samples, share: float) -> Array:
    """The larger of both directions' percentiles, linear between two distances."""
    return jnp.maximum(_percentile(a, share), _percentile(b, share))


def percentile_of_pool(a: Samples, b: Samples, share: float) -> Array:
    """Percentile of the distances of both directions together."""
    return _percentile(_pooled(a, b), share)


def percentile_of_areas(a: Samples, b: Samples, share: float) -> Array:
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
    spacing: float | tuple[float, ...] | None = None,
    definition: Definition = SURFELS,
    percentile: float = 95.0,
    tolerance: float = 1.0,
    empty: EmptyRule = EmptyRule.DIAGONAL,
) -> SurfaceScores:
    """How far the surfaces of two masks of one image are from each other.

    Args:
      predicted: ``[...]`` bool; up to three axes where surface elements are asked for.
      actual: ``[...]`` bool of the same shape.
      spacing: size of a pixel along each axis, such as mm, or one number; None is 1.
      definition: what a surface is and how two directions make one number.
      percentile: of the robust Hausdorff distance, in [0, 100].
      tolerance: distance within which a piece of surface counts as right.
      empty: what a distance is where a mask is empty.

    Returns:
      Scalars; works under `jax.jit` and `jax.vmap`, its shapes do not depend on masks.

    Raises:
      ValueError: the shapes disagree, or a number is out of its range.

    Source: Ma 2021, section 3.3.2, for the normalised surface distance; Nikolov 2018.
    """
    predicted, actual = jnp.asarray(predicted), jnp.asarray(actual)
    if predicted.shape != actual.shape:
        raise ValueError(
            f"two masks of one shape are compared, not {predicted.shape} and "
            f"{actual.shape}"
        )
    if not 0 <= percentile <= 100 or tolerance < 0:
        raise ValueError(
            f"percentile {percentile} is not in [0, 100] or tolerance {tolerance} < 0"
        )
    if isinstance(spacing, int | float):
        spacing = (float(spacing),) * predicted.ndim
    distances, share, masks = measured(
        predicted, actual, spacing, tolerance, percentile, definition=definition
    )
    farthest = diagonal(predicted.shape, spacing)
    ruled = jax.tree.map(
        lambda value: ruled_distance(value, masks, empty, farthest), distances
    )
    return SurfaceScores(
        **ruled,
        normalized=ruled_share(share, masks, empty),
        definition=definition.name,
        percentile=percentile,
        tolerance=tolerance,
        spacing=spacing,
        empty=empty,
    )


def measured(
    predicted: Array,
    actual: Array,
    spacing: Array | tuple[float, ...] | None,
    tolerance: ArrayLike,
    percentile: float,
    *,
    definition: Definition,
) -> tuple[dict[str, Array], Array, Array]:
    """What `surface_scores` is made of, before any rule for empty masks.

    Returns:
      The distances among `SurfaceScores`, by name; the share within the tolerance; and
      how many of the two masks have pixels.
    """
    sizes = jnp.ones(predicted.ndim) if spacing is None else jnp.asarray(spacing, float)
    mine, truth = (definition.surface(mask, sizes) for mask in (predicted, actual))
    to_mine, to_truth = (
        distance_transform(weights == 0, spacing=spacing) for weights in (mine, truth)
    )
    a = Samples(to_truth.ravel(), mine.ravel())
    b = Samples(to_mine.ravel(), truth.ravel())
    both = _pooled(a, b)
    near = jnp.sum(jnp.where(both.distances <= tolerance, both.weights, 0))
    distances = {
        "hausdorff": jnp.max(jnp.where(both.weights > 0, both.distances, 0)),
        "robust_hausdorff": definition.percentile(a, b, percentile / 100),
        "from_predicted": _average(a),
        "from_actual": _average(b),
        "average_symmetric": _average(both),
    }
    share = safe_ratio(near, jnp.sum(both.weights), 1)
    masks = jnp.any(predicted).astype(int) + jnp.any(actual)
    return distances, share, masks


def class_surface_scores(
    predicted: Array, actual: Array, num_classes: int, **options
) -> SurfaceScores:
    """`surface_scores` of each class of two masks of class ids: arrays ``[C]``.

    Args:
      predicted: ``[...]`` integers.
      actual: ``[...]`` integers; an id outside the classes belongs to none.
      num_classes: C.
      **options: those of `surface_scores`.
    """

    def of_class(c: Array) -> SurfaceScores:
        return surface_scores(predicted == c, actual == c, **options)

    return jax.vmap(of_class)(jnp.arange(num_classes))


def ruled_distance(value: Any, masks: Any, empty: EmptyRule, farthest: Any) -> Any:
    """`value` if both masks have pixels, else what the rule says.

    Args:
      value: a distance, of any shape; NumPy's or JAX's.
      masks: how many of the two masks have pixels.
      empty: the rule.
      farthest: the image's diagonal.
    """
    xp = np if is_numpy(value) else jnp
    one = {"nan": np.nan, "infinite": np.inf, "diagonal": farthest}[empty.value]
    none = np.nan if empty is EmptyRule.NAN else 0.0
    return xp.where(masks == 2, value, xp.where(masks == 1, one, none))


def ruled_share(value: Any, masks: Any, empty: EmptyRule) -> Any:
    """The share within the tolerance, likewise."""
    xp = np if is_numpy(value) else jnp
    one, none = (np.nan, np.nan) if empty is EmptyRule.NAN else (0.0, 1.0)
    return xp.where(masks == 2, value, xp.where(masks == 1, one, none))


def _pooled(a: Samples, b: Samples) -> Samples:
    return Samples(
        jnp.concatenate([a.distances, b.distances]),
        jnp.concatenate([a.weights, b.weights]),
    )


def _average(samples: Samples) -> Array:
    total = jnp.sum(samples.weights * samples.distances)
    return safe_ratio(total, jnp.sum(samples.weights), 0)


def _sorted(samples: Samples) -> Samples:
    """By distance, points without surface last; as integers, which sort faster."""
    distances = jnp.where(samples.weights > 0, samples.distances, jnp.inf)
    wide = distances.dtype == jnp.float64
    bits = lax.bitcast_convert_type(distances, jnp.int64 if wide else jnp.int32)
    bits, weights = lax.sort((bits, samples.weights), num_keys=1)
    return Samples(lax.bitcast_convert_type(bits, distances.dtype), weights)


def _percentile(samples: Samples, share: float) -> Array:
    """Of the distances where there is surface, however much; linear between two."""
    distances = _sorted(samples).distances
    last = jnp.maximum(jnp.sum(samples.weights > 0) - 1, 0)
    place = share * last.astype(distances.dtype)
    below = jnp.floor(place).astype(int)
    lower, upper = distances[below], distances[jnp.minimum(below + 1, last)]
    return lower + (place - below) * (upper - lower)


def _covering(samples: Samples, share: float) -> Array:
    """Shortest distance within which a share of the surface's area lies."""
    ordered = _sorted(samples)
    covered = jnp.cumsum(ordered.weights)
    place = jnp.searchsorted(covered, share * covered[-1])
    last = jnp.maximum(jnp.sum(samples.weights > 0) - 1, 0)
    return ordered.distances[jnp.minimum(place, last)]
