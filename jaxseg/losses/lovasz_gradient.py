"""How the Jaccard loss grows as pixels join the mispredicted set, worst first.

The gradient of its Lovász extension in the errors, in closed form: exact by sorting, or
within a stated bound by a histogram.
"""

import jax.numpy as jnp
from jax import Array, lax

from jaxseg.numerics import pool, safe_ratio


def pooled_gradient(
    errors: Array,
    targets: Array,
    counted: Array,
    axis_name: str | None,
    *,
    hard: bool,
) -> Array:
    """Exact growth at each error, among the pixels of all devices.

    Args:
      errors: ``[..., C]`` >= 0.
      targets: ``[..., C]`` in [0, 1].
      counted: ``[...]`` bool.
      axis_name: mapped axis whose pixels are gathered; each device sorts all of them.
      hard: whether every target is 0 or 1.

    Returns:
      ``[..., C]`` >= 0, without gradient.
    """
    errors, targets = lax.stop_gradient((errors, targets))
    classes = errors.shape[-1]
    if not errors.size:
        return jnp.zeros_like(errors)
    rows = (errors.reshape(-1, classes).T, targets.reshape(-1, classes).T)
    mask = jnp.broadcast_to(counted.reshape(1, -1), rows[0].shape)

    def gathered(row: Array) -> Array:
        if axis_name is None:
            return row
        return lax.all_gather(row, axis_name, axis=1, tiled=True)

    if hard:
        keys = pixel_keys(rows[0], rows[1] > 0.5, mask)
        # Class by class, so that the sorts of several run side by side.
        growth = jnp.stack(
            [
                jaccard_gradient_of_keys(every, own, errors.dtype)
                for every, own in zip(gathered(keys), keys, strict=True)
            ]
        )
    else:
        growth = jaccard_gradient(*(gathered(row) for row in (*rows, mask)))
        if axis_name is not None:
            here = mask.shape[-1]
            start = lax.axis_index(axis_name) * here
            growth = lax.dynamic_slice_in_dim(growth, start, here, axis=1)
    return growth.T.reshape(errors.shape)


def pixel_keys(errors: Array, own: Array, counted: Array) -> Array:
    """Integers that order pixels by error and hold in their last bit whose they are.

    The bits of non-negative floats order like the floats, and one integer sorts several
    times faster than a float with a companion.

    Args:
      errors: ``[C, N]`` >= 0, finite.
      own: ``[C, N]`` bool, whether the pixel belongs to the class.
      counted: ``[C, N]`` bool; other pixels get the key 0.
    """
    integer = jnp.uint64 if errors.dtype == jnp.float64 else jnp.uint32
    bits = lax.bitcast_convert_type(errors, integer)
    return jnp.where(counted, 2 * (bits + 1) + own.astype(bits.dtype), 0)


def jaccard_gradient_of_keys(keys: Array, asked: Array, dtype: jnp.dtype) -> Array:
    """Growth of the Jaccard loss at pixels, as pixels join in order of their error.

    Pixels of one key, of equal error and on one side, share their growth equally.

    Args:
      keys: ``[M]`` `pixel_keys` of all pixels of a class.
      asked: ``[N]`` keys, each of which is among `keys`.
      dtype: of the result.

    Returns:
      ``[N]`` growths >= 0; 0 for pixels that do not count.
    """
    rising = lax.sort(keys)
    own = rising % 2 == 1
    place = lax.iota(jnp.int32, len(keys))
    own_below = jnp.cumsum(own, dtype=jnp.int32)
    total = own_below[-1]
    # The last place of the run of equal keys that a place belongs to.
    is_last = jnp.pad(rising[1:] != rising[:-1], (0, 1), constant_values=True)
    most = jnp.iinfo(jnp.int32).max
    last = lax.cummin(jnp.where(is_last, place, most), reverse=True)
    # How many others have a larger error, and how many with those of the same run, if
    # the run is one of others and this is its first place. Masked keys come before all.
    others_above = len(keys) - 1 - total + own_below
    smaller, larger = others_above - last, others_above - place
    size, behind, smaller, larger = (
        x.astype(dtype) for x in (total, own_below, smaller, larger)
    )
    # With no pixel of its own, a class has all its loss as soon as one is mispredicted.
    first = size + smaller == 0
    top = jnp.where(own | first, 1, behind)
    bottom = jnp.where(own, size + larger, size + larger + 1)
    bottom *= jnp.where(own | first, 1, size + smaller)
    growth = jnp.where(rising > 0, top / jnp.maximum(bottom, 1), 0)
    # A branch is stored: else XLA evaluates the growth where it is looked up.
    stored = lax.cond(rising[-1] > 0, lambda: growth, lambda: jnp.zeros_like(growth))
    return stored[jnp.searchsorted(rising, asked)]


def jaccard_gradient(errors: Array, targets: Array, counted: Array) -> Array:
    """Growth of the Jaccard loss at each pixel, for soft targets too.

    Args:
      errors: ``[C, N]`` >= 0.
      targets: ``[C, N]`` in [0, 1], 0 where not counted.
      counted: ``[C, N]`` bool; other pixels come last and get growth 0.

    Returns:
      ``[C, N]`` growths >= 0 that sum to 1 in each class with a pixel: the gradient of
      the Lovász extension in the errors.
    """
    integer = jnp.int64 if errors.dtype == jnp.float64 else jnp.int32
    # The bits of non-negative floats order like the floats, and integers sort faster.
    bits = lax.bitcast_convert_type(errors, integer)
    keys = jnp.where(counted, -bits, 1)
    positions = lax.broadcasted_iota(jnp.int32, errors.shape, 1)
    _, order = lax.sort((keys, positions), dimension=1, num_keys=1)
    sorted_targets = jnp.take_along_axis(targets, order, axis=1)
    total = jnp.sum(targets, axis=1, keepdims=True)
    rank = 1 + positions.astype(errors.dtype)
    union = total + jnp.cumsum(1 - sorted_targets, axis=1)
    before = union - (1 - sorted_targets)
    remaining = total - jnp.cumsum(sorted_targets, axis=1)
    top = jnp.maximum(remaining, 0) + rank * sorted_targets
    first = 1 / jnp.maximum(union, jnp.finfo(errors.dtype).tiny)
    later = top / jnp.where(before > 0, union * before, 1)
    growth = jnp.where(positions == 0, first, jnp.where(before > 0, later, 0))
    growth = jnp.where(jnp.take_along_axis(counted, order, axis=1), growth, 0)
    rows = lax.broadcasted_iota(jnp.int32, errors.shape, 0)
    return (
        jnp.zeros_like(errors)
        .at[rows, order]
        .set(growth, unique_indices=True, mode="promise_in_bounds")
    )


def binned_gradient(
    errors: Array,
    targets: Array,
    counted: Array,
    axis_name: str | None,
    *,
    bins: int,
) -> Array:
    """Growth at each error as if the errors of one of `bins` equal bins were tied.

    Sorts nothing and gathers nothing: devices add 2 C bins numbers. The growth is exact
    for errors rounded down to their bin, and the extension is the largest sum of growth
    times error over all orders, so that the loss made from it lies below the exact one
    by at most 1 / bins.

    Args:
      errors: ``[..., C]`` in [0, 1].
      targets: ``[..., C]`` in [0, 1].
      counted: ``[...]`` bool.
      axis_name: mapped axis to add the histograms over.
      bins: how many, >= 1.

    Returns:
      ``[..., C]`` >= 0, without gradient; 0 where not counted.
    """
    errors, targets = lax.stop_gradient((errors, targets))
    classes = errors.shape[-1]
    counts = jnp.broadcast_to(counted[..., None], errors.shape).astype(errors.dtype)
    # Bins in falling order of error, those of one class after those of another.
    rising = jnp.clip(errors * bins, 0, bins - 1).astype(jnp.int32)
    places = bins - 1 - rising
    first = bins * jnp.arange(classes, dtype=places.dtype)
    places += first.reshape((1,) * (errors.ndim - 1) + (-1,))

    def histogram(weights: Array) -> Array:
        empty = jnp.zeros(classes * bins, errors.dtype)
        filled = empty.at[places.reshape(-1)].add(weights.reshape(-1))
        return pool(filled.reshape(classes, bins), axis_name)

    own, others = histogram(targets * counts), histogram((1 - targets) * counts)
    total = jnp.sum(own, axis=1, keepdims=True)
    outside = jnp.cumsum(others, axis=1)
    before, after = total + outside - others, total + outside
    behind = jnp.maximum(total - jnp.cumsum(own, axis=1), 0)
    of_own = safe_ratio(1.0, before, 0)
    # With no pixel of its own, a class has all its loss as soon as one is mispredicted.
    of_other = jnp.where(
        total > 0,
        safe_ratio(behind * of_own, after, 0),
        jnp.where(outside == others, safe_ratio(1.0, after, 0), 0),
    )
    at_own, at_other = (table.reshape(-1)[places] for table in (of_own, of_other))
    return counts * (targets * at_own + (1 - targets) * at_other)
