"""Sums over pools of pixels: what every index of overlap is a function of."""

import dataclasses
from typing import Any, Self

import jax
import jax.numpy as jnp
from jax import Array

from jaxseg.fused import (
    is_id,
    logsumexp_by_id,
    softmax_sums,
    sum_of_pixels,
    target_log_probs,
)
from jaxseg.numerics import (
    keep,
    pool,
    pooled_count,
    pooled_logsumexp,
    pooled_sum,
    soft_minimum,
)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class SoftCounts:
    """Sums over a pool of pixels, per class ``[C]``; they add, and divide last.

    With p the prediction and t the target, both in [0, 1]:

    Attributes:
      intersection: sum min(p, t), which is sum p t for hard t, value and gradient.
      inner: sum p t.
      predicted: sum p.
      actual: sum t.
      predicted_squares: sum p^2.
      actual_squares: sum t^2.
      pixels: how many pixels, a scalar (or what broadcasts against the classes).
    """

    intersection: Any
    inner: Any
    predicted: Any
    actual: Any
    predicted_squares: Any
    actual_squares: Any
    pixels: Any

    def __add__(self, other: Self) -> Self:
        """Counts of the union of two disjoint pools of pixels."""
        return jax.tree.map(lambda a, b: a + b, self, other)

    @classmethod
    def of_sets(cls, true_positives, false_positives, false_negatives, pixels) -> Self:
        """Counts of two hard masks; numbers of any kind, exact fractions included."""
        predicted = true_positives + false_positives
        actual = true_positives + false_negatives
        return cls(
            intersection=true_positives,
            inner=true_positives,
            predicted=predicted,
            actual=actual,
            predicted_squares=predicted,
            actual_squares=actual,
            pixels=pixels,
        )

    @property
    def false_positives(self) -> Any:
        """Sum of p beyond t."""
        return self.predicted - self.intersection

    @property
    def false_negatives(self) -> Any:
        """Sum of t beyond p."""
        return self.actual - self.intersection

    @property
    def others_predicted(self) -> Any:
        """Sum of 1 - p, what is predicted not to be of the class."""
        return self.pixels - self.predicted

    @property
    def others_actual(self) -> Any:
        """Sum of 1 - t, what is not of the class."""
        return self.pixels - self.actual

    @property
    def true_negatives(self) -> Any:
        """Sum of min(1 - p, 1 - t)."""
        return self.others_predicted - self.false_negatives


def soft_counts(
    probs: Array,
    targets: Array,
    where: Array | None = None,
    axis_name: str | None = None,
) -> SoftCounts:
    """Counts of predictions against targets over all leading axes.

    Example:
      >>> probs, targets = jnp.array([[0.75, 0.25], [0.5, 0.5]]), jnp.eye(2)
      >>> counts = soft_counts(probs, targets)
      >>> counts.intersection.tolist(), counts.predicted.tolist()
      ([0.75, 0.5], [1.25, 0.75])

    Args:
      probs: ``[..., C]`` in [0, 1], hard or soft.
      targets: ``[..., C]`` in [0, 1], hard or soft.
      where: ``[...]`` bool, False as if the pixel were not there.
      axis_name: mapped axis to add the counts over.
    """
    probs, targets = keep(probs, where), keep(targets, where)

    def total(values: Array) -> Array:
        return pooled_sum(values, None, axis_name)

    return SoftCounts(
        intersection=total(soft_minimum(probs, targets, tie=targets)),
        inner=total(probs * targets),
        predicted=total(probs),
        actual=total(targets),
        predicted_squares=total(jnp.square(probs)),
        actual_squares=total(jnp.square(targets)),
        pixels=pooled_count(probs, where, axis_name),
    )


def counts_of_ids(
    scores: Array,
    ids: Array,
    where: Array | None = None,
    axis_name: str | None = None,
) -> SoftCounts:
    """Counts of a softmax against class ids: `soft_counts` in fewer passes.

    Example:
      >>> counts = counts_of_ids(jnp.zeros((2, 2)), jnp.array([0, 1]))
      >>> counts.intersection.tolist(), counts.predicted.tolist()
      ([0.5, 0.5], [1.0, 1.0])

    Args:
      scores: ``[..., C]`` float32 or wider, finite where masked.
      ids: ``[...]`` integers.
      where: ``[...]`` bool, False as if the pixel were not there.
      axis_name: mapped axis to add the counts over.
    """
    mask = jnp.ones(ids.shape, bool) if where is None else where
    members = is_id(scores, ids) & mask[..., None]
    actual = sum_of_pixels(members.astype(scores.dtype))
    sums = softmax_sums(scores, ids, mask)
    hits, predicted, squares, actual = (pool(x, axis_name) for x in (*sums, actual))
    return SoftCounts(
        intersection=hits,
        inner=hits,
        predicted=predicted,
        actual=actual,
        predicted_squares=squares,
        actual_squares=actual,
        pixels=pooled_count(scores, where, axis_name),
    )


def log_intersection(
    log_probs: Array,
    targets: Array,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Log of the intersection of `soft_counts`, which may be too small to be a number.

    Example:
      >>> logs = jnp.array([[0.0, -200.0], [-1.0, -300.0]])
      >>> log_intersection(logs, jnp.eye(2)[jnp.array([1, 1])]).tolist()
      [-inf, -200.0]

    Args:
      log_probs: ``[..., C]`` logarithms of probabilities.
      targets: ``[..., C]`` in [0, 1], hard or soft, 0 where masked.
      where: ``[...]`` bool, False as if the pixel were not there.
      axis_name: mapped axis to add over.

    Returns:
      ``[C]``; -inf for a class that no pixel has a share in.
    """
    some = keep(targets, where) > 0
    log_targets = jnp.log(jnp.where(some, targets, 1))
    overlaps = soft_minimum(log_probs, log_targets, tie=targets)
    return pooled_logsumexp(overlaps, some, axis_name)


def log_intersection_of_ids(
    scores: Array,
    ids: Array,
    where: Array | None = None,
    axis_name: str | None = None,
) -> Array:
    """Log of the intersection of `counts_of_ids`: `log_intersection` in fewer passes.

    Example:
      >>> scores = jnp.array([[0.0, -200.0], [0.0, -300.0]])
      >>> log_intersection_of_ids(scores, jnp.array([1, 1])).tolist()
      [-inf, -200.0]

    Args:
      scores: ``[..., C]`` float32 or wider, finite where masked.
      ids: ``[...]`` integers.
      where: ``[...]`` bool, False as if the pixel were not there.
      axis_name: mapped axis to add over.

    Returns:
      ``[C]``; -inf for a class that no pixel has.
    """
    mask = jnp.ones(ids.shape, bool) if where is None else where
    logs = target_log_probs(scores, ids)
    return logsumexp_by_id(logs, ids, mask, scores.shape[-1], axis_name)
