"""Scores of held-back cases: one row a case, a summary, and two naive predictions.

A class that no case holds is left out of all means over classes: there is nothing to
find, and finding nothing is no merit.
"""

import dataclasses
import functools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxseg.counts import SoftCounts, dice_index
from jaxseg.metrics.calibration import (
    CalibrationCounts,
    calibration_counts,
    calibration_scores,
)
from jaxseg.metrics.case_lesions import (
    CaseLesions,
    LesionOptions,
    case_lesions,
    dataset_lesions,
)
from jaxseg.metrics.case_surfaces import (
    SURFACE_SCORES,
    CaseSurfaces,
    SurfaceOptions,
    case_surfaces,
)
from jaxseg.metrics.challenge import challenge_result
from jaxseg.metrics.conventions import convention_scores
from jaxseg.metrics.empty import EMPTY_VALUES, EmptyRule
from jaxseg.metrics.fine_grained import fine_grained_iou
from jaxseg.metrics.means import defined_mean, jsonable
from jaxseg.metrics.overlap import (
    INDICES,
    CaseScores,
    case_scores,
    dataset_scores,
    mask_counts,
    region_counts,
    region_masks,
)

VOID = 255
SPACING = "spacing_mm"
"""What a case's row has for each axis, and not for each class."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """Means over cases; None where there is nothing to take a mean of.

    Attributes:
      cases: how many with a lesion (any foreground).
      dice: their mean Dice over foreground classes, in [0, 1].
      dice_spread: its standard deviation over cases.
      dice_by_class: ``[classes - 1]`` mean Dice of each foreground class.
      jaccard: mean Jaccard of the same cases.
      means: of every index, its mean over the foreground classes of a case, then over
        the same cases, and how many of these have one.
      pooled_dice: mean over all classes of the Dice coefficient of all pixels pooled.
      pooled_jaccard: mean over all classes of the Jaccard index of all pixels pooled.
      absent_classes: ids that no case holds; no mean over classes counts them.
      all_background: mean Dice of predicting class 0 everywhere.
      all_foreground: mean Dice of the best single foreground class everywhere.
      lesion_free: how many cases without foreground.
      rejected: share of those with an empty prediction.
      false_positive_share: mean share of their pixels predicted as foreground.
      challenge: the foot ulcer challenge's score of all cases and whom it rejects.
      calibration: of the probabilities of all pixels, None if none were given.
      surfaces: means of the surface scores, as `means`, their conventions, and in how
        many pairs of masks one alone was empty; None if they were not asked for.
      lesions: what `dataset_lesions` tells of all cases; None if it was not asked for.
      empty_rule: what 0/0 scores, for example a class in neither mask.
    """

    cases: int
    dice: float | None
    dice_spread: float | None
    dice_by_class: list[float | None]
    jaccard: float | None
    means: dict[str, dict[str, Any]]
    pooled_dice: float | None
    pooled_jaccard: float | None
    absent_classes: list[int]
    all_background: float | None
    all_foreground: float | None
    lesion_free: int
    rejected: float | None
    false_positive_share: float | None
    challenge: dict[str, Any]
    calibration: dict[str, Any] | None
    surfaces: dict[str, Any] | None
    lesions: dict[str, Any] | None
    fine_grained: dict[str, Any]
    empty_rule: EmptyRule

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self)


class Evaluation:
    """Collects cases one by one; `rows` and `summary` tell what they add up to.

    With regions, "classes" are these here: class 0 is what is outside of all, and class
    r the r-th region. Classes that a case has not annotated count in nothing.
    `calibrations` are the counts of the cases whose probabilities were given.
    """

    def __init__(
        self,
        num_classes: int,
        empty: EmptyRule = "one",
        surfaces: SurfaceOptions | None = None,
        regions: Sequence[Sequence[int]] = (),
        lesions: LesionOptions | None = None,
    ):
        self.num_classes = 1 + len(regions) if regions else num_classes
        self.regions = tuple(map(tuple, regions))
        self._known: list[np.ndarray] = []
        self.empty: EmptyRule = empty
        self.surfaces = surfaces
        self._surfaces: list[CaseSurfaces] = []
        self.lesions = lesions
        self._lesions: list[CaseLesions] = []
        self.rows: list[dict[str, Any]] = []
        self._counts: list[SoftCounts] = []
        self.calibrations: list[CalibrationCounts] = []

    def add(
        self,
        name: str,
        predicted: np.ndarray,
        actual: np.ndarray,
        *,
        probs: np.ndarray | None = None,
        spacing_mm: tuple[float, ...] | None = None,
        annotated: np.ndarray | None = None,
    ) -> CaseScores:
        """Scores one case.

        Args:
          name: of the case.
          predicted: class ids of any shape.
          actual: class ids of that shape, `VOID` where a pixel does not count.
          probs: ``[..., classes]`` probabilities, or ``[..., regions]``, for the
            calibration of what is fully annotated.
          spacing_mm: size of a pixel along each axis, for volumes in mm^3 and
            distances in mm.
          annotated: ``[classes]`` or ``[regions]`` bool, False for what the ground
            truth leaves out: prediction of such a class counts as background, and its
            scores are left out of all means.
        """
        known = self._known_of(annotated)
        if not (known.all() or self.regions):
            predicted = np.where(known[predicted], predicted, 0)
        if self.regions:
            counts = region_counts(predicted, actual, self.regions, VOID)
        else:
            counts = mask_counts(predicted, actual, self.num_classes, VOID)
        if not known.all():
            counts = _without(counts, known)
        scores = case_scores(counts, empty=self.empty, spacing_mm=spacing_mm)
        self._counts.append(counts)
        self._known.append(known)
        if probs is not None and known.all():
            self.calibrations.append(self._calibration(probs, actual))
        row = {"case": name, "lesion_free": scores.lesion_free, **scores.to_json()}
        if self.surfaces is not None:
            found = self._surfaces_of(predicted, actual, spacing_mm)
            self._surfaces.append(found)
            row["surfaces"] = found.to_json()
        if self.lesions is not None:
            groups = self.regions or [[c] for c in range(1, self.num_classes)]
            how: Any = {"options": self.lesions, "void": VOID}
            lesions = case_lesions(predicted, actual, groups, **how)
            self._lesions.append(lesions)
            row["lesions"] = lesions.to_json()
        self.rows.append(row if known.all() else _known_alone(row, known))
        return scores

    def _known_of(self, annotated: np.ndarray | None) -> np.ndarray:
        """``[classes]`` bool; what is outside of regions takes all of them to know."""
        if annotated is None:
            return np.ones(self.num_classes, bool)
        if self.regions:
            return np.concatenate([[annotated.all()], annotated])
        return np.concatenate([[True], annotated[1:]])

    def _calibration(self, probs: np.ndarray, actual: np.ndarray) -> CalibrationCounts:
        """Of classes, or of each region as a yes or no, pooled."""
        where = actual != VOID
        if not self.regions:
            return calibration_counts(probs, actual, where=where)
        inside = region_masks(actual, self.regions)[..., 1:]
        return functools.reduce(
            operator.add,
            (
                calibration_counts(probs[..., r, None], inside[..., r], where=where)
                for r in range(len(self.regions))
            ),
        )

    def _surfaces_of(
        self,
        predicted: np.ndarray,
        actual: np.ndarray,
        spacing_mm: tuple[float, ...] | None,
    ) -> CaseSurfaces:
        assert self.surfaces is not None
        how: Any = {"options": self.surfaces, "void": VOID, "spacing_mm": spacing_mm}
        if not self.regions:
            return case_surfaces(predicted, actual, self.num_classes, **how)
        found = []
        for classes in self.regions:
            inside = np.isin(actual, classes).astype(np.uint8)
            truth = np.where(actual == VOID, VOID, inside)
            mask = np.isin(predicted, classes).astype(np.uint8)
            found.append(case_surfaces(mask, truth, 2, **how))
        return dataclasses.replace(
            found[0],
            **{
                name: np.array([np.nan, *(getattr(x, name)[1] for x in found)])
                for name in SURFACE_SCORES
            },
        )

    def _stacked(self) -> SoftCounts:
        """``[N, C]`` counts of all cases."""
        return jax.tree.map(lambda *x: np.stack(x), *self._counts)

    def by_convention(self, index: str = "dice") -> dict[str, np.ndarray]:
        """``[N]`` means over foreground classes by `jaxseg.metrics.conventions`."""
        counts = self._stacked()
        known = counts.actual.any(0) & np.stack(self._known)
        return convention_scores(counts, index, known=known)

    def case_means(self, name: str) -> np.ndarray:
        """``[N]`` mean over the foreground classes of each case; nan where none counts.

        Args:
          name: of an index of `jaxseg.metrics.overlap.INDICES`, such as "dice".
        """
        counts = self._stacked()
        whole = dataset_scores(counts, empty=self.empty)
        known = np.where(counts.actual.any(0) & np.stack(self._known), 1.0, np.nan)
        values = known * getattr(whole.cases, name)
        return np.asarray(defined_mean(values[:, 1:], axis=1).mean)

    def summary(self) -> Summary:
        """Means over what was added so far; at least one case."""
        counts = self._stacked()
        free = ~counts.actual[:, 1:].any(-1)
        whole = dataset_scores(counts, empty=self.empty)
        present = counts.actual.any(0)
        # nan leaves a class out of a mean
        known = np.where(present & np.stack(self._known), 1.0, np.nan)
        everywhere = np.where(present, 1.0, np.nan)
        sick = {
            name: (known * getattr(whole.cases, name))[~free, 1:] for name in INDICES
        }
        by_case = {k: defined_mean(v, axis=1).mean for k, v in sick.items()}
        means = {name: defined_mean(values) for name, values in by_case.items()}
        dice = by_case["dice"][~np.isnan(by_case["dice"])]
        naive = [
            defined_mean(
                (known * self._constant_dice(counts, constant))[~free, 1:], axis=1
            )
            for constant in range(self.num_classes)
        ]
        naive = [jsonable(defined_mean(case.mean).mean) for case in naive]
        challenge = challenge_result(counts)
        healthy = jax.tree.map(lambda x: x[free], counts)
        share = healthy.predicted[:, 1:].sum(-1) / np.maximum(healthy.pixels, 1)
        return Summary(
            cases=int(np.sum(~free)),
            dice=jsonable(means["dice"].mean),
            dice_spread=float(np.std(dice, ddof=1)) if len(dice) > 1 else None,
            dice_by_class=jsonable(defined_mean(sick["dice"]).mean),
            jaccard=jsonable(means["jaccard"].mean),
            means={name: mean.to_json() for name, mean in means.items()},
            pooled_dice=jsonable(defined_mean(everywhere * whole.pooled.dice).mean),
            pooled_jaccard=jsonable(
                defined_mean(everywhere * whole.pooled.jaccard).mean
            ),
            absent_classes=np.flatnonzero(~present).tolist(),
            all_background=naive[0],
            all_foreground=max((x for x in naive[1:] if x is not None), default=None),
            lesion_free=int(np.sum(free)),
            rejected=jsonable(challenge.rejected_lesion_free),
            false_positive_share=jsonable(defined_mean(share).mean),
            challenge=challenge.to_json(),
            calibration=(
                calibration_scores(
                    functools.reduce(operator.add, self.calibrations)
                ).to_json()
                if self.calibrations
                else None
            ),
            surfaces=self._surface_means(counts, free),
            lesions=(
                dataset_lesions(self._lesions, np.stack(self._known))
                if self._lesions
                else None
            ),
            fine_grained=fine_grained_iou(counts).to_json(),
            empty_rule=self.empty,
        )

    def _surface_means(
        self, counts: SoftCounts, free: np.ndarray
    ) -> dict[str, Any] | None:
        if self.surfaces is None:
            return None
        means = {}
        present = counts.actual.any(0)
        known = np.where(present & np.stack(self._known), 1.0, np.nan)
        for name in SURFACE_SCORES:
            values = np.stack([getattr(case, name) for case in self._surfaces])
            by_case = defined_mean((known * values)[~free, 1:], axis=1).mean
            means[name] = defined_mean(by_case).to_json()
        found, true = (x[~free, 1:] > 0 for x in (counts.predicted, counts.actual))
        units = sorted({case.unit for case in self._surfaces})
        return {
            "means": means,
            "missed": int(np.sum(true & ~found)),
            "invented": int(np.sum(found & ~true)),
            "definition": self.surfaces.definition,
            "tolerance": self.surfaces.tolerance,
            "empty_rule": self.surfaces.empty,
            "missed_rule": self.surfaces.missed,
            "unit": " or ".join(units),
        }

    def _constant_dice(self, counts: SoftCounts, constant: int) -> np.ndarray:
        """Dice ``[N, C]`` of predicting the class `constant` at every pixel."""
        chosen = np.arange(self.num_classes) == constant
        hits = np.where(chosen, counts.actual, 0)
        pixels = counts.pixels[:, None]
        everywhere = SoftCounts.of_sets(
            hits, np.where(chosen, pixels, 0) - hits, counts.actual - hits, pixels
        )
        return dice_index(everywhere, empty=EMPTY_VALUES[self.empty])


def _without(counts: SoftCounts, known: np.ndarray) -> SoftCounts:
    """Counts in which classes that are not annotated have no pixel."""
    return jax.tree.map(lambda x: np.where(known, x, 0) if np.ndim(x) else x, counts)


def _known_alone(row: Mapping[str, Any], known: np.ndarray) -> dict[str, Any]:
    """A case's row with None where a class is not annotated."""
    found = dict(row)
    for name, values in row.items():
        if isinstance(values, dict):
            found[name] = _known_alone(values, known)
        elif isinstance(values, list) and len(values) == len(known) and name != SPACING:
            found[name] = [
                value if knows else None
                for value, knows in zip(values, known, strict=True)
            ]
    return found
