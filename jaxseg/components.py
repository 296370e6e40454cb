"""Connected components of masks and the regions nearest to each, in pure JAX.

Each pixel points at a pixel of its component with a lower place in scan order. A round
looks at all neighbours at once, has the pixel that a tree hangs on point at the lowest
tree in sight of any of its pixels, and halves the paths of all: trees join in pairs and
more, so that a spiral or a comb takes about as many rounds as the logarithm of its
length, where a front that spreads pixel by pixel takes its length.
"""

import itertools

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.distance import Spacing, as_bool_mask, nearest_pixels

PATH_HALVINGS = 2
"""How often a round shortens the paths: fewer take more rounds, more cost more each."""


def connected_components(mask: ArrayLike, *, connectivity: int = 1) -> Array:
    """Labels 1 to n of the connected parts of a mask, and 0 outside of it.

    The labels of `scipy.ndimage.label`: numbered by their first pixels in scan order.
    One image of any rank; `jax.vmap` for a batch. Works under `jax.jit`; the number of
    components is the largest label.

    Args:
      mask: ``[*size]`` bool.
      connectivity: along how many axes at once neighbours may differ, 1 to the rank:
        in 2D 1 is 4 neighbours and 2 is 8, in 3D 1 is 6, 2 is 18 and 3 is 26.

    Returns:
      ``[*size]`` int32.

    Raises:
      ValueError: mask is not bool or has no axis, or connectivity is none of its rank.

    Example:
      >>> mask = jnp.array([[1, 0, 1], [0, 1, 0], [0, 1, 0]], bool)
      >>> connected_components(mask).tolist()
      [[1, 0, 2], [0, 3, 0], [0, 3, 0]]
      >>> connected_components(mask, connectivity=2).tolist()
      [[1, 0, 1], [0, 1, 0], [0, 1, 0]]
    """
    mask = as_bool_mask(mask)
    first = first_pixels(mask, connectivity=connectivity).reshape(-1)
    place = jnp.arange(mask.size, dtype=jnp.int32)
    number = jnp.cumsum((first == place).astype(jnp.int32))
    labels = number.at[first].get(mode="fill", fill_value=0)
    return labels.reshape(mask.shape)


def component_sizes(labels: ArrayLike, max_components: int) -> Array:
    """How many pixels each component has, ``[max_components]`` int32, 0 for no such.

    Example:
      >>> labels = connected_components(jnp.array([1, 1, 0, 1], bool))
      >>> component_sizes(labels, max_components=3).tolist()
      [2, 1, 0]

    Args:
      labels: ``[*size]`` of `connected_components`; more than `max_components` of them
        are left out.
      max_components: a number that JAX has to know before it sees the mask.
    """
    labels = jnp.asarray(labels).reshape(-1)
    counts = jnp.zeros(max_components + 1, jnp.int32)
    return counts.at[labels].add(1, mode="drop")[1:]


def first_pixels(mask: Array, *, connectivity: int = 1) -> Array:
    """Place of the first pixel of each pixel's component in scan order, int32.

    Example:
      >>> first_pixels(jnp.array([1, 1, 0, 1], bool)).tolist()
      [0, 0, 4, 3]

    Args:
      mask: ``[*size]`` bool.
      connectivity: as of `connected_components`.

    Returns:
      ``[*size]``; the number of pixels outside of the mask, which is no place.
    """
    if not 1 <= connectivity <= mask.ndim:
        raise ValueError(
            f"connectivity of an image of {mask.ndim} axes is 1 to {mask.ndim}, not "
            f"{connectivity}"
        )
    shape, size = mask.shape, mask.size
    if size == 0:
        return jnp.zeros(shape, jnp.int32)
    place = jnp.arange(size, dtype=jnp.int32).reshape(shape)
    start = jnp.where(mask, place, size)
    steps = _half_of_neighbours(mask.ndim, connectivity)

    def lowest_near(parents: Array) -> Array:
        lowest = parents
        for step in steps:
            for way in (step, tuple(-s for s in step)):
                lowest = jnp.minimum(lowest, _shifted(parents, way, size))
        return jnp.where(mask, lowest, size)

    def one_round(state: tuple[Array, Array]) -> tuple[Array, Array]:
        parents, _ = state
        lowest = lowest_near(parents).reshape(-1)
        flat = parents.reshape(-1)
        # The root of each tree joins the lowest tree that one of its pixels touches.
        hooked = flat.at[flat].min(lowest, mode="drop")
        hooked = jnp.minimum(hooked, lowest)
        for _ in range(PATH_HALVINGS):
            hooked = hooked.at[hooked].get(mode="fill", fill_value=size)
        return hooked.reshape(shape), jnp.any(hooked != flat)

    def unfinished(state: tuple[Array, Array]) -> Array:
        return state[1]

    parents, _ = lax.while_loop(unfinished, one_round, (start, jnp.any(mask)))
    return parents


def nearest_components(
    labels: ArrayLike, *, outside: int = 0, spacing: Spacing | None = None
) -> Array:
    """The label of the component nearest to each pixel: Voronoi's regions.

    Exact Euclidean distances; of pixels that are equally near, the first in scan order
    decides.

    Args:
      labels: ``[*size]`` integers.
      outside: the label of pixels of no component.
      spacing: size of a pixel along each axis, or one number for all; > 0; None is 1.

    Returns:
      ``[*size]`` of the dtype of labels; `outside` everywhere without a component.

    Example:
      >>> nearest_components(jnp.array([1, 0, 0, 0, 0, 2])).tolist()
      [1, 1, 1, 2, 2, 2]
    """
    labels = jnp.asarray(labels)
    if labels.size == 0:
        return labels
    source = nearest_pixels(labels != outside, spacing=spacing)
    return labels.reshape(-1)[source]


def _half_of_neighbours(rank: int, connectivity: int) -> list[tuple[int, ...]]:
    """One of each pair of opposite steps to a neighbour."""
    steps = itertools.product((0, 1, -1), repeat=rank)
    near = [s for s in steps if 1 <= sum(map(abs, s)) <= connectivity]
    return [s for s in near if s > tuple(-x for x in s)]


def _shifted(values: Array, step: tuple[int, ...], outside: int) -> Array:
    """The value of the pixel one step away, `outside` beyond the image."""
    padding = [(max(-s, 0), max(s, 0), 0) for s in step]
    fill = jnp.asarray(outside, values.dtype)
    padded = lax.pad(values, fill, padding)
    start = [max(s, 0) for s in step]
    ends = [a + n for a, n in zip(start, values.shape, strict=True)]
    return lax.slice(padded, start, ends)
