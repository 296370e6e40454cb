"""Exact Euclidean distance maps in pure JAX: any rank, any spacing.

The squared distance is a sum over axes, so it is found one axis at a time. Along the
first axis two sweeps count the steps to the nearest pixel. Along each further axis
every source line lowers every target line: ``out[i] = min(out[i], in[j] + (i - j)^2)``,
which is n times the work of a sweep but has no branch, no gather and no sort, keeps
nothing but the image, and takes the same time whatever the image shows.

The distance to the other side of a boundary takes one such pass, not two: ``out[i]``
starts as the distance to the other side along the line of i itself. Sources nearer than
that all lie on the side of i, and one that is farther cannot lower ``out[i]`` any more,
whatever side its own ``in[j]`` is measured to.
"""

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.numerics import known_numbers, safe_ratio

SOURCES_A_PASS = 8
"""Source lines that one pass over the image takes in; memory for none of them."""

LANES = 32
"""Lines of a tile, which lie side by side: a few vectors wide, and it fits a cache."""

Spacing = ArrayLike | Sequence[ArrayLike]
"""One number, or one for each axis; numbers may be traced, alone or together."""


def distance_transform(mask: ArrayLike, *, spacing: Spacing | None = None) -> Array:
    """Distance of each True to the nearest False, and 0 at each False.

    The meaning of scipy's `distance_transform_edt`, exact up to rounding: on a grid
    of equal spacings the squared distances are whole numbers, exact up to 2^24.
    One image; `jax.vmap` for a batch. No gradient flows through it.

    Example:
      >>> mask = jnp.array([False, True, True, True, True])
      >>> distance_transform(mask).tolist()
      [0.0, 1.0, 2.0, 3.0, 4.0]
      >>> distance_transform(mask, spacing=0.5).tolist()
      [0.0, 0.5, 1.0, 1.5, 2.0]

    Args:
      mask: ``[...]`` bool, one image of any rank >= 1.
      spacing: size of a pixel along each axis, or one number for all; > 0; None is 1.

    Returns:
      ``[...]`` of JAX's default float dtype. An image without any False has none at any
      distance: all its pixels get `diagonal`, longer than any real distance in it.

    Raises:
      ValueError: mask is not bool or has no axis, or spacing not one number an axis.
    """
    return jnp.sqrt(squared_distance_transform(mask, spacing=spacing))


def squared_distance_transform(
    mask: ArrayLike, *, spacing: Spacing | None = None
) -> Array:
    """The square of `distance_transform`, without a root and its rounding.

    Example:
      >>> mask = jnp.array([False, True, True, True, True])
      >>> squared_distance_transform(mask).tolist()
      [0.0, 1.0, 4.0, 9.0, 16.0]
    """
    return _scaled_squares(as_bool_mask(mask), spacing, to_other_side=False)


def signed_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """Distance to the other side of the mask's boundary, negative inside.

    Outside it is the distance to the nearest pixel inside, inside minus the distance to
    the nearest pixel outside: at least one pixel in size everywhere, so never 0 but for
    a mask that is empty or full, which has no boundary: there it is 0 everywhere.

    Example:
      >>> mask = jnp.array([False, True, True, True, True])
      >>> signed_distance(mask).tolist()
      [1.0, -1.0, -2.0, -3.0, -4.0]

    Args:
      mask: ``[...]`` bool, one image of any rank >= 1.
      spacing: size of a pixel along each axis, or one number for all; None is 1.
      where: ``[...]`` bool; a pixel with False is neither inside nor outside, so no
        distance is measured to it.

    Returns:
      ``[...]`` of JAX's default float dtype, without gradient.

    Raises:
      ValueError: as `distance_transform`, or where has another shape than mask.
    """
    mask = as_bool_mask(mask)
    distance = boundary_distance(mask, spacing=spacing, where=where)
    return jnp.where(mask, -distance, distance)


def boundary_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """Distance to the other side of the mask's boundary, inside and outside.

    The size of `signed_distance`, with its arguments: 0 for a mask without a boundary.

    Example:
      >>> mask = jnp.array([False, True, True, True, True])
      >>> boundary_distance(mask).tolist()
      [1.0, 1.0, 2.0, 3.0, 4.0]
    """
    mask = as_bool_mask(mask)
    inside, outside = _count_sides(mask, where)
    if where is None:
        squares = _scaled_squares(mask, spacing, to_other_side=True)
    else:
        # A masked pixel is on neither side, so that it needs a distance to each.
        sides = jnp.stack([~inside, ~outside])
        to_inside, to_outside = jax.vmap(
            lambda side: squared_distance_transform(side, spacing=spacing)
        )(sides)
        squares = jnp.where(mask, to_outside, to_inside)
    return jnp.where(jnp.any(inside) & jnp.any(outside), jnp.sqrt(squares), 0)


def inner_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """Distance inside the mask to the nearest pixel outside it, and 0 outside.

    `distance_transform`, but 0 also for a full mask, which has no boundary, and without
    the pixels that `where` leaves out.

    Example:
      >>> mask = jnp.array([False, True, True, True, True])
      >>> inner_distance(mask).tolist()
      [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    mask = as_bool_mask(mask)
    _, outside = _count_sides(mask, where)
    distance = distance_transform(~outside, spacing=spacing)
    return jnp.where(mask & jnp.any(outside), distance, 0)


def nearest_pixels(mask: ArrayLike, *, spacing: Spacing | None = None) -> Array:
    """Place in scan order of the True that is nearest to each pixel, its own at a True.

    Of those equally near the first in scan order. As of `distance_transform` of ~mask
    in all else.

    Example:
      >>> nearest_pixels(jnp.array([1, 0, 0, 0, 1], bool)).tolist()
      [0, 0, 0, 4, 4]

    Returns:
      ``[...]`` int32; each pixel's own place in an image without any True.
    """
    mask = as_bool_mask(mask)
    place = jnp.arange(mask.size, dtype=jnp.int32).reshape(mask.shape)
    if mask.size == 0:
        return place
    sizes = sizes_of(spacing, mask.ndim, jnp.result_type(float))
    same = isinstance(sizes, np.ndarray) and (sizes == sizes[0]).all()
    whole = _dtype_of_pairs(mask.shape) if same else None
    far = sum(n * n for n in mask.shape) if whole else jnp.inf
    squares = jnp.where(mask, 0, far).astype(whole or jnp.result_type(float))
    # The axis that comes last decides first between equals.
    for axis in reversed(range(mask.ndim)):
        tiles = _tiles(squares, axis)
        if whole:
            tiles, source = _lower_by_pairs(tiles)
        else:
            size = lax.stop_gradient(jnp.asarray(sizes[axis], squares.dtype))
            tiles, source = _lower_and_tell(tiles, size)
        squares, source = (_join_tiles(x, mask.shape, axis) for x in (tiles, source))
        place = jnp.take_along_axis(place, source, axis)
    return place


def border_closeness(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """(max - d) / max of the boundary distance d, its maximum taken on the same side.

    Close to 1 at the boundary and 0 in the middle of a side; 0 without a boundary.

    Example:
      >>> mask = jnp.array([False, True, True, True, True])
      >>> print(border_closeness(mask))
      [0.   0.75 0.5  0.25 0.  ]
    """
    mask = as_bool_mask(mask)
    distance = boundary_distance(mask, spacing=spacing, where=where)
    sides = _count_sides(mask, where)
    deepest = [jnp.max(jnp.where(side, distance, 0), initial=0) for side in sides]
    longest = jnp.where(mask, *deepest)
    return safe_ratio(longest - distance, longest, 0)


def reciprocal_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """1 / d of the boundary distance d, in 1 / spacing; 0 without a boundary.

    Example:
      >>> mask = jnp.array([False, True, True, True, True])
      >>> print(reciprocal_distance(mask))
      [1.         1.         0.5        0.33333334 0.25      ]
    """
    return safe_ratio(1, boundary_distance(mask, spacing=spacing, where=where), 0)


def _count_sides(mask: Array, where: ArrayLike | None) -> tuple[Array, Array]:
    """Pixels inside and outside `mask`, without those that do not count."""
    if where is None:
        return mask, ~mask
    where = jnp.asarray(where)
    if where.shape != mask.shape:
        raise ValueError(
            f"where needs the shape {mask.shape} of the mask, not {where.shape}"
        )
    return mask & where, ~mask & where


def diagonal(shape: Sequence[int], spacing: Spacing | None = None) -> Array:
    """Length of the diagonal of an image, pixels' own extent included: a scalar.

    Example:
      >>> float(diagonal((3, 4))), float(diagonal((3, 4), spacing=2))
      (5.0, 10.0)
    """
    dtype = jnp.result_type(float)
    sizes = jnp.asarray(sizes_of(spacing, len(shape), dtype))
    return jnp.sqrt(jnp.sum(jnp.square(sizes * jnp.asarray(shape, dtype))))


def as_bool_mask(mask: ArrayLike) -> Array:
    """Raises ValueError unless it is a bool array with an axis.

    Example:
      >>> as_bool_mask([0, 1])
      Traceback (most recent call last):
        ...
      ValueError: a mask is a bool array with at least one axis, not int32 (2,)
    """
    mask = jnp.asarray(mask)
    if mask.dtype != jnp.bool_ or mask.ndim == 0:
        raise ValueError(
            f"a mask is a bool array with at least one axis, not {mask.dtype} "
            f"{mask.shape}"
        )
    return mask


def sizes_of(
    spacing: Spacing | None, rank: int, dtype: jnp.dtype
) -> np.ndarray | Array:
    """One size per axis: NumPy where the numbers are known, JAX where they are traced.

    Example:
      >>> sizes_of(2, 3, np.dtype(float)).tolist()
      [2.0, 2.0, 2.0]

    Raises:
      ValueError: another number of sizes, or a known one that is not positive.
    """
    sizes = known_numbers(1.0 if spacing is None else spacing)
    if sizes is None:
        sizes = jnp.asarray(spacing, dtype)
    elif not (np.isfinite(sizes) & (sizes > 0)).all():
        raise ValueError(f"spacing {spacing} is not a positive length per axis")
    if sizes.ndim == 0:
        sizes = sizes * np.ones(rank, sizes.dtype)
    if sizes.shape != (rank,):
        raise ValueError(
            f"spacing has shape {sizes.shape}: an image of rank {rank} needs a number "
            f"for each of its {rank} axes"
        )
    return sizes


def axes_of_spacing(spacing: Spacing | None) -> int | None:
    """How many axes it has a number for, None if it does not say.

    Example:
      >>> axes_of_spacing((1.0, 2.0)), axes_of_spacing(1.0)
      (2, None)
    """
    if isinstance(spacing, Sequence):
        return len(spacing)
    return None if spacing is None or not jnp.ndim(spacing) else jnp.shape(spacing)[0]


def _scaled_squares(
    mask: Array, spacing: Spacing | None, *, to_other_side: bool
) -> Array:
    """`_squares` in whole numbers of pixels where all spacings are known and equal."""
    dtype = jnp.result_type(float)
    if mask.size == 0:
        return jnp.zeros(mask.shape, dtype)
    sizes = sizes_of(spacing, mask.ndim, dtype)
    if isinstance(sizes, np.ndarray) and (sizes == sizes[0]).all():
        ones = jnp.ones(mask.ndim, _whole_number_dtype(mask.shape, dtype))
        squares = _squares(mask, ones, to_other_side=to_other_side)
        return squares.astype(dtype) * jnp.asarray(sizes[0] ** 2, dtype)
    sizes = lax.stop_gradient(jnp.asarray(sizes, dtype))
    return _squares(mask, sizes, to_other_side=to_other_side)


def _whole_number_dtype(shape: tuple[int, ...], wide: jnp.dtype) -> jnp.dtype:
    """The narrowest in which every sum of squares fits: more numbers in a vector."""
    far = sum(n * n for n in shape)
    reach = max(-(-n // SOURCES_A_PASS) * SOURCES_A_PASS - 1 for n in shape)
    for dtype in (jnp.uint16, jnp.int32):
        if far + reach**2 <= jnp.iinfo(dtype).max:
            return jnp.dtype(dtype)
    return wide


@functools.partial(jax.jit, static_argnames="to_other_side")
def _squares(mask: Array, sizes: Array, *, to_other_side: bool) -> Array:
    """Squared distances in the dtype of `sizes`; the diagonal's where there is none.

    Args:
      mask: ``[...]`` bool, not empty.
      sizes: ``[rank]`` of a pixel along each axis.
      to_other_side: whether to the nearest pixel that differs, else to the nearest
        False.
    """
    far = jnp.sum(jnp.square(sizes * jnp.asarray(mask.shape, sizes.dtype)))
    far = far.astype(sizes.dtype)
    # Sweeping the longest axis spares most of the work.
    first, *others = sorted(range(mask.ndim), key=lambda axis: -mask.shape[axis])

    def along(axis: int) -> Array:
        steps = _steps(_tiles(mask, axis), to_other_side=to_other_side)
        squares = jnp.square(steps.astype(sizes.dtype) * sizes[axis])
        return jnp.where(steps < mask.shape[axis], squares, far)

    squares = _join_tiles(along(first), mask.shape, first)
    for axis in others:
        sources = _tiles(squares, axis)
        start = _smaller(along(axis), sources) if to_other_side else sources
        lowered = _lower(sources, start, sizes[axis])
        squares = _join_tiles(lowered, mask.shape, axis)
    return squares


def _tiles(values: Array, axis: int) -> Array:
    """Lines along `axis` as the columns of tiles: ``[tiles, length, lanes]``.

    Lines are added to fill the last tile.
    """
    length = values.shape[axis]
    lines = jnp.moveaxis(values, axis, 0).reshape(length, -1)
    count = lines.shape[1]
    lanes = min(LANES, count)
    lines = jnp.pad(lines, ((0, 0), (0, -count % lanes)))
    return jnp.swapaxes(lines.reshape(length, -1, lanes), 0, 1)


def _join_tiles(tiles: Array, shape: Sequence[int], axis: int) -> Array:
    """The image of this shape of which `tiles` are the `_tiles`."""
    length = shape[axis]
    others = [n for a, n in enumerate(shape) if a != axis]
    lines = jnp.swapaxes(tiles, 0, 1).reshape(length, -1)[:, : math.prod(others)]
    return jnp.moveaxis(lines.reshape(length, *others), 0, axis)


def _steps(tiles: Array, *, to_other_side: bool) -> Array:
    """Steps along each column to the nearest False, or to the nearest that differs.

    On a CPU one line after another; elsewhere a tree of minima, which has few steps.

    Returns:
      Integers; the length of a column in which there is none.
    """
    length = tiles.shape[1]
    if to_other_side:
        differs = tiles[:, 1:] != tiles[:, :-1]
        after, before = (
            jnp.pad(differs, ((0, 0), side, (0, 0))) for side in ((0, 1), (1, 0))
        )
        tiles = ~(before | after)
    steps = lax.platform_dependent(tiles, cpu=_steps_by_line, default=_steps_by_tree)
    return jnp.minimum(steps + 1, length) if to_other_side else steps


def _steps_by_line(tiles: Array) -> Array:
    length = tiles.shape[1]
    steps = jnp.where(tiles, length, 0).astype(_steps_dtype(length))

    def lower(steps: Array, line: Array, neighbour: Array) -> Array:
        here = lax.dynamic_slice_in_dim(steps, line, 1, axis=1)
        there = lax.dynamic_slice_in_dim(steps, neighbour, 1, axis=1)
        lowered = _smaller(here, there + 1)
        return lax.dynamic_update_slice_in_dim(steps, lowered, line, axis=1)

    steps = lax.fori_loop(1, length, lambda k, s: lower(s, k, k - 1), steps)
    return lax.fori_loop(
        1, length, lambda k, s: lower(s, length - 1 - k, length - k), steps
    )


def _steps_by_tree(tiles: Array) -> Array:
    length = tiles.shape[1]
    place = lax.broadcasted_iota(jnp.int32, tiles.shape, 1)
    before = lax.cummax(jnp.where(tiles, -length, place), axis=1)
    after = lax.cummin(jnp.where(tiles, 2 * length, place), axis=1, reverse=True)
    steps = jnp.minimum(jnp.minimum(place - before, after - place), length)
    return steps.astype(_steps_dtype(length))


def _steps_dtype(length: int) -> jnp.dtype:
    return jnp.dtype(jnp.uint16 if length < 2**16 - 1 else jnp.int32)


def _lower(sources: Array, start: Array, size: Array, *, scale: int = 1) -> Array:
    """Columns' out[i]: the least of start[i] and all sources[j] + (size (i - j))^2.

    Args:
      sources: ``[tiles, length, lanes]``.
      start: of the same shape.
      size: scalar.
      scale: factor on the squares that are added.
    """
    length = sources.shape[1]
    passes = -(-length // SOURCES_A_PASS)
    reach = passes * SOURCES_A_PASS
    offsets = jnp.arange(-reach, length).astype(sources.dtype)
    # In 16 bits -3 is 65533, whose square is 9 again.
    offsets = scale * jnp.square(offsets * size).reshape(1, -1, 1)

    def one_pass(k: Array, lowered: Array) -> Array:
        for step in range(SOURCES_A_PASS):
            source = k * SOURCES_A_PASS + step
            # Past the end this is the last line, taken for farther than it is.
            line = lax.dynamic_slice_in_dim(sources, source, 1, axis=1)
            offset = lax.dynamic_slice_in_dim(offsets, reach - source, length, axis=1)
            lowered = _smaller(line + offset, lowered)
        return lowered

    return lax.fori_loop(0, passes, one_pass, start)


def _dtype_of_pairs(shape: Sequence[int]) -> jnp.dtype | None:
    """The dtype that holds a square and a place along an axis in one number, if any."""
    longest = -(-max(shape) // SOURCES_A_PASS) * SOURCES_A_PASS
    largest = (sum(n * n for n in shape) + longest**2 + 1) * longest
    dtypes = (jnp.int32, jnp.uint32)
    return next((jnp.dtype(d) for d in dtypes if largest <= jnp.iinfo(d).max), None)


def _lower_by_pairs(squares: Array) -> tuple[Array, Array]:
    """Least sums of whole squares and the source of each, by `_lower` of both in one.

    Args:
      squares: ``[tiles, length, lanes]`` of `_dtype_of_pairs`.

    Returns:
      The sums, and the first of the sources along axis 1, int32.
    """
    length = squares.shape[1]
    count = -(-length // SOURCES_A_PASS) * SOURCES_A_PASS
    place = lax.broadcasted_iota(squares.dtype, squares.shape, 1)
    pairs = squares * count + place
    one = jnp.ones((), squares.dtype)
    lowest = _lower(pairs, pairs, one, scale=count)
    return lowest // count, (lowest % count).astype(jnp.int32)


def _lower_and_tell(squares: Array, size: Array) -> tuple[Array, Array]:
    """As `_lower_by_pairs`, of any spacing, with the sources kept beside the sums."""
    length = squares.shape[1]
    passes = -(-length // SOURCES_A_PASS)
    reach = passes * SOURCES_A_PASS
    own = lax.broadcasted_iota(jnp.int32, squares.shape, 1)
    offsets = jnp.arange(-reach, length).astype(squares.dtype)
    offsets = jnp.square(offsets * size).reshape(1, -1, 1)

    def one_pass(k: Array, best: tuple[Array, Array]) -> tuple[Array, Array]:
        least, whose = best
        for step in range(SOURCES_A_PASS):
            source = k * SOURCES_A_PASS + step
            line = lax.dynamic_slice_in_dim(squares, source, 1, axis=1)
            offset = lax.dynamic_slice_in_dim(offsets, reach - source, length, axis=1)
            sums = line + offset
            wins = sums < least
            least = jnp.where(wins, sums, least)
            whose = jnp.where(wins, jnp.minimum(source, length - 1), whose)
        return least, whose

    start = jnp.full_like(squares, jnp.inf), own
    return lax.fori_loop(0, passes, one_pass, start)


def _smaller(a: Array, b: Array) -> Array:
    """Minimum without the care for nan that costs twice the time on a CPU."""
    return jnp.where(a < b, a, b)
