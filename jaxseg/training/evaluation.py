"""Scores of held-back cases: one row a case, a summary, and two naive predictions.

A class that no case holds is left out of all means over classes: there is nothing to
find, and finding nothing is no merit.
"""

import dataclasses
import functools
import operator
from typing import Any

import jax
import numpy as np

from jaxseg.counts import SoftCounts, dice_index
from jaxseg.metrics.calibration import (
    CalibrationCounts,
    calibration_counts,
    calibration_scores,
)
from jaxseg.metrics.case_surfaces import (
    SURFACE_SCORES,
    CaseSurfaces,
    SurfaceOptions,
    case_surfaces,
)
from jaxseg.metrics.challenge import challenge_result
from jaxseg.metrics.empty import EMPTY_VALUES, EmptyRule
from jaxseg.metrics.means import defined_mean, jsonable
from jaxseg.metrics.overlap import (
    INDICES,
    CaseScores,
    case_scores,
    dataset_scores,
    mask_counts,
)

VOID = 255


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
    empty_rule: EmptyRule

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self)


class Evaluation:
    """Collects cases one by one; `rows` and `summary` tell what they add up to.

    `calibrations` are the counts of the cases whose probabilities were given.
    """

    def __init__(
        self,
        num_classes: int,
        empty: EmptyRule = "one",
        surfaces: SurfaceOptions | None = None,
    ):
        self.num_classes = num_classes
        self.empty: EmptyRule = empty
        self.surfaces = surfaces
        self._surfaces: list[CaseSurfaces] = []
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
    ) -> CaseScores:
        """Scores one case.

        Args:
          name: of the case.
          predicted: class ids of any shape.
          actual: class ids of that shape, `VOID` where a pixel does not count.
          probs: ``[..., classes]`` probabilities, for calibration.
          spacing_mm: size of a pixel along each axis, for volumes in mm^3 and
            distances in mm.
        """
        counts = mask_counts(predicted, actual, self.num_classes, VOID)
        scores = case_scores(counts, empty=self.empty, spacing_mm=spacing_mm)
        self._counts.append(counts)
        if probs is not None:
            self.calibrations.append(
                calibration_counts(probs, actual, where=actual != VOID)
            )
        row = {"case": name, "lesion_free": scores.lesion_free, **scores.to_json()}
        if self.surfaces is not None:
            found = case_surfaces(
                predicted,
                actual,
                self.num_classes,
                options=self.surfaces,
                void=VOID,
                spacing_mm=spacing_mm,
            )
            self._surfaces.append(found)
            row["surfaces"] = found.to_json()
        self.rows.append(row)
        return scores

    def summary(self) -> Summary:
        """Means over what was added so far; at least one case."""
        counts = jax.tree.map(lambda *x: np.stack(x), *self._counts)
        free = ~counts.actual[:, 1:].any(-1)
        whole = dataset_scores(counts, empty=self.empty)
        present = counts.actual.any(0)
        known = np.where(present, 1.0, np.nan)  # nan leaves a class out of a mean
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
            pooled_dice=jsonable(defined_mean(known * whole.pooled.dice).mean),
            pooled_jaccard=jsonable(defined_mean(known * whole.pooled.jaccard).mean),
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
            empty_rule=self.empty,
        )

    def _surface_means(
        self, counts: SoftCounts, free: np.ndarray
    ) -> dict[str, Any] | None:
        if self.surfaces is None:
            return None
        means = {}
        known = np.where(counts.actual.any(0), 1.0, np.nan)
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
