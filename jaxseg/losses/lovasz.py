"""Lovász extensions of the Jaccard loss, of probability errors and of hinges."""

from typing import Literal

import jax.numpy as jnp
from jax import Array
from jax.nn import logsumexp
from jax.typing import ArrayLike

from jaxseg.links import Link, softmax
from jaxseg.losses.loss_function import loss_function
from jaxseg.losses.lovasz_gradient import binned_gradient, pooled_gradient
from jaxseg.numerics import pooled_sum, times, weighted_mean
from jaxseg.targets import as_class_weights, as_pixels, as_where, is_hard

Classes = Literal["present", "all"]


@loss_function
def lovasz_loss(
    logits: Array,
    labels: Array,
    *,
    classes: Classes = "present",
    method: Literal["exact", "histogram"] = "exact",
    bins: int = 16384,
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

    Example:
      >>> logits, labels = [[2.0, 0.0], [0.0, 1.0]], [0, 1]
      >>> print(f"{lovasz_loss(logits, labels):.4f}")
      0.2315

    Args:
      classes: "present" averages over the classes that occur in t, "all" over all (the
        loss of an absent class is its largest error).
      method: "exact" sorts the errors of each class, with `axis_name` on every device
        those of all; "histogram" ties the errors within each of `bins` equal bins,
        several times faster: its value is at most 1 / bins below the exact one, and
        devices exchange 2 C bins numbers.
      bins: of the histogram, >= 1.

    Returns:
      Scalar in [0, 1], float32 or wider; 0 where no class or pixel counts.

    Raises:
      ValueError: `classes` is neither name.

    Source: Berman 2018; Ma 2021, eqs. (11)-(13); Eelbode 2020, section II-A.
    """
    if method not in ("exact", "histogram") or bins < 1:
        raise ValueError(
            f'method is "exact" or "histogram", bins >= 1, not {method!r}, {bins}'
        )
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    errors = jnp.abs(targets - link(scores))
    counted = _counted_pixels(where, scores)
    if method == "exact":
        growth = pooled_gradient(
            errors, targets, counted, axis_name, hard=is_hard(labels)
        )
    else:
        growth = binned_gradient(errors, targets, counted, axis_name, bins=bins)
    losses = pooled_sum(growth * errors, where, axis_name)
    return _class_mean(
        losses, logits, targets, classes, class_weights, where, axis_name
    )


@loss_function
def lovasz_hinge_loss(
    logits: Array,
    labels: Array,
    *,
    classes: Classes = "present",
    link: Link = softmax,
    class_weights: ArrayLike | None = None,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    r"""Mean over classes of the Lovász extension of the Jaccard loss, at hinge errors.

    .. math:: e_{ic} = \max(0, 1 - (2 t_{ic} - 1) m_{ic}), \quad
        m_{ic} = \log \frac{p_{ic}}{1 - p_{ic}}

    With `links.sigmoid` the margin m is the score itself; with softmax it is the score
    less the log-sum-exp of the other classes' scores. 0 as soon as all
    margins are past 1. For soft t the error is t max(0, 1 - m) + (1 - t) max(0, 1 + m),
    which p = t does not minimise.

    Example:
      >>> logits, labels = [[2.0], [0.5], [-0.5]], [1, 0, 1]
      >>> print(f"{lovasz_hinge_loss(logits, labels, link=links.sigmoid):.4f}")
      1.0000

    Args:
      classes: "present" averages over the classes that occur in t, "all" over all (the
        loss of an absent class is its largest error).
      axis_name: mapped axis to pool pixels over; each device then sorts all errors.

    Returns:
      Scalar >= 0, float32 or wider; 0 where no class or pixel counts.

    Raises:
      ValueError: `classes` is neither name.

    Source: Yu and Blaschko 2015; Berman 2018, section 3.1. The released code has one
    class and skips none: `classes="all"` for an image without foreground.
    """
    scores, targets = as_pixels(logits, labels, link=link, where=where)
    margins = link.log_probs(scores) - _log_complements(link, scores)
    errors = times(targets, jnp.maximum(1 - margins, 0))
    errors += times(1 - targets, jnp.maximum(1 + margins, 0))
    growth = pooled_gradient(
        errors, targets, _counted_pixels(where, scores), axis_name, hard=is_hard(labels)
    )
    losses = pooled_sum(growth * errors, where, axis_name)
    return _class_mean(
        losses, logits, targets, classes, class_weights, where, axis_name
    )


def _log_complements(link: Link, scores: Array) -> Array:
    """log(1 - p), for a softmax from the other classes' scores."""
    if link.log_complements is not None:
        return link.log_complements(scores)
    classes = range(scores.shape[-1])
    logs = link.log_probs(scores)
    others = [jnp.delete(logs, c, axis=-1, assume_unique_indices=True) for c in classes]
    return jnp.stack([logsumexp(rest, axis=-1) for rest in others], axis=-1)


def _counted_pixels(where: Array | None, scores: Array) -> Array:
    if where is None:
        return jnp.ones(scores.shape[:-1], bool)
    return as_where(where, scores)


def _class_mean(
    losses: Array,
    logits: Array,
    targets: Array,
    classes: Classes,
    class_weights: ArrayLike | None,
    where: Array | None,
    axis_name: str | None,
) -> Array:
    """Mean of ``[C]`` losses over the classes that count."""
    if classes not in ("present", "all"):
        raise ValueError(f'classes is "present" or "all", not {classes!r}')
    weights = as_class_weights(class_weights, logits)
    if classes == "present":
        present = pooled_sum(targets, where, axis_name) > 0
        present = present.astype(losses.dtype)
        weights = present if weights is None else weights * present
    return weighted_mean(losses, weights)
