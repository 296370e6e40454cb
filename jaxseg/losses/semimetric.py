"""Dice and Jaccard losses that are (semi)metrics of soft labels.

Each is a ratio of the inner product of p and t to that plus their L1 distance. The two
other forms of the same paper, with the sum of p and t in the place of the product, are
`dice_loss` and `jaccard_loss` themselves.
"""

from typing import Any

from jax import Array
from jax.typing import ArrayLike

from jaxseg.counts import SoftCounts
from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.region import overlap_counts
from jaxseg.numerics import safe_ratio, weighted_mean
from jaxseg.targets import as_class_weights


def _distance(counts: SoftCounts) -> Any:
    """Sum of |p - t| per class."""
    return counts.false_positives + counts.false_negatives


@loss_function
def dice_semimetric_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Dice semimetric loss: 0 exactly where p = t, for soft labels too.

    .. math:: 1 - \frac1C \sum_c \frac{2 \langle p_c, t_c \rangle}
        {2 \langle p_c, t_c \rangle + \lVert p_c - t_c \rVert_1}

    Equals `dice_loss` on hard labels, in value and gradient.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{dice_semimetric_loss(logits, labels):.4f}")
      0.1952

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0, one
      absent from t alone costs 1 with zero gradient.

    Source: Wang, Popordanoska, Bertels, Lemmens and Blaschko 2023, arXiv:2303.16296,
    the second of two forms.
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    top = 2 * counts.inner
    index = safe_ratio(top, top + _distance(counts), 1)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))


@loss_function
def jaccard_metric_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Jaccard metric loss: 0 exactly where p = t, for soft labels too.

    .. math:: 1 - \frac1C \sum_c \frac{\langle p_c, t_c \rangle}
        {\langle p_c, t_c \rangle + \lVert p_c - t_c \rVert_1}

    Equals `jaccard_loss` on hard labels, in value and gradient.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{jaccard_metric_loss(logits, labels):.4f}")
      0.3263

    Returns:
      Scalar in [0, 1], float32 or wider; a class absent from p and t costs 0, one
      absent from t alone costs 1 with zero gradient.

    Source: Wang, Ning and Blaschko 2023, arXiv:2302.05666, the second of two forms.
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    index = safe_ratio(counts.inner, counts.inner + _distance(counts), 1)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))
