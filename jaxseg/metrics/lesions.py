"""Scores of single lesions: the connected components of two masks, and which match.

All take ``pred`` and ``true``, bool masks ``[*size]`` of one shape, and are computed by
NumPy and SciPy on the host, since how many lesions there are is known only then. A
score without any lesion in either mask is ``empty``, see `jaxseg.metrics.empty`; what
is missed or invented scores 0.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy

from jaxseg.counts import SoftCounts
from jaxseg.counts.indices import dice_index, jaccard_index
from jaxseg.distance import Spacing, sizes_of
from jaxseg.metrics.case_surfaces import SurfaceOptions, case_surfaces
from jaxseg.metrics.empty import EMPTY_VALUES, EmptyRule, check_rules
from jaxseg.metrics.masks import as_masks

FROC_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per image at which `Froc.score` reads the sensitivity."""


@dataclasses.dataclass(frozen=True)
class Lesions:
    """Two masks' components and their overlaps.

    Attributes:
      true: ``[T]`` sizes of the true lesions in pixels.
      predicted: ``[P]`` sizes of the predicted ones.
      overlaps: ``[T, P]`` shared pixels.
    """

    true: np.ndarray
    predicted: np.ndarray
    overlaps: np.ndarray

    @property
    def touched(self) -> np.ndarray:
        """``[T]`` bool, whether a true lesion holds any predicted pixel."""
        return np.asarray(self.overlaps.any(axis=1))

    @property
    def touching(self) -> np.ndarray:
        """``[P]`` bool, whether a predicted lesion holds any true pixel."""
        return np.asarray(self.overlaps.any(axis=0))

    def counts(self) -> SoftCounts:
        """Counts ``[T, P]`` of each pair."""
        true, found = self.true[:, None], self.predicted[None]
        hits = self.overlaps
        return SoftCounts.of_sets(hits, found - hits, true - hits, true + found - hits)

    def matches(self, threshold: float = 0.5) -> np.ndarray:
        """Pairs ``[K, 2]`` of true and predicted lesions of at least this IoU.

        The best pair first, then the best of those left; above 1/2 there is no choice.
        """
        iou = jaccard_index(self.counts())
        true, found = np.nonzero((iou >= threshold) & (self.overlaps > 0))
        pairs = []
        for k in np.argsort(-iou[true, found], kind="stable"):
            pair = true[k], found[k]
            if all(pair[0] != t and pair[1] != p for t, p in pairs):
                pairs.append(pair)
        return np.array(pairs, int).reshape(-1, 2)

    def dice_of_true(self) -> np.ndarray:
        """``[T]`` Dice of each true lesion with all predicted ones that touch it."""
        touching = self.overlaps > 0
        found = touching.astype(np.int64) @ self.predicted
        hits = self.overlaps.sum(axis=1)
        pixels = self.true + found - hits
        return dice_index(
            SoftCounts.of_sets(hits, found - hits, self.true - hits, pixels)
        )


def find_lesions(pred: Any, true: Any, *, connectivity: int | None = None) -> Lesions:
    """The components of both masks and what they share.

    Example:
      >>> true = np.array([1, 1, 1, 0, 0, 1, 0], bool)
      >>> pred = np.array([1, 1, 0, 0, 0, 0, 1], bool)
      >>> find_lesions(pred, true).overlaps.tolist()
      [[2, 0], [0, 0]]

    Args:
      pred: ``[*size]`` bool.
      true: ``[*size]`` bool.
      connectivity: along how many axes at once neighbours may differ, see
        `jaxseg.components.connected_components`; None is all, 8 neighbours in 2D and 26
        in 3D, as most evaluators of lesions have it.

    Raises:
      ValueError: no masks of one shape, or connectivity is none of their rank.
    """
    pred, true = (np.asarray(mask) for mask in as_masks(pred, true))
    (found, count), (actual, true_count) = (
        label_lesions(mask, connectivity) for mask in (pred, true)
    )
    pairs = actual.astype(np.int64) * (count + 1) + found
    shared = np.bincount(pairs.ravel(), minlength=(true_count + 1) * (count + 1))
    shared = shared.reshape(true_count + 1, count + 1)
    return Lesions(shared[1:].sum(1), shared[:, 1:].sum(0), shared[1:, 1:])


def label_lesions(
    mask: np.ndarray, connectivity: int | None = None
) -> tuple[np.ndarray, int]:
    """Labels ``[*size]`` int32 of a mask's components, and their number.

    Example:
      >>> labels, count = label_lesions(np.array([1, 0, 1], bool))
      >>> labels.tolist(), count
      ([1, 0, 2], 2)
    """
    rank = mask.ndim
    connectivity = rank if connectivity is None else connectivity
    if not 1 <= connectivity <= rank:
        raise ValueError(
            f"connectivity of an image of {rank} axes is 1 to {rank}, not "
            f"{connectivity}"
        )
    labels = np.zeros(mask.shape, np.int32)
    structure = scipy.ndimage.generate_binary_structure(rank, connectivity)
    scipy.ndimage.label(mask, structure, output=labels)
    return labels, int(labels.max(initial=0))


@dataclasses.dataclass(frozen=True)
class LesionScores:
    """Scores of the lesions of one pair of masks.

    Attributes:
      true: how many true lesions.
      predicted: how many predicted ones.
      matched: how many pairs of at least the IoU that was asked for.
      found: how many true lesions hold a predicted pixel.
      right: how many predicted lesions hold a true pixel.
      dice: lesion-wise Dice, the mean over true lesions of the Dice with all predicted
        lesions that touch them, and 0 for each predicted one that touches none.
      recognition_quality: 2 matched / (true + predicted), F1 of the matches.
      segmentation_quality: mean IoU of the matches, nan without any.
      panoptic_quality: their product.
      sensitivity: found / true.
      precision: right / predicted.
      f1: the harmonic mean of both, detection by a single pixel.
    """

    true: int
    predicted: int
    matched: int
    found: int
    right: int
    dice: float
    recognition_quality: float
    segmentation_quality: float
    panoptic_quality: float
    sensitivity: float
    precision: float
    f1: float


def lesion_scores(
    pred: Any,
    true: Any,
    *,
    threshold: float = 0.5,
    connectivity: int | None = None,
    empty: EmptyRule = "one",
) -> LesionScores:
    """All scores of the lesions of two masks.

    Args:
      pred: ``[*size]`` bool.
      true: ``[*size]`` bool.
      threshold: least IoU of a match, in (0, 1].
      connectivity: as of `find_lesions`.
      empty: what a score is without a lesion in either mask.

    Raises:
      ValueError: as `find_lesions`, no such rule, or threshold out of its range.

    Example:
      >>> true = np.array([1, 1, 1, 0, 0, 1, 0], bool)
      >>> pred = np.array([1, 1, 0, 0, 0, 0, 1], bool)
      >>> scores = lesion_scores(pred, true)
      >>> scores.true, scores.predicted, scores.matched
      (2, 2, 1)
      >>> round(scores.dice, 3), scores.recognition_quality, scores.f1
      (0.267, 0.5, 0.5)

    Source: Kirillov 2019, arXiv:1801.00868, the panoptic quality of one class.
    """
    if not 0 < threshold <= 1:
        raise ValueError(
            f"an IoU to match at is above 0 and at most 1, not {threshold}"
        )
    return scores_of(
        find_lesions(pred, true, connectivity=connectivity), threshold, empty
    )


def scores_of(lesions: Lesions, threshold: float, empty: EmptyRule) -> LesionScores:
    """`lesion_scores` of lesions that are known.

    Example:
      >>> lesions = find_lesions(np.array([1, 0, 1], bool), np.array([1, 0, 0], bool))
      >>> scores_of(lesions, threshold=0.5, empty="one").recognition_quality
      0.6666666666666666
    """
    check_rules(empty)
    nothing = EMPTY_VALUES[empty]
    true, predicted = len(lesions.true), len(lesions.predicted)
    pairs = lesions.matches(threshold)
    matched = len(pairs)
    found, right = int(lesions.touched.sum()), int(lesions.touching.sum())
    iou = jaccard_index(lesions.counts())[tuple(pairs.T)]
    none = not true and not predicted
    quality = float(iou.mean()) if matched else nothing if none else np.nan
    recognition = _ratio(2 * matched, true + predicted, nothing)
    sensitivity, precision = (
        _ratio(found, true, nothing),
        _ratio(right, predicted, nothing),
    )
    return LesionScores(
        true=true,
        predicted=predicted,
        matched=matched,
        found=found,
        right=right,
        dice=_ratio(lesions.dice_of_true().sum(), true + predicted - right, nothing),
        recognition_quality=recognition,
        segmentation_quality=quality,
        panoptic_quality=recognition * quality if matched or none else 0.0,
        sensitivity=sensitivity,
        precision=precision,
        f1=f1_of(found, true, right, predicted, nothing),
    )


def f1_of(found: int, true: int, right: int, predicted: int, empty: float) -> float:
    """Harmonic mean of found / true and right / predicted; 0 if one has no lesion.

    Example:
      >>> f1_of(found=1, true=2, right=1, predicted=1, empty=1.0)
      0.6666666666666666
    """
    if not true and not predicted:
        return empty
    # 2 / (true / found + predicted / right) without a division by 0
    return _ratio(2.0 * found * right, true * right + predicted * found, 0.0)


def _ratio(part: float, whole: float, empty: float) -> float:
    return float(part / whole) if whole else empty


def panoptic_quality(
    pred: Any,
    true: Any,
    *,
    threshold: float = 0.5,
    connectivity: int | None = None,
    empty: EmptyRule = "one",
) -> float:
    """Panoptic quality of one class, in [0, 1]: the mean IoU of matches times their F1.

    Arguments as of `lesion_scores`.

    Example:
      >>> true = np.array([1, 1, 1, 0, 0, 1, 0], bool)
      >>> pred = np.array([1, 1, 0, 0, 0, 0, 1], bool)
      >>> print(f"{panoptic_quality(pred, true):.3f}")
      0.333
    """
    options: Any = {
        "threshold": threshold,
        "connectivity": connectivity,
        "empty": empty,
    }
    return lesion_scores(pred, true, **options).panoptic_quality


def lesion_dice(
    pred: Any,
    true: Any,
    *,
    connectivity: int | None = None,
    empty: EmptyRule = "one",
) -> float:
    """Lesion-wise Dice, in [0, 1]: each true lesion alike, each invented one a 0.

    Arguments as of `lesion_scores`, and its attribute `dice`.

    Example:
      >>> true = np.array([1, 1, 1, 0, 0, 1, 0], bool)
      >>> pred = np.array([1, 1, 0, 0, 0, 0, 1], bool)
      >>> print(f"{lesion_dice(pred, true):.3f}")  # of 0.8, 0 and 0
      0.267
    """
    return lesion_scores(pred, true, connectivity=connectivity, empty=empty).dice


def lesion_f1(
    pred: Any,
    true: Any,
    *,
    connectivity: int | None = None,
    empty: EmptyRule = "one",
) -> float:
    """F1 of the detection of lesions, in [0, 1], where one pixel is enough.

    Arguments as of `lesion_scores`.

    Example:
      >>> true = np.array([1, 1, 1, 0, 0, 1, 0], bool)
      >>> pred = np.array([1, 1, 0, 0, 0, 0, 1], bool)
      >>> lesion_f1(pred, true)
      0.5
    """
    return lesion_scores(pred, true, connectivity=connectivity, empty=empty).f1


@dataclasses.dataclass(frozen=True)
class BratsScores:
    """Lesion-wise scores of one region as the BraTS challenges of 2023 have them.

    Attributes:
      dice: sum of the lesions' Dice / (lesions + false positives).
      hd95: likewise, in the units of `spacing`; None if it was not asked for.
      true_positives: true lesions that are large enough and found.
      false_negatives: and not found.
      false_positives: predicted components near no true lesion.
    """

    dice: float
    hd95: float | None
    true_positives: int
    false_negatives: int
    false_positives: int


def brats_scores(
    pred: Any,
    true: Any,
    *,
    dilation: int = 3,
    smallest: float = 50.0,
    spacing: Spacing | None = None,
    hd95: bool = False,
    farthest: float = 374.0,
) -> BratsScores:
    """Lesion-wise Dice and HD95 of the BraTS challenges.

    True components that touch once they are dilated are one lesion; a predicted
    component that touches a lesion's dilation is of it. Lesions of at most `smallest`
    are left out; what is predicted for them is no false positive.

    Example:
      >>> true = np.array([1, 1, 1, 0, 0, 1, 0], bool)
      >>> pred = np.array([1, 1, 0, 0, 0, 0, 1], bool)
      >>> apart = brats_scores(pred, true, dilation=0, smallest=0)
      >>> joined = brats_scores(pred, true, dilation=1, smallest=0)
      >>> print(f"{apart.dice:.3f} {joined.dice:.3f}")
      0.267 0.571

    Args:
      pred: ``[*size]`` bool.
      true: ``[*size]`` bool.
      dilation: by how many pixels, along at most two axes at once: 3 for gliomas (GLI,
        SSA, PED), 1 for meningiomas and metastases (MEN, MET).
      smallest: volume in the units of `spacing` to the rank: 50, and 2 for MET.
      spacing: size of a pixel along each axis, or one number; None is 1.
      hd95: whether to measure surfaces too, as `surface_distance` defines them.
      farthest: HD95 of what is missed or invented.

    Raises:
      ValueError: no masks of one shape, or spacing not one number an axis.

    Source: the released evaluator of BraTS 2023 (brats_2023_metrics), including that a
    case without any lesion that counts scores Dice 1 and HD95 0.
    """
    pred, true = (np.asarray(mask) for mask in as_masks(pred, true))
    sizes = np.asarray(sizes_of(spacing, true.ndim, np.dtype(np.float64)))
    predicted, count = label_lesions(pred)
    dilate = _dilation(true.ndim, dilation)
    lesions, lesion_count = label_lesions(dilate(true))
    near = np.zeros(count + 1, bool)
    scores, distances, hits, misses = [], [], 0, 0
    for k in range(1, lesion_count + 1):
        lesion = (lesions == k) & true
        of_lesion = np.unique(predicted[dilate(lesion)])
        of_lesion = of_lesion[of_lesion > 0]
        near[of_lesion] = True
        if lesion.sum() * sizes.prod() <= smallest:
            continue
        found = np.isin(predicted, of_lesion)
        overlap = (found & lesion).sum()
        pair = SoftCounts.of_sets(
            overlap, found.sum() - overlap, lesion.sum() - overlap, found.size
        )
        scores.append(float(dice_index(pair)))
        hits, misses = hits + bool(len(of_lesion)), misses + (not len(of_lesion))
        if hd95:
            distances.append(_hd95(found, lesion, sizes) if found.any() else farthest)
    false = int(count - near[1:].sum())
    parts = len(scores) + false
    far = _ratio(sum(distances) + false * farthest, parts, 0.0) if hd95 else None
    return BratsScores(_ratio(sum(scores), parts, 1.0), far, hits, misses, false)


def _dilation(rank: int, steps: int) -> Any:
    if not steps:
        return lambda mask: mask
    structure = scipy.ndimage.generate_binary_structure(rank, min(rank, 2))
    return functools.partial(
        scipy.ndimage.binary_dilation, structure=structure, iterations=steps
    )


def _hd95(found: np.ndarray, lesion: np.ndarray, sizes: np.ndarray) -> float:
    options = SurfaceOptions(definition="surface_distance")
    pred, true = (mask.astype(np.uint8) for mask in (found, lesion))
    size: Any = tuple(sizes.tolist())
    how: Any = {"options": options, "spacing_mm": size}
    return float(case_surfaces(pred, true, 2, **how).hd95[1])


@dataclasses.dataclass(frozen=True)
class Froc:
    """How many lesions are found for how many false ones, by threshold; they add up.

    Attributes:
      thresholds: ``[K]`` of the probability.
      found: ``[K]`` true lesions with a pixel at or above it.
      false: ``[K]`` components at or above it without a true pixel.
      lesions: how many true lesions.
      images: how many images.
    """

    thresholds: np.ndarray
    found: np.ndarray
    false: np.ndarray
    lesions: int
    images: int

    def __add__(self, other: "Froc") -> "Froc":
        """The curve of both sets of images.

        Raises:
          ValueError: they have other thresholds.
        """
        if not np.array_equal(self.thresholds, other.thresholds):
            raise ValueError("curves add up that have the same thresholds")
        return Froc(
            self.thresholds,
            self.found + other.found,
            self.false + other.false,
            self.lesions + other.lesions,
            self.images + other.images,
        )

    @property
    def sensitivity(self) -> np.ndarray:
        """``[K]`` share of the lesions that are found; nan without any."""
        if not self.lesions:
            return np.full(len(self.found), np.nan)
        return self.found / self.lesions

    @property
    def false_per_image(self) -> np.ndarray:
        """``[K]`` mean number of false components of an image."""
        return self.false / self.images

    def score(self, rates: Sequence[float] = FROC_RATES) -> float:
        """Mean of the best sensitivities with at most so many false ones an image."""
        rates_of, found = self.false_per_image, self.sensitivity
        best = [found[rates_of <= rate].max(initial=0.0) for rate in rates]
        return float(np.mean(best)) if self.lesions else np.nan


def froc(
    probs: Any,
    true: Any,
    *,
    thresholds: Sequence[float] = tuple(np.linspace(0.05, 0.95, 19).tolist()),
    connectivity: int | None = None,
) -> Froc:
    """Free-response curve of one image's probabilities; curves of images add up.

    Example:
      >>> probs, true = np.array([0.9, 0.0, 0.6]), np.array([0, 0, 1], bool)
      >>> curve = froc(probs, true, thresholds=(0.5, 0.8))
      >>> curve.sensitivity.tolist(), curve.false_per_image.tolist()
      ([1.0, 0.0], [1.0, 1.0])

    Args:
      probs: ``[*size]`` probabilities of the lesion's class.
      true: ``[*size]`` bool.
      thresholds: at which the image is cut.
      connectivity: as of `find_lesions`.

    Raises:
      ValueError: no image and mask of one shape.

    Source: Setio 2017, arXiv:1612.08012, the rates of `FROC_RATES`; a component is
    found by a shared pixel and not by its distance.
    """
    probs = np.asarray(probs)
    lesions = [
        find_lesions(probs >= cut, true, connectivity=connectivity)
        for cut in thresholds
    ]
    return Froc(
        np.asarray(thresholds, np.float64),
        np.array([x.touched.sum() for x in lesions]),
        np.array([np.sum(~x.touching) for x in lesions]),
        len(lesions[0].true),
        1,
    )
