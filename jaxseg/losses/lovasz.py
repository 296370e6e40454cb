"""The Lovász extension of the Jaccard loss."""

from typing import Literal

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.numerics import pooled_sum, weighted_mean
from jaxseg.targets import as_class_weights, as_pixels, as_where


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
    Lovász-sigmoid. Linear in the errors between changes of their order; at a tie, and
    so at full saturation, the gradient is one subgradient, chosen by pixel order.

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
        lax.stop_gradient(errors), lax.stop_gradient(targets), counted, axis_name
    )
    losses = pooled_sum(growth * errors, where, axis_name)
    weights = as_class_weights(class_weights, logits)
    if classes == "present":
        present = pooled_sum(targets, where, axis_name) > 0
        present = present.astype(losses.dtype)
        weights = present if weights is None else weights * present
    return weighted_mean(losses, weights)


def _pooled_growth(
    errors: Array, targets: Array, counted: Array, axis_name: str | None
) -> Array:
    """`jaccard_growth` per class of ``[..., C]`` errors, among all devices' pixels."""
    classes = errors.shape[-1]
    rows = (errors.reshape(-1, classes).T, targets.reshape(-1, classes).T)
    mask = jnp.broadcast_to(counted.reshape(1, -1), rows[0].shape)
    if axis_name is None:
        growth = jaccard_growth(*rows, mask)
    else:
        here = rows[0].shape[-1]
        gathered = (
            lax.all_gather(x, axis_name, axis=1, tiled=True) for x in (*rows, mask)
        )
        start = lax.axis_index(axis_name) * here
        growth = lax.dynamic_slice_in_dim(
            jaccard_growth(*gathered), start, here, axis=1
        )
    return growth.T.reshape(errors.shape)


def jaccard_growth(errors: Array, targets: Array, counted: Array) -> Array:
    """Growth of the Jaccard loss at each pixel as pixels join in order of their error.

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
