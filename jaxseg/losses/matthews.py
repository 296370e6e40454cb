"""One minus Matthews' correlation: all four cells of the confusion table count."""

from jax import Array
from jax.typing import ArrayLike

from jaxseg.counts import matthews_index
from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.region import overlap_counts
from jaxseg.numerics import weighted_mean
from jaxseg.targets import as_class_weights


@loss_function
def matthews_loss(
    logits: Array,
    labels: Array,
    *,
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""One minus the mean over classes of Matthews' correlation coefficient.

    .. math:: 1 - \frac1C \sum_c \frac{TP_c TN_c - FP_c FN_c}
        {\sqrt{(TP_c + FP_c) (TP_c + FN_c) (TN_c + FP_c) (TN_c + FN_c)}}

    Class and complement may change places without changing it, and a prediction that
    knows nothing of t costs 1. Smallest at p = t, also for soft t.

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{matthews_loss(logits, labels):.4f}")
      0.3812

    Returns:
      Scalar in [0, 2], float32 or wider; a class absent from p and t (or filling both)
      costs 0, one absent from t alone costs 1 with zero gradient.

    Source: Abhishek and Hamarneh 2021, arXiv:2010.13454, eqs. (3)-(5).
    """
    counts = overlap_counts(logits, labels, link, where, axis_name)
    index = matthews_index(counts)
    return weighted_mean(1 - index, as_class_weights(class_weights, logits))
