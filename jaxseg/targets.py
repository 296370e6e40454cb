"""Labels to targets: what the ground truth may look like, checked at trace time."""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental import checkify
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.numerics import is_numpy, is_traced, wide_dtype, widen


def ignore(labels: Any, *ids: int, where: Any = None) -> tuple[Any, Any]:
    """Takes the ids of void pixels out of labels, for losses that know only `where`.

    Example:
      >>> labels = jnp.array([[0, 2, 255], [1, -1, 0]])
      >>> labels, where = ignore(labels, 255, -1)
      >>> labels.tolist(), where.tolist()
      ([[0, 2, 0], [1, 0, 0]], [[True, True, False], [True, False, True]])

    and then ``loss(logits, labels, where=where)``. Works under `jax.jit`.

    Args:
      labels: ``[...]`` integers.
      *ids: those of pixels to leave out, such as 255 or -1.
      where: ``[...]`` bool, False for pixels that are left out anyway.

    Returns:
      Labels with 0 in the place of the ids, and `where`, True where a pixel counts:
      NumPy's of NumPy's, else JAX's.

    Raises:
      ValueError: labels are not integers, or no id is given.
    """
    xp = np if is_numpy(labels) else jnp
    labels = xp.asarray(labels)
    if not ids or not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(
            f"ignore takes integer labels and the ids to leave out, not {labels.dtype} "
            f"and {ids}"
        )
    void = labels != labels
    for i in ids:
        void = void | (labels == i)
    counted = ~void if where is None else ~void & xp.asarray(where)
    return xp.where(void, xp.zeros_like(labels), labels), counted


def check_labels(labels: Any, num_classes: int, where: Any = None) -> None:
    """Refuses ids outside of the classes, at once or by way of `checkify`.

    Losses do so by themselves where labels are known. Under `jax.jit` they are not, and
    an id outside of the classes belongs to none of them: it is an error to every class
    of an overlap and costs nothing as a pixel. A training step that would rather stop
    calls this and is functionalised:

      >>> from jax.experimental import checkify
      >>> def step(labels):
      ...     check_labels(labels, 3)
      >>> error, _ = jax.jit(checkify.checkify(step))(jnp.array([0, 255]))
      >>> error.get()
      'labels hold the id 255, not one of 0 to 2: ... (`check` failed)'

    Args:
      labels: ``[...]`` class ids; floating targets are not looked at.
      num_classes: C; with one class the ids are 0 and 1.
      where: ``[...]`` bool, False for pixels to leave out, whatever their id.

    Raises:
      ValueError: known labels hold an id outside of the classes where a pixel counts.
    """
    if not is_hard(labels):
        return
    ids = max(num_classes, 2)
    if is_traced((labels, where)):
        labels = jnp.asarray(labels)
        outside = (labels < 0) | (labels >= ids)
        if where is not None:
            outside = outside & where
        found = jnp.max(jnp.where(outside, labels, jnp.iinfo(labels.dtype).min))
        checkify.check(~jnp.any(outside), _unknown(num_classes, IGNORE), id=found)
        return
    refuse_unknown_ids(labels, num_classes, where)


IGNORE = "leave such pixels out by where=labels != {id}, or by jaxseg.targets.ignore"


def _unknown(num_classes: int, remedy: str) -> str:
    classes = max(num_classes, 2)
    return f"labels hold the id {{id}}, not one of 0 to {classes - 1}: {remedy}"


def refuse_unknown_ids(
    labels: Any, num_classes: int, where: Any = None, remedy: str = IGNORE
) -> None:
    """`check_labels` of labels that are known; what is traced is taken as it is.

    Example:
      >>> refuse_unknown_ids([0, 255], 3, where=[True, False])
      >>> refuse_unknown_ids([0, 255], 3)
      Traceback (most recent call last):
        ...
      ValueError: labels hold the id 255, not one of 0 to 2: ...
    """
    if not (_is_known(labels) and _is_known(where) and is_hard(labels)):
        return
    labels = np.asarray(labels)
    ids = max(num_classes, 2)
    if labels.size == 0 or (labels.min() >= 0 and labels.max() < ids):
        return
    outside = (labels < 0) | (labels >= ids)
    if where is not None:
        counted = np.asarray(where)
        if counted.dtype != bool or counted.shape != labels.shape:
            return  # the loss says what is wrong with it
        outside &= counted
    if outside.any():
        raise ValueError(_unknown(num_classes, remedy).format(id=labels[outside][0]))


def _is_known(values: Any) -> bool:
    """Whether the numbers can be read here and now."""
    if is_traced(values):
        return False
    return not isinstance(values, jax.Array) or values.is_fully_addressable


def as_targets(labels: Array, logits: Array) -> Array:
    """Ground truth as ``[..., C]`` numbers, in float32 or wider.

    Example:
      >>> as_targets(jnp.array([0, 2]), jnp.zeros((2, 3))).tolist()
      [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]

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
    if jnp.issubdtype(labels.dtype, jnp.floating):
        if labels.shape != logits.shape:
            raise ValueError(
                f"floating labels are targets of the shape of logits {logits.shape}, "
                f"not {labels.shape}{_looks_like(labels, logits)}"
            )
        return labels.astype(wide_dtype(labels, logits))
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise ValueError(
            f"labels have dtype {labels.dtype}: integers are class ids, floats "
            "targets; a bool mask becomes ids by .astype(int)"
        )
    check_ids(labels, logits)
    classes = jnp.arange(logits.shape[-1]) if logits.shape[-1] > 1 else jnp.ones(1, int)
    classes = classes.astype(labels.dtype).reshape((1,) * labels.ndim + (-1,))
    return (labels[..., None] == classes).astype(wide_dtype(logits))


def region_targets(labels: Any, regions: Sequence[Sequence[int]]) -> Array:
    """Shares ``[..., R]`` of regions, which are sets of classes and may overlap.

    Example:
      >>> region_targets(jnp.array([0, 1, 2]), [(1, 2), (2,)]).tolist()
      [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]

    Args:
      labels: ``[...]`` class ids, of which those of no region are background, or
        ``[..., C]`` shares of the classes.
      regions: ids of the classes of each region.

    Returns:
      Float32 or wider, in [0, 1].
    """
    labels = jnp.asarray(labels)
    if is_hard(labels):
        inside = [
            functools.reduce(jnp.logical_or, (labels == c for c in classes))
            for classes in regions
        ]
        return jnp.stack(inside, axis=-1).astype(jnp.float32)
    shares = [
        jnp.sum(labels[..., jnp.array(tuple(classes))], -1) for classes in regions
    ]
    return widen(jnp.stack(shares, axis=-1))


def as_pixels(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    where: Array | None = None,
) -> tuple[Array, Array]:
    """Scores and targets of the pixels, checked, widened, zero where masked.

    Whatever a masked pixel holds, nan included, reaches no value and no gradient.

    Example:
      >>> logits, where = jnp.ones((2, 2)), jnp.array([True, False])
      >>> scores, targets = as_pixels(logits, jnp.array([1, 0]), where=where)
      >>> scores.tolist(), targets.tolist()
      ([[1.0, 1.0], [0.5, 0.5]], [[0.0, 1.0], [0.0, 0.0]])

    Args:
      logits: ``[..., C]`` floating scores.
      labels: ``[...]`` class ids, or ``[..., C]`` targets.
      link: how scores become probabilities.
      where: ``[...]`` bool, False for pixels to leave out; None keeps all.

    Returns:
      Scores and targets, ``[..., C]``, of one dtype, float32 or wider.

    Raises:
      ValueError: shapes or dtypes disagree, or a softmax over one class.
    """
    logits = as_scores(logits, link)
    targets = as_targets(labels, logits)
    scores = logits.astype(targets.dtype)
    if where is not None:
        where = as_where(where, logits)
        neutral = 0.5  # a legal score under every link
        scores = jnp.where(where[..., None], scores, neutral)
        targets = jnp.where(where[..., None], targets, 0)
    return scores, targets


def is_hard(labels: Any) -> bool:
    """Whether labels are class ids, rather than targets.

    Example:
      >>> is_hard(np.array([0, 1])), is_hard(np.array([0.0, 1.0]))
      (True, False)
    """
    dtype = labels.dtype if hasattr(labels, "dtype") else np.asarray(labels).dtype
    return jnp.issubdtype(dtype, jnp.integer)


def softmax_of_ids(
    logits: Array, labels: Array, *, link: Link, where: Array | None = None
) -> tuple[Array, Array] | None:
    """Scores and class ids, where a softmax meets class ids; else None.

    It is the commonest case and the one that `jaxseg.fused` takes in fewer passes.

    Example:
      >>> logits, ids = jnp.zeros((2, 3)), jnp.array([0, 2])
      >>> scores, ids = softmax_of_ids(logits, ids, link=softmax)
      >>> scores.shape, ids.tolist()
      ((2, 3), [0, 2])
      >>> softmax_of_ids(logits, jnp.zeros((2, 3)), link=softmax) is None
      True

    Args:
      logits: ``[..., C]`` floating scores, C >= 2 under a softmax.
      labels: ``[...]`` integers, or ``[..., C]`` targets.
      link: of the loss.
      where: ``[...]`` bool, False for pixels to leave out; None keeps all.

    Returns:
      Scores ``[..., C]``, widened, zero where masked, and ids ``[...]``, checked.

    Raises:
      ValueError: shapes or dtypes disagree, or a softmax over one class.
    """
    if link is not softmax or not is_hard(labels):
        return None
    logits = as_scores(logits, softmax)
    check_ids(labels, logits)
    scores = widen(logits)
    if where is not None:
        scores = jnp.where(as_where(where, logits)[..., None], scores, 0)
    return scores, jnp.asarray(labels)


def as_scores(logits: ArrayLike, link: Link | None) -> Array:
    """`logits` as an array; the link may be unknown.

    Example:
      >>> as_scores([[0.5, 1.5]], softmax).tolist()
      [[0.5, 1.5]]

    Raises:
      ValueError: no floating ``[..., C]`` scores, or a softmax over one class.
    """
    logits = jnp.asarray(logits)
    if not jnp.issubdtype(logits.dtype, jnp.floating) or 0 in (
        logits.ndim,
        logits.shape[-1],
    ):
        raise ValueError(
            f"logits are floating [..., C] scores, not {logits.dtype} {logits.shape}"
        )
    if link is softmax and logits.shape[-1] == 1:
        raise ValueError(
            "a softmax over one class is constant: use link=links.sigmoid for C = 1"
        )
    return logits


def check_ids(ids: Array, logits: Array) -> None:
    """Raises ValueError unless `ids` has the shape ``[...]`` of the pixels.

    Example:
      >>> check_ids(jnp.zeros((2, 1), int), jnp.zeros((2, 3)))
      Traceback (most recent call last):
        ...
      ValueError: class ids need the shape (2,) of the pixels ...
    """
    ids = jnp.asarray(ids)
    if ids.shape != logits.shape[:-1]:
        raise ValueError(
            f"class ids need the shape {logits.shape[:-1]} of the pixels of logits "
            f"{logits.shape}, not {ids.shape}{_looks_like(ids, logits)}"
        )


def _looks_like(labels: Array, logits: Array) -> str:
    """The usual mistake that gives such shapes, and its remedy; empty if none does."""
    shape, ids = labels.shape, jnp.issubdtype(labels.dtype, jnp.integer)
    pixels = logits.shape[:-1]
    if ids and shape == logits.shape and shape[-1] > 1:
        return ": one-hot targets are floats, labels.astype(jnp.float32)"
    if shape == (*pixels, 1):
        return ": a trailing axis of 1 goes by labels[..., 0]"
    if not ids and shape == pixels:
        return ": class ids are integers, labels.astype(int)"
    by_channel = (pixels[0], *pixels[2:], logits.shape[-1]) if len(pixels) > 1 else ()
    if len(pixels) > 1 and shape in (by_channel, (*pixels[:1], 1, *by_channel[1:])):
        return (
            ": logits look channels first, as in PyTorch; the class axis is the last, "
            "jnp.moveaxis(logits, 1, -1)"
        )
    return ""


def as_where(where: Array, logits: Array) -> Array:
    """`where` as a bool mask ``[...]`` over the pixels of `logits` ``[..., C]``.

    Example:
      >>> as_where([True, False], jnp.zeros((2, 3))).tolist()
      [True, False]

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
    """Class weights ``[C]`` of the classes of `logits`, widened like them; None stays.

    Example:
      >>> as_class_weights((1, 2, 3), jnp.zeros((2, 3))).tolist()
      [1.0, 2.0, 3.0]

    Raises:
      ValueError: another shape than one weight per class.
    """
    if class_weights is None:
        return None
    weights = jnp.asarray(class_weights).astype(wide_dtype(logits))
    if weights.shape != logits.shape[-1:]:
        raise ValueError(
            f"class_weights need one weight for each of the {logits.shape[-1]} classes "
            f"of logits {logits.shape}, not the shape {weights.shape}"
        )
    return weights


def as_pixel_weights(pixel_weights: Array | None, logits: Array) -> Array:
    """Weights ``[...]`` of the pixels of `logits`, widened like them; None is 1.

    Example:
      >>> as_pixel_weights(jnp.array([1, 2]), jnp.zeros((2, 3))).tolist()
      [1.0, 2.0]

    Raises:
      ValueError: another shape than one weight per pixel.
    """
    if pixel_weights is None:
        return jnp.ones((), wide_dtype(logits))
    weights = jnp.asarray(pixel_weights).astype(wide_dtype(logits))
    if weights.shape != logits.shape[:-1]:
        raise ValueError(
            f"pixel_weights need the shape {logits.shape[:-1]} of the pixels of logits "
            f"{logits.shape}, not {weights.shape}"
        )
    return weights
