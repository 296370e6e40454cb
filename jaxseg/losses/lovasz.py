"""The Lovász extension of the Jaccard loss."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.numerics import pooled_sum, weighted_mean
from jaxseg.targets import as_class_weights, as_pixels, as_where, is_hard


def lovasz_loss(
    logits: Array,
    labels: Array,
    *,
    classes: Literal["present", "all"] = "present",
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over classes of the Lovász extension of the Jaccard loss, pixels pooled.

    .. math:: \frac1C \sum_c \sum_i w_i e_{\pi(i)}, \quad e_i = |t_{ic} - p_{ic}|

    with errors in falling order and w_i the growth of the Jaccard loss as pixel i joins
    the mispredicted set. The growth is computed in closed form, (T - F_i + i t_i) /
    (u_i u_{i-1}) with u_i = T + B_i, where F and B count the target and the rest among
    the first i: no difference of nearly equal numbers. `links.sigmoid` gives the
    Lovász-sigmoid. Linear in the errors between changes of their order; at a tie the
    gradient is one subgradient, shared equally by pixels on one side of the class.

    For soft t the sets become their expectations; the loss is 0 at p = t.

    Args:
      logits: ``[..., C]`` scores.
      labels: ``[...]`` class ids, or ``[..., C]`` one-hot or soft targets t.
      classes: "present" averages over the classes that occur in t, "all" over all (the
        loss of an absent class is its largest error).
      link: how scores become the probabilities p.
      class_weights: ``[C]`` weights of the mean over classes; (0, 1) is foreground.
      where: ``[...]`` bool, True where a pixel counts; None counts all.
      axis_name: mapped axis to pool pixels over; each device then sorts the errors of
        all, forward only.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no class or pixel counts.

    Raises:
      ValueError: the shapes of logits, labels, class_weights and where disagree, or
        `classes` is neither name.

    Source: Berman 2018; Ma 2021, eqs. (11)-(13); Eelbode 2020, section II-A.
    """
    if classes not in ("present", "all"):
        raise ValueError(f'classes is "present" or "all", not {classes!r}')
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    errors = jnp.abs(targets - link(scores))
    counted = (
        jnp.ones(errors.shape[:-1], bool) if where is None else as_where(where, scores)
    )
    growth = _pooled_growth(
        lax.stop_gradient(errors),
        lax.stop_gradient(targets),
        counted,
        axis_name,
        hard=is_hard(labels),
    )
    losses = pooled_sum(growth * errors, where, axis_name)
    weights = as_class_weights(class_weights, logits)
    if classes == "present":
        present = pooled_sum(targets, where, axis_name) > 0
        present = present.astype(losses.dtype)
        weights = present if weights is None else weights * present
    return weighted_mean(losses, weights)


def _pooled_growth(
    errors: Array,
    targets: Array,
    counted: Array,
    axis_name: str | None,
    *,
    hard: bool,
) -> Array:
    """Growth per class of ``[..., C]`` errors, among all devices' pixels."""
    classes = errors.shape[-1]
    rows = (errors.reshape(-1, classes).T, targets.reshape(-1, classes).T)
    mask = jnp.broadcast_to(counted.reshape(1, -1), rows[0].shape)

    def gathered(row: Array) -> Array:
        if axis_name is None:
            return row
        return lax.all_gather(row, axis_name, axis=1, tiled=True)

    if hard:
        keys = pixel_keys(rows[0], rows[1] > 0.5, mask)
        growth = jaccard_growth_of_keys(gathered(keys), keys, errors.dtype)
    else:
        growth = jaccard_growth(*(gathered(row) for row in (*rows, mask)))
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
      errors: ``[C, N]`` in [0, 1].
      own: ``[C, N]`` bool, whether the pixel belongs to the class.
      counted: ``[C, N]`` bool; other pixels get the key -1.
    """
    integer = jnp.int64 if errors.dtype == jnp.float64 else jnp.int32
    bits = lax.bitcast_convert_type(errors, integer)
    return jnp.where(counted, 2 * bits + own, -1)


def jaccard_growth_of_keys(keys: Array, asked: Array, dtype: jnp.dtype) -> Array:
    """Growth of the Jaccard loss at pixels, as pixels join in order of their error.

    Pixels of one key, of equal error and on one side, share their growth equally.

    Args:
      keys: ``[C, M]`` `pixel_keys` of all pixels.
      asked: ``[C, N]`` keys, each of which is among those of its class.
      dtype: of the result.

    Returns:
      ``[C, N]`` growths >= 0; 0 for pixels that do not count.
    """
    rising = lax.sort(keys, dimension=1)
    falling = rising[:, ::-1]
    own = (falling >= 0) & (falling % 2 == 1)
    others = (falling >= 0) & ~own
    total = jnp.sum(own, axis=1, keepdims=True, dtype=jnp.int32)
    behind = total - jnp.cumsum(own, axis=1, dtype=jnp.int32)
    outside = jnp.cumsum(others, axis=1, dtype=jnp.int32)
    # Others counted before and after the run of equal keys that a place belongs to.
    new = jnp.pad(falling[:, 1:] != falling[:, :-1], ((0, 0), (1, 0)))
    new = new.at[:, 0].set(True)
    last = jnp.pad(new[:, 1:], ((0, 0), (0, 1)), constant_values=True)
    most = jnp.iinfo(jnp.int32).max
    before = lax.cummax(jnp.where(new, outside - others, 0), axis=1)
    after = lax.cummin(jnp.where(last, outside, most), axis=1, reverse=True)
    size, smaller, larger = (x.astype(dtype) for x in (total, before, after))
    union = jnp.maximum(size + larger, 1)
    of_own = 1 / union
    # With no pixel of its own, a class has all its loss as soon as one is mispredicted.
    of_other = jnp.where(
        size + smaller > 0,
        behind / (union * jnp.maximum(size + smaller, 1)),
        1 / union,
    )
    growth = jnp.where(own, of_own, jnp.where(others, of_other, 0))
    place = jax.vmap(jnp.searchsorted)(rising, asked)
    return jnp.take_along_axis(growth[:, ::-1], place, axis=1)


def jaccard_growth(errors: Array, targets: Array, counted: Array) -> Array:
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
