"""Dice loss for classes some of which are nearer to each other than others."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxseg.fused import by_id, mean_costs, target_log_probs
from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.outcomes import outcomes
from jaxseg.numerics import keep, pool, safe_ratio
from jaxseg.targets import as_class_weights, softmax_of_ids


@loss_function
def wasserstein_dice_loss(
    logits: Array,
    labels: Array,
    *,
    distances: ArrayLike | None = None,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Generalised Wasserstein Dice loss under a matrix M of distances of labels.

    .. math:: 1 - \frac{2 \sum_i \sum_l M_{l0} t_{il} (1 - W_i)}
        {2 \sum_i \sum_l M_{l0} t_{il} (1 - W_i) + \sum_i W_i}, \quad
        W_i = \sum_{l, k} t_{il} M_{lk} p_{ik}

    W is the Wasserstein distance of p to a one-hot t; for soft t it is the cost of the
    independent coupling, an upper bound which p = t does not minimise. The background,
    class 0, counts only by its errors. All distances 1 is the Dice loss of foreground
    against background when C = 2.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{wasserstein_dice_loss(logits, labels):.4f}")
      0.2098

    Args:
      logits: ``[..., C]`` scores of exclusive classes; C = 1 is foreground alone.
      distances: ``[C, C]`` in [0, 1], 0 on the diagonal (``[2, 2]`` for C = 1); None is
        1 off the diagonal.
      class_weights: ``[C]`` weight of each pixel by its class.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 without foreground and error, 1 with zero
      gradient without foreground and with errors.

    Raises:
      ValueError: the shape of distances disagrees, or there are several classes that
        are not exclusive.

    Source: Fidon 2017, arXiv:1707.00478, eqs. (8)-(10).
    """
    hard = softmax_of_ids(logits, labels, link=link, where=where)
    if hard is not None:
        terms = _terms_of_ids(*hard, distances, class_weights, where)
    else:
        terms = _terms(logits, labels, distances, link, class_weights, where)
    hits, errors = (pool(jnp.sum(x), axis_name) for x in terms)
    return 1 - safe_ratio(2 * hits, 2 * hits + errors, 1)


def _matrix(distances: ArrayLike | None, count: int, dtype: jnp.dtype) -> Array:
    if distances is None:
        return 1 - jnp.eye(count, dtype=dtype)
    matrix = jnp.asarray(distances, dtype)
    if matrix.shape != (count, count):
        raise ValueError(
            f"distances have the shape ({count}, {count}) of pairs of classes, not "
            f"{matrix.shape}"
        )
    return matrix


def _terms_of_ids(
    scores: Array,
    ids: Array,
    distances: ArrayLike | None,
    class_weights: ArrayLike | None,
    where: Array | None,
) -> tuple[Array, Array]:
    """What hits and errors are the sums of, ``[...]``, of a softmax against ids."""
    classes = scores.shape[-1]
    counted = (ids >= 0) & (ids < classes)
    if where is not None:
        counted &= where
    matrix = _matrix(distances, classes, scores.dtype)
    if distances is None:
        right, foreground = jnp.exp(target_log_probs(scores, ids)), ids > 0
    else:
        right = 1 - mean_costs(scores, ids, matrix)
        foreground = by_id(matrix[:, 0], ids)
    hits = jnp.where(counted, foreground.astype(right.dtype) * right, 0)
    errors = jnp.where(counted, 1 - right, 0)
    weights = as_class_weights(class_weights, scores)
    if weights is None:
        return hits, errors
    of_pixel = by_id(weights.astype(hits.dtype), ids)
    return of_pixel * hits, of_pixel * errors


def _terms(
    logits: Array,
    labels: Array,
    distances: ArrayLike | None,
    link: Link,
    class_weights: ArrayLike | None,
    where: Array | None,
) -> tuple[Array, Array]:
    """What hits and errors are the sums of, ``[...]``, of any link and targets."""
    found = outcomes(
        logits, labels, link=link, class_weights=class_weights, where=where
    )
    count = found.log_probs.shape[-1]
    if not link.exclusive(jnp.shape(logits)[-1]) and count > 2:
        raise ValueError(
            "wasserstein_dice_loss needs exclusive classes: use link=links.softmax for "
            f"C = {count // 2}"
        )
    matrix = _matrix(distances, count, found.log_probs.dtype)
    targets = keep(found.targets, where)

    def at_pixels(rows: Array) -> Array:
        """Rows ``[K, ...]`` of the pixels' targets: ``[..., ...]``."""
        return jnp.matmul(targets, rows, precision=lax.Precision.HIGHEST)

    work = jnp.sum(at_pixels(matrix) * found.probs, axis=-1)
    weights, foreground = at_pixels(found.weights), at_pixels(matrix[:, 0])
    return weights * foreground * (1 - work), weights * work
