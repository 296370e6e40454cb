"""Labels to targets: what the ground truth may look like, checked at trace time."""

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.numerics import widen


def as_targets(labels: Array, logits: Array) -> Array:
    """Ground truth as ``[..., C]`` numbers, in float32 or wider.

    Args:
      labels: integer dtype: class ids ``[...]``, with C = 1 the foreground is id 1; an
        id outside the classes belongs to none of them (mask such pixels with `where`).
        Floating dtype: targets ``[..., C]`` in [0, 1], one-hot or soft.
      logits: ``[..., C]`` scores, for their shape and dtype.

    Returns:
      Targets of the shape of `logits`.

    Raises:
      ValueError: the shapes disagree, or labels are neither integer nor floating.
    """
    labels = jnp.asarray(labels)
    dtype = jnp.promote_types(logits.dtype, jnp.float32)
    if jnp.issubdtype(labels.dtype, jnp.floating):
        if labels.shape != logits.shape:
            raise ValueError(
                f"floating labels are targets of the shape of logits {logits.shape}, "
                f"not {labels.shape}"
            )
        return labels.astype(jnp.promote_types(labels.dtype, dtype))
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(
            f"labels have dtype {labels.dtype}: integers are class ids, floats targets"
        )
    check_ids(labels, logits)
    classes = jnp.arange(logits.shape[-1]) if logits.shape[-1] > 1 else jnp.ones(1, int)
    classes = classes.reshape((1,) * labels.ndim + (-1,))
    return (labels[..., None] == classes).astype(dtype)


def as_pixels(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    where: Array | None = None,
) -> tuple[Array, Array]:
    """Scores and targets of the pixels, checked, widened, zero where masked.

    Whatever a masked pixel holds, nan included, reaches no value and no gradient.

    Args:
      logits: ``[..., C]`` floating scores.
      labels: ``[...]`` class ids, or ``[..., C]`` targets.
      link: how scores become probabilities.
      where: ``[...]`` bool, False for pixels to leave out; None keeps all.

    Returns:
      Scores and targets, ``[..., C]``, float32 or wider.

    Raises:
      ValueError: shapes or dtypes disagree, or a softmax over one class.
    """
    logits = as_scores(logits, link)
    scores, targets = widen(logits), as_targets(labels, logits)
    if where is not None:
        where = as_where(where, logits)
        neutral = 0.5  # a legal score under every link
        scores = jnp.where(where[..., None], scores, neutral)
        targets = jnp.where(where[..., None], targets, 0)
    return scores, targets


def is_hard(labels: Array) -> bool:
    """Whether labels are class ids, rather than targets."""
    return jnp.issubdtype(jnp.asarray(labels).dtype, jnp.integer)


def as_hard_pixels(
    logits: Array, ids: Array, *, where: Array | None = None
) -> tuple[Array, Array]:
    """Scores and class ids of the pixels, checked; scores widened, zero where masked.

    Args:
      logits: ``[..., C]`` floating scores, C >= 2.
      ids: ``[...]`` integers.
      where: ``[...]`` bool, False for pixels to leave out; None keeps all.

    Raises:
      ValueError: shapes or dtypes disagree, or a softmax over one class.
    """
    logits = as_scores(logits, softmax)
    check_ids(ids, logits)
    scores = widen(logits)
    if where is not None:
        scores = jnp.where(as_where(where, logits)[..., None], scores, 0)
    return scores, jnp.asarray(ids)


def as_scores(logits: Array, link: Link) -> Array:
    """`logits` as an array.

    Raises:
      ValueError: no floating ``[..., C]`` scores, or a softmax over one class.
    """
    logits = jnp.asarray(logits)
    if not jnp.issubdtype(logits.dtype, jnp.floating) or logits.ndim == 0:
        raise ValueError(
            f"logits are floating [..., C] scores, not {logits.dtype} {logits.shape}"
        )
    if link is softmax and logits.shape[-1] == 1:
        raise ValueError(
            "a softmax over one class is constant: use link=links.sigmoid for C = 1"
        )
    return logits


def check_ids(ids: Array, logits: Array) -> None:
    """Raises ValueError unless `ids` has the shape ``[...]`` of the pixels."""
    if jnp.shape(ids) != logits.shape[:-1]:
        raise ValueError(
            f"class ids need the shape {logits.shape[:-1]} of the pixels of logits "
            f"{logits.shape}, not {jnp.shape(ids)}"
        )


def as_where(where: Array, logits: Array) -> Array:
    """`where` as a bool mask ``[...]`` over the pixels of `logits` ``[..., C]``.

    Raises:
      ValueError: another shape or a dtype other than bool.
    """
    where = jnp.asarray(where)
    if where.dtype != jnp.bool_ or where.shape != logits.shape[:-1]:
        raise ValueError(
            f"where is a bool mask of the pixels {logits.shape[:-1]}, "
            f"not {where.dtype} {where.shape}"
        )
    return where


def as_class_weights(class_weights: ArrayLike | None, logits: Array) -> Array | None:
    """Class weights ``[C]`` of the classes of `logits`, float32 or wider; None stays.

    Raises:
      ValueError: another shape than one weight per class.
    """
    if class_weights is None:
        return None
    weights = widen(jnp.asarray(class_weights))
    if weights.shape != logits.shape[-1:]:
        raise ValueError(
            f"class_weights need one weight for each of the {logits.shape[-1]} classes "
            f"of logits {logits.shape}, not the shape {weights.shape}"
        )
    return weights


def as_pixel_weights(pixel_weights: Array | None, logits: Array) -> Array:
    """Weights ``[...]`` of the pixels of `logits`, float32 or wider; None is 1.

    Raises:
      ValueError: another shape than one weight per pixel.
    """
    if pixel_weights is None:
        return jnp.ones((), jnp.promote_types(logits.dtype, jnp.float32))
    weights = widen(jnp.asarray(pixel_weights))
    if weights.shape != logits.shape[:-1]:
        raise ValueError(
            f"pixel_weights need the shape {logits.shape[:-1]} of the pixels of logits "
            f"{logits.shape}, not {weights.shape}"
        )
    return weights
