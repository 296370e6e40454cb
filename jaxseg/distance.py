"""Exact Euclidean distance maps in pure JAX: any rank, any spacing.

The squared distance is a sum over axes, so it is found one axis at a time. Along the
first axis two sweeps count the steps to the nearest pixel. Along each further axis
every source line lowers every target line: ``out[i] = min(out[i], in[j] + (i - j)^2)``,
which is n times the work of a sweep but has no branch, no gather and no sort, keeps
nothing but the image, and takes the same time whatever the image shows.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.numerics import safe_ratio

SOURCES_A_PASS = 8
"""Source lines that one pass over the image takes in; memory for none of them."""

Spacing = float | Sequence[float] | np.ndarray | Array


def distance_transform(mask: ArrayLike, *, spacing: Spacing | None = None) -> Array:
    """Distance of each True to the nearest False, and 0 at each False.

    The meaning of scipy's `distance_transform_edt`, exact up to rounding: on a grid
    of equal spacings the squared distances are whole numbers, exact up to 2^24.
    One image; `jax.vmap` for a batch. No gradient flows through it.

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
    """The square of `distance_transform`, without a root and its rounding."""
    mask = _as_mask(mask)
    dtype = jnp.result_type(float)
    if mask.size == 0:
        return jnp.zeros(mask.shape, dtype)
    sizes = _as_spacing(spacing, mask.ndim, dtype)
    if isinstance(sizes, np.ndarray) and (sizes == sizes[0]).all():
        ones = jnp.ones(mask.ndim, _whole_number_dtype(mask.shape, dtype))
        return _squares(mask, ones).astype(dtype) * jnp.asarray(sizes[0] ** 2, dtype)
    return _squares(mask, lax.stop_gradient(jnp.asarray(sizes, dtype)))


def signed_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """Distance to the other side of the mask's boundary, negative inside.

    Outside it is the distance to the nearest pixel inside, inside minus the distance to
    the nearest pixel outside: at least one pixel in size everywhere, so never 0 but for
    a mask that is empty or full, which has no boundary: there it is 0 everywhere.

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
    mask = _as_mask(mask)
    distance = boundary_distance(mask, spacing=spacing, where=where)
    return jnp.where(mask, -distance, distance)


def boundary_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """Distance to the other side of the mask's boundary, inside and outside.

    The size of `signed_distance`, with its arguments: 0 for a mask without a boundary.
    """
    mask = _as_mask(mask)
    inside, outside = _counted(mask, where)

    def to_nearest(side: Array) -> Array:
        return squared_distance_transform(~side, spacing=spacing)

    to_inside, to_outside = jax.vmap(to_nearest)(jnp.stack([inside, outside]))
    distance = jnp.sqrt(jnp.where(mask, to_outside, to_inside))
    return jnp.where(jnp.any(inside) & jnp.any(outside), distance, 0)


def inner_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """Distance inside the mask to the nearest pixel outside it, and 0 outside.

    `distance_transform`, but 0 also for a full mask, which has no boundary, and without
    the pixels that `where` leaves out.
    """
    mask = _as_mask(mask)
    _, outside = _counted(mask, where)
    distance = distance_transform(~outside, spacing=spacing)
    return jnp.where(mask & jnp.any(outside), distance, 0)


def border_closeness(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """(max - d) / max of the boundary distance d, its maximum taken on the same side.

    Close to 1 at the boundary and 0 in the middle of a side; 0 without a boundary.
    """
    mask = _as_mask(mask)
    distance = boundary_distance(mask, spacing=spacing, where=where)
    deepest = [jnp.max(distance * side) for side in _counted(mask, where)]
    longest = jnp.where(mask, *deepest)
    return safe_ratio(longest - distance, longest, 0)


def reciprocal_distance(
    mask: ArrayLike, *, spacing: Spacing | None = None, where: ArrayLike | None = None
) -> Array:
    """1 / d of the boundary distance d, in 1 / spacing; 0 without a boundary."""
    return safe_ratio(1, boundary_distance(mask, spacing=spacing, where=where), 0)


def _counted(mask: Array, where: ArrayLike | None) -> tuple[Array, Array]:
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
    """Length of the diagonal of an image, pixels' own extent included: a scalar."""
    dtype = jnp.result_type(float)
    sizes = jnp.asarray(_as_spacing(spacing, len(shape), dtype))
    return jnp.sqrt(jnp.sum(jnp.square(sizes * jnp.asarray(shape, dtype))))


def _as_mask(mask: ArrayLike) -> Array:
    mask = jnp.asarray(mask)
    if mask.dtype != jnp.bool_ or mask.ndim == 0:
        raise ValueError(
            f"a mask is a bool array with at least one axis, not {mask.dtype} "
            f"{mask.shape}"
        )
    return mask


def _as_spacing(
    spacing: Spacing | None, rank: int, dtype: jnp.dtype
) -> np.ndarray | Array:
    """One size per axis: NumPy where the numbers are known, JAX where they are traced.

    Raises:
      ValueError: another number of sizes, or a known one that is not positive.
    """
    if isinstance(spacing, Array):
        sizes = spacing.astype(dtype)
    else:
        sizes = np.asarray(1.0 if spacing is None else spacing, np.float64)
        if not (np.isfinite(sizes) & (sizes > 0)).all():
            raise ValueError(f"spacing {spacing} is not a positive length per axis")
    if sizes.ndim == 0:
        sizes = sizes * np.ones(rank, sizes.dtype)
    if sizes.shape != (rank,):
        raise ValueError(
            f"spacing has shape {sizes.shape}: an image of rank {rank} needs a number "
            f"for each of its {rank} axes"
        )
    return sizes


def _whole_number_dtype(shape: tuple[int, ...], wide: jnp.dtype) -> jnp.dtype:
    """16 bits where every sum of squares fits: twice the numbers in a vector."""
    far = sum(n * n for n in shape)
    reach = max(-(-n // SOURCES_A_PASS) * SOURCES_A_PASS - 1 for n in shape)
    return jnp.dtype(jnp.uint16) if far + reach**2 < 2**16 else wide


@jax.jit
def _squares(mask: Array, sizes: Array) -> Array:
    """Squared distances in the dtype of `sizes`; the diagonal's where no False is."""
    far = jnp.sum(jnp.square(sizes * jnp.asarray(mask.shape, sizes.dtype)))
    far = far.astype(sizes.dtype)
    # The last axis, which lies along a vector, would be slow to sweep.
    first = int(np.argmax(mask.shape[:-1])) if mask.ndim > 1 else 0
    steps = _steps(mask, first)
    along = jnp.square(steps.astype(sizes.dtype) * sizes[first])
    squares = jnp.where(steps < mask.shape[first], along, far)
    for axis in range(mask.ndim):
        if axis != first:
            squares = _lower(squares, axis, sizes[axis])
    return squares


def _steps(mask: Array, axis: int) -> Array:
    """Steps along `axis` to the nearest False; the length of the axis if there is none.

    On a CPU one line after another; elsewhere a tree of minima, which has few steps.
    """
    if mask.ndim == 1:
        return _steps_by_tree(mask, axis=axis)
    return lax.platform_dependent(
        mask,
        cpu=functools.partial(_steps_by_line, axis=axis),
        default=functools.partial(_steps_by_tree, axis=axis),
    )


def _steps_by_line(mask: Array, *, axis: int) -> Array:
    length = mask.shape[axis]
    steps = jnp.where(mask, length, 0).astype(jnp.int32)

    def lower(steps: Array, line: Array, neighbour: Array) -> Array:
        here = lax.dynamic_slice_in_dim(steps, line, 1, axis)
        there = lax.dynamic_slice_in_dim(steps, neighbour, 1, axis)
        lowered = jnp.minimum(here, there + 1)
        return lax.dynamic_update_slice_in_dim(steps, lowered, line, axis)

    steps = lax.fori_loop(1, length, lambda k, s: lower(s, k, k - 1), steps)
    return lax.fori_loop(
        1, length, lambda k, s: lower(s, length - 1 - k, length - k), steps
    )


def _steps_by_tree(mask: Array, *, axis: int) -> Array:
    length = mask.shape[axis]
    place = lax.broadcasted_iota(jnp.int32, mask.shape, axis)
    before = lax.cummax(jnp.where(mask, -length, place), axis)
    after = lax.cummin(jnp.where(mask, 2 * length, place), axis, reverse=True)
    return jnp.minimum(jnp.minimum(place - before, after - place), length)


def _lower(squares: Array, axis: int, size: Array) -> Array:
    """Takes `axis` in: out[i] is the minimum over j of in[j] + (size (i - j))^2."""
    length = squares.shape[axis]
    passes = -(-length // SOURCES_A_PASS)
    reach = passes * SOURCES_A_PASS
    offsets = jnp.arange(-reach, length).astype(squares.dtype)
    # In 16 bits -3 is 65533, whose square is 9 again.
    offsets = jnp.square(offsets * size)
    offsets = jnp.expand_dims(offsets, [a for a in range(squares.ndim) if a != axis])

    def one_pass(k: Array, lowered: Array) -> Array:
        for step in range(SOURCES_A_PASS):
            source = k * SOURCES_A_PASS + step
            # Past the end this is the last line, taken for farther than it is.
            line = lax.dynamic_slice_in_dim(squares, source, 1, axis)
            offset = lax.dynamic_slice_in_dim(offsets, reach - source, length, axis)
            candidate = line + offset
            # Not jnp.minimum, whose care for nan costs twice the time on a CPU.
            lowered = jnp.where(candidate < lowered, candidate, lowered)
        return lowered

    return lax.fori_loop(0, passes, one_pass, squares)
