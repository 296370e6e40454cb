"""Calibration of probabilities: sums over bins that add up exactly, divided last."""

import dataclasses
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxseg.metrics.masks import as_class_ids
from jaxseg.metrics.means import defined_mean, jsonable
from jaxseg.numerics import is_numpy, is_traced, safe_ratio, widen
from jaxseg.targets import refuse_unknown_ids

ROUNDING = 1e-5
"""So far may a probability lie outside of [0, 1]."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Bins:
    """Sums over the predictions in each bin of confidence, ``[..., bins]``.

    Bins are of equal width; bin b of B holds the confidences in (b / B, (b + 1) / B],
    the first one 0 as well, as in Guo 2017.

    Attributes:
      predictions: how many fall into the bin.
      confidence: sum of their confidences.
      hits: how many of them are right.
    """

    predictions: Any
    confidence: Any
    hits: Any


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class CalibrationCounts:
    """Sums over a pool of pixels; those of disjoint pools add.

    Attributes:
      top: ``[bins]`` the most probable class of each pixel, right if it is the label.
      by_class: ``[C, bins]`` the probability of each class, right if it is the label.
      squared_error: sum of (p - t)^2 over pixels and classes, t being 1 at the label.
      pixels: how many pixels.
    """

    top: Bins
    by_class: Bins
    squared_error: Any
    pixels: Any

    def __add__(self, other: Self) -> Self:
        """Sums over the union of two disjoint pools of pixels."""
        return jax.tree.map(lambda a, b: a + b, self, other)


def calibration_counts(
    probs: Any, ids: Any, *, bins: int = 15, where: Any = None
) -> CalibrationCounts:
    """Sums over all leading axes.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]])
      >>> ids = np.array([0, 1, 0])
      >>> counts = calibration_counts(probs, ids, bins=2)
      >>> counts.top.predictions, counts.top.hits, counts.pixels
      (array([0., 3.]), array([0., 2.]), np.float64(3.0))

    Args:
      probs: ``[..., C]`` in [0, 1], adding up to 1; with C = 1 those of the foreground,
        as of a sigmoid, which makes two classes.
      ids: ``[...]`` class ids, or bool of two classes.
      bins: how many; static under jit.
      where: ``[...]`` bool, False as if the pixel were not there.

    Returns:
      float64 of NumPy arrays. Of JAX's, under jit and vmap too, numbers of pixels are
      int32, exact below 2^31, and sums float32 or wider: pool many batches on the host,
      see `jaxseg.metrics.overlap.to_host`. A probability that is nan makes sums nan;
      so does one outside of [0, 1] that is traced and cannot be refused.

    Raises:
      ValueError: the shapes disagree, a probability that counts is outside of [0, 1],
        or an id is no class.
    """
    ids = as_class_ids(ids)
    if ids.shape != np.shape(probs)[:-1]:
        raise ValueError(
            f"ids must have the shape {np.shape(probs)[:-1]} of probs without the "
            f"class axis, not {ids.shape}"
        )
    if where is not None and np.shape(where) != ids.shape:
        raise ValueError(
            f"where must have the shape {ids.shape}, not {np.shape(where)}"
        )
    refuse_unknown_ids(ids, np.shape(probs)[-1], where)
    if is_numpy(probs) and is_numpy(ids):
        return _counts_on_host(np.asarray(probs), ids, where, bins)
    mask = jnp.ones(ids.shape, bool) if where is None else jnp.asarray(where)
    probs = jnp.where(mask[..., None], widen(probs), 0)
    improper = _is_improper(probs)
    if not is_traced(improper):
        _refuse_improper(np.asarray(probs), np.asarray(improper))
    probs = _both_classes(jnp.where(improper, jnp.nan, probs), jnp)
    ids = jnp.asarray(ids).astype(int)
    label = ids[..., None] == jnp.arange(probs.shape[-1]).reshape(
        (1,) * ids.ndim + (-1,)
    )
    right = probs.argmax(-1) == ids
    top = _bin_sums(probs.max(-1)[..., None], right[..., None], mask, bins)
    errors = jnp.square(probs - label.astype(probs.dtype))
    errors = jnp.where(mask[..., None], errors, 0)
    return CalibrationCounts(
        top=jax.tree.map(lambda x: x[0], top),
        by_class=_bin_sums(probs, label, mask, bins),
        squared_error=errors.sum(),
        pixels=mask.sum(dtype=jnp.int32),
    )


def _is_improper(probs: Any) -> Any:
    return (probs < -ROUNDING) | (probs > 1 + ROUNDING)


def _refuse_improper(probs: np.ndarray, improper: np.ndarray) -> None:
    if improper.any():
        raise ValueError(
            f"a probability is in [0, 1], not {probs[improper][0]:g}: scores become "
            "probabilities by a softmax or a sigmoid"
        )


def _both_classes(probs: Any, xp: Any) -> Any:
    """``[..., C]`` with C >= 2."""
    return probs if probs.shape[-1] > 1 else xp.concatenate([1 - probs, probs], -1)


def _bin_sums(confidence: Array, right: Array, mask: Array, bins: int) -> Bins:
    """Sums of ``[..., K]`` confidences over all leading axes, ``[K, bins]``."""
    place = jnp.ceil(jnp.nan_to_num(confidence) * bins).astype(jnp.int32) - 1
    place = jnp.where(mask[..., None], jnp.clip(place, 0, bins - 1), bins)
    axes = tuple(range(confidence.ndim - 1))

    def sums(index: Array) -> Bins:
        inside = place == index
        return Bins(
            predictions=jnp.sum(inside, axes, dtype=jnp.int32),
            confidence=jnp.sum(jnp.where(inside, confidence, 0), axes),
            hits=jnp.sum(inside & right, axes, dtype=jnp.int32),
        )

    stacked = lax.map(sums, jnp.arange(bins))
    return jax.tree.map(jnp.transpose, stacked)


def _counts_on_host(
    probs: np.ndarray, ids: np.ndarray, where: Any, bins: int
) -> CalibrationCounts:
    """`calibration_counts` with one pass a class over memory in a row, in float64."""
    mask = np.ones(ids.shape, bool) if where is None else np.asarray(where, bool)
    if mask.all():
        planes = np.ascontiguousarray(probs.reshape(-1, probs.shape[-1]).T)
        ids = ids.reshape(-1)
    else:
        planes, ids = np.ascontiguousarray(probs[mask].T), ids[mask]
    _refuse_improper(planes, _is_improper(planes))
    if len(planes) == 1:
        planes = np.concatenate([1 - planes, planes])
    confidence = planes[0].copy()
    predicted = np.zeros(len(ids), np.int64)
    for index, plane in enumerate(planes[1:], start=1):
        predicted[plane > confidence] = index
        np.maximum(confidence, plane, out=confidence)
    labels = [ids == index for index in range(len(planes))]
    by_class = [
        _bin_sums_on_host(*both, bins) for both in zip(planes, labels, strict=True)
    ]
    errors = [
        np.square(plane - label).sum(dtype=np.float64)
        for plane, label in zip(planes, labels, strict=True)
    ]
    return CalibrationCounts(
        top=_bin_sums_on_host(confidence, predicted == ids, bins),
        by_class=jax.tree.map(lambda *parts: np.stack(parts), *by_class),
        squared_error=np.sum(errors),
        pixels=mask.sum(dtype=np.float64),
    )


def _bin_sums_on_host(confidence: np.ndarray, right: np.ndarray, bins: int) -> Bins:
    """Sums of ``[N]`` confidences, ``[bins]``; those that are nan in the first."""
    place = np.ceil(np.nan_to_num(confidence) * bins).astype(np.int64) - 1
    np.clip(place, 0, bins - 1, out=place)
    return Bins(
        predictions=np.bincount(place, minlength=bins).astype(np.float64),
        confidence=np.bincount(place, confidence, minlength=bins),
        hits=np.bincount(place[right], minlength=bins).astype(np.float64),
    )


def expected_calibration_error(bins: Bins) -> Any:
    """Mean over predictions of abs(accuracy - confidence) of their bin, in [0, 1].

    A bin without predictions weighs nothing; nan where there is no prediction at all.
    Guo 2017.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]])
      >>> ids = np.array([0, 1, 0])
      >>> counts = calibration_counts(probs, ids, bins=2)
      >>> print(f"{expected_calibration_error(counts.top):.4f}")
      0.1000
    """
    gaps = abs(bins.hits - bins.confidence).sum(-1)
    return safe_ratio(gaps, bins.predictions.sum(-1), float("nan"))


def bin_gaps(bins: Bins) -> Any:
    """``[..., bins]`` abs(accuracy - confidence) of each bin, nan of an empty one.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
      >>> counts = calibration_counts(probs, np.array([0, 1, 1]), bins=2)
      >>> bin_gaps(counts.by_class)[1].round(3).tolist()
      [0.35, 0.4]
    """
    return safe_ratio(abs(bins.hits - bins.confidence), bins.predictions, float("nan"))


def average_calibration_error(bins: Bins) -> Any:
    """Mean over bins that hold a prediction of abs(accuracy - confidence), in [0, 1].

    Bins weigh alike, so that the many sure pixels of a background do not hide the few
    unsure ones as they do in `expected_calibration_error`. nan where there is no
    prediction. Neumann 2018; Barfoot 2024, arXiv:2403.06759, for segmentation.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
      >>> counts = calibration_counts(probs, np.array([0, 1, 1]), bins=2)
      >>> float(average_calibration_error(counts.by_class)[1].round(3))
      0.375
    """
    return defined_mean(bin_gaps(bins), axis=-1).mean


def maximum_calibration_error(bins: Bins) -> Any:
    """The largest abs(accuracy - confidence) of a bin, in [0, 1]; nan of none.

    Guo 2017.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.4, 0.6]])
      >>> counts = calibration_counts(probs, np.array([0, 1, 1]), bins=2)
      >>> round(float(maximum_calibration_error(counts.by_class)[1]), 4)
      0.4
    """
    gaps = bin_gaps(bins)
    xp = np if is_numpy(gaps) else jnp
    top = xp.max(xp.where(xp.isnan(gaps), -1, gaps), -1)
    return xp.where(top < 0, xp.nan, top)


def brier_score(counts: CalibrationCounts) -> Any:
    """Mean over pixels of the sum over classes of (p - t)^2, in [0, 2]; nan of none.

    The form of Brier 1950; for two classes it is twice the mean of (p_1 - t_1)^2.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]])
      >>> ids = np.array([0, 1, 0])
      >>> counts = calibration_counts(probs, ids, bins=2)
      >>> print(f"{brier_score(counts):.4f}")
      0.2733
    """
    return safe_ratio(counts.squared_error, counts.pixels, float("nan"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReliabilityCurve:
    """What a reliability diagram shows, ``[..., bins]``.

    Attributes:
      edges: ``[bins + 1]`` edges of the bins.
      confidence: mean confidence of each bin, nan in an empty one.
      accuracy: share of right predictions in each bin, nan in an empty one.
      share: share of all predictions that fall into the bin, nan if there are none.
    """

    edges: np.ndarray
    confidence: Any
    accuracy: Any
    share: Any


def reliability_curve(bins: Bins) -> ReliabilityCurve:
    """Accuracy against confidence, bin by bin; nan where there is no prediction.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]])
      >>> ids = np.array([0, 1, 0])
      >>> counts = calibration_counts(probs, ids, bins=2)
      >>> curve = reliability_curve(counts.top)
      >>> curve.edges, curve.accuracy.round(4), curve.share
      (array([0. , 0.5, 1. ]), array([   nan, 0.6667]), array([0., 1.]))
    """
    number, nan = bins.predictions.shape[-1], float("nan")
    total = bins.predictions.sum(-1)[..., None]
    return ReliabilityCurve(
        edges=np.linspace(0, 1, number + 1),
        confidence=safe_ratio(bins.confidence, bins.predictions, nan),
        accuracy=safe_ratio(bins.hits, bins.predictions, nan),
        share=safe_ratio(bins.predictions, total, nan),
    )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class CalibrationScores:
    """How far probabilities are from frequencies, with the conventions.

    Attributes:
      ece: expected calibration error of the most probable class, in [0, 1].
      ece_by_class: ``[C]`` of the probability of each class.
      classwise_ece: their mean.
      ace: average calibration error of the most probable class, each bin alike.
      ace_by_class: ``[C]`` of the probability of each class.
      classwise_ace: their mean.
      mce: maximum calibration error of the most probable class.
      mce_by_class: ``[C]`` of the probability of each class.
      brier: sum over classes of (p - t)^2, mean over pixels, in [0, 2].
      pixels: how many pixels counted.
      bins: how many bins, of equal width, closed above.
      empty_rule: "nan", what each of them is if no pixel counted.
    """

    ece: Any
    ece_by_class: Any
    classwise_ece: Any
    ace: Any
    ace_by_class: Any
    classwise_ace: Any
    mce: Any
    mce_by_class: Any
    brier: Any
    pixels: Any
    bins: int = dataclasses.field(metadata={"static": True})
    empty_rule: str = dataclasses.field(default="nan", metadata={"static": True})

    def to_json(self) -> dict[str, Any]:
        """As plain numbers, one per class where there are several, None for nan."""
        row = dataclasses.asdict(self)
        return {k: v if isinstance(v, str) else jsonable(v) for k, v in row.items()}


def calibration_scores(counts: CalibrationCounts) -> CalibrationScores:
    """Scores of a pool of pixels; jit-able.

    Example:
      >>> probs = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2]])
      >>> ids = np.array([0, 1, 0])
      >>> counts = calibration_counts(probs, ids, bins=2)
      >>> scores = calibration_scores(counts)
      >>> print(f"{scores.ece:.4f} {scores.classwise_ece:.4f} {scores.brier:.4f}")
      0.1000 0.1000 0.2733
    """
    by_class = expected_calibration_error(counts.by_class)
    average = average_calibration_error(counts.by_class)
    return CalibrationScores(
        ece=expected_calibration_error(counts.top),
        ece_by_class=by_class,
        classwise_ece=defined_mean(by_class).mean,
        ace=average_calibration_error(counts.top),
        ace_by_class=average,
        classwise_ace=defined_mean(average).mean,
        mce=maximum_calibration_error(counts.top),
        mce_by_class=maximum_calibration_error(counts.by_class),
        brier=brier_score(counts),
        pixels=counts.pixels,
        bins=counts.top.predictions.shape[-1],
    )
