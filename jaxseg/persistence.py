"""How long the parts and holes of an image last as its threshold falls, in pure JAX.

As the threshold falls from the largest value, parts of the image appear at local maxima
and merge at saddles, where the one with the lower maximum ends. Pixels are put into one
strict order first. Each starts in the basin of the maximum that the steepest way up
leads to; then in each round every basin looks at its highest border to any other, and
if the other side's maximum is higher it ends there and joins it. A basin whose
neighbour is lower waits: by the time that the neighbour has joined it, or another, its
own highest border may lead to a higher one.
"""

import itertools

import jax.numpy as jnp
from jax import Array, lax


def merge_places(values: Array, *, connectivity: int) -> Array:
    """Where the part that appears at each pixel ends.

    Example:
      >>> merge_places(jnp.array([3.0, 1.0, 2.0, 0.0, 5.0]), connectivity=1).tolist()
      [3, 1, 1, 3, -1]

    Args:
      values: ``[*size]``, no pixel of them missing; equal ones are put into the order
        of their places.
      connectivity: along how many axes at once neighbours may differ.

    Returns:
      ``[*size]`` int32: the place in scan order of the pixel at whose value the part
      merges into one with a higher maximum, the pixel's own place where no part
      appears, and -1 for the highest maximum, which never ends.
    """
    shape, size = values.shape, values.size
    if not size:
        return jnp.zeros(shape, jnp.int32)
    order = jnp.argsort(lax.stop_gradient(values).reshape(-1)).astype(jnp.int32)
    places = jnp.arange(size, dtype=jnp.int32)
    rank = jnp.zeros(size, jnp.int32).at[order].set(places).reshape(shape)
    steps = [
        s
        for s in itertools.product((0, 1, -1), repeat=values.ndim)
        if 1 <= sum(map(abs, s)) <= connectivity
    ]
    near_ranks = [_shifted(rank, step) for step in steps]
    highest = rank
    for near in near_ranks:
        highest = jnp.maximum(highest, near)
    # By rank: each pixel points at its highest neighbour, at last at a maximum.
    upwards = jnp.zeros(size, jnp.int32).at[rank.reshape(-1)].set(highest.reshape(-1))
    basins = _ends(upwards)[rank]

    def borders(basins: Array) -> list[tuple[Array, Array]]:
        """Height of the border to each neighbour of another basin, and which."""
        found = []
        for step, near in zip(steps, near_ranks, strict=True):
            other = _shifted(basins, step)
            apart = (other >= 0) & (other != basins)
            found.append((jnp.where(apart, jnp.minimum(rank, near), -1), other))
        return found

    def best_of(basins: Array, numbers: Array) -> Array:
        none = jnp.full(size, -1, jnp.int32)
        return none.at[basins.reshape(-1)].max(numbers.reshape(-1))

    def one_round(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        basins, ends, _ = state
        found = borders(basins)
        height = found[0][0]
        for there, _ in found[1:]:
            height = jnp.maximum(height, there)
        height = best_of(basins, height)
        mine = height[basins]
        elder = jnp.full(shape, -1, jnp.int32)
        for there, other in found:
            best = (there == mine) & (there >= 0)
            elder = jnp.maximum(elder, jnp.where(best, other, -1))
        elder = best_of(basins, elder)
        dies = elder > places
        ends = jnp.where(dies, height, ends)
        joined = _ends(jnp.where(dies, elder, places))
        return joined[basins], ends, jnp.any(dies)

    start = basins, jnp.full(size, -2, jnp.int32), jnp.any(basins != basins.max())
    _, ends, _ = lax.while_loop(lambda state: state[2], one_round, start)
    peaks = upwards == places
    # From ranks to places: no part, one without an end, one with.
    of_rank = jnp.where(ends >= 0, order[ends], jnp.where(peaks, -1, order))
    return of_rank[rank]


def _ends(pointers: Array) -> Array:
    """Where each way along pointers ends."""

    def halve(state: tuple[Array, Array]) -> tuple[Array, Array]:
        ahead = state[0][state[0]]
        return ahead, jnp.any(ahead != state[0])

    return lax.while_loop(lambda s: s[1], halve, (pointers, jnp.ones((), bool)))[0]


def _shifted(values: Array, step: tuple[int, ...]) -> Array:
    """The value one step away, -1 beyond the image."""
    padding = [(max(-s, 0), max(s, 0), 0) for s in step]
    padded = lax.pad(values, jnp.full((), -1, values.dtype), padding)
    start = [max(s, 0) for s in step]
    ends = [a + n for a, n in zip(start, values.shape, strict=True)]
    return lax.slice(padded, start, ends)


def lifetimes(probs: Array, where: Array | None = None) -> tuple[Array, Array]:
    """How long parts and holes of one image last, as its threshold falls from 1 to 0.

    Pixels are closed boxes, as GUDHI's top-dimensional cells: parts hang together by
    corners, holes along the axes. In 3D holes are cavities; tunnels are not looked for.
    With one axis there are none.
    What never ends lasts down to 0. The slope is that in the two values where a part or
    hole begins and ends.

    Example:
      >>> parts, holes = lifetimes(jnp.array([[0.9, 0.8, 0.9], [0.7, 0.1, 0.9],
      ...                                     [0.9, 0.9, 0.9]]))
      >>> sorted(parts.ravel().round(2).tolist())[-3:], holes.max().round(2).tolist()
      ([0.0, 0.0, 0.9], 0.6)

    Args:
      probs: ``[*size]`` in [0, 1].
      where: ``[*size]`` bool, False for pixels that are as outside of the image.

    Returns:
      For each pixel how long the part that appears there lasts, and for each the hole
      that is filled there; 0 for most.
    """
    rank = probs.ndim
    flat = probs.reshape(-1)
    inside = jnp.ones(probs.shape, bool) if where is None else where

    def lasting(ends: Array, values: Array, outside: Array) -> Array:
        at_end = jnp.where(ends < 0, 0, values[jnp.maximum(ends, 0)])
        return jnp.where(outside, 0, values - at_end)

    if not probs.size:
        return probs, probs
    high = lax.stop_gradient(jnp.where(inside, probs, -1.0))
    ends = merge_places(high, connectivity=rank).reshape(-1)
    # What merges outside of the image does not merge.
    ends = jnp.where(inside.reshape(-1)[jnp.maximum(ends, 0)], ends, -1)
    parts = lasting(ends, flat, ~inside.reshape(-1)).reshape(probs.shape)
    if rank == 1:
        return parts, jnp.zeros_like(probs)
    low = jnp.pad(
        lax.stop_gradient(jnp.where(inside, -probs, 1.0)), 1, constant_values=1
    )
    open_ = jnp.pad(inside, 1)
    padded = jnp.pad(probs, 1).reshape(-1)
    ends = merge_places(low, connectivity=1).reshape(-1)
    holes = -lasting(ends, padded, ~open_.reshape(-1)).reshape(low.shape)
    return parts, holes[(slice(1, -1),) * rank]
