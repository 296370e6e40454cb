"""Scores of held-back cases: one row a case, a summary, and two naive predictions."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from jaxseg.metrics.overlap import CaseScores, case_scores, mask_counts


@dataclasses.dataclass(frozen=True)
class Summary:
    """Means over cases.

    Attributes:
      cases: how many with a lesion (any foreground).
      dice: their mean Dice over foreground classes, in [0, 1]; None if there are none.
      dice_spread: its standard deviation over cases.
      dice_by_class: ``[classes - 1]`` mean Dice of each foreground class.
      jaccard: mean Jaccard of the same cases.
      pooled_jaccard: mean over all classes of the Jaccard index of all pixels pooled.
      all_background: mean Dice of predicting class 0 everywhere.
      all_foreground: mean Dice of the best single foreground class everywhere.
      lesion_free: how many cases without foreground.
      rejected: share of those with an empty prediction; None if there are none.
      false_positive_share: mean share of their pixels predicted as foreground.
      empty_rule: what the score of a class in neither mask is.
    """

    cases: int
    dice: float | None
    dice_spread: float | None
    dice_by_class: list[float]
    jaccard: float | None
    pooled_jaccard: float
    all_background: float | None
    all_foreground: float | None
    lesion_free: int
    rejected: float | None
    false_positive_share: float | None
    empty_rule: str

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return dataclasses.asdict(self)


class Evaluation:
    """Collects cases one by one; `rows` and `summary` tell what they add up to."""

    def __init__(self, num_classes: int):
        self.num_classes = num_classes
        self.rows: list[dict[str, Any]] = []
        self._scores: list[CaseScores] = []
        self._naive: list[list[float]] = []
        self._pooled = None

    def add(self, name: str, predicted: np.ndarray, actual: np.ndarray) -> CaseScores:
        """Scores one case, masks ``[H, W]`` of class ids."""
        counts = mask_counts(predicted, actual, self.num_classes)
        scores = case_scores(counts)
        self._pooled = counts if self._pooled is None else self._pooled + counts
        self._scores.append(scores)
        self._naive.append(
            [
                _constant_dice(scores.actual_pixels, constant)
                for constant in range(self.num_classes)
            ]
        )
        row = {"case": name, "lesion_free": scores.lesion_free, **scores.to_json()}
        self.rows.append(row)
        return scores

    def summary(self) -> Summary:
        """Means over what was added so far; at least one case."""
        sick = [score for score in self._scores if not score.lesion_free]
        naive = [
            row
            for row, score in zip(self._naive, self._scores, strict=True)
            if not score.lesion_free
        ]
        healthy = [score for score in self._scores if score.lesion_free]
        dice = [score.foreground_dice for score in sick]
        shares = [
            score.predicted_pixels[1:].sum() / max(score.predicted_pixels.sum(), 1)
            for score in healthy
        ]
        assert self._pooled is not None
        constants = np.mean(naive, axis=0) if naive else None
        return Summary(
            cases=len(sick),
            dice=_mean(dice),
            dice_spread=float(np.std(dice, ddof=1)) if len(dice) > 1 else None,
            dice_by_class=(
                np.mean([score.dice[1:] for score in sick], axis=0).tolist()
                if sick
                else []
            ),
            jaccard=_mean([float(score.jaccard[1:].mean()) for score in sick]),
            pooled_jaccard=float(np.mean(case_scores(self._pooled).jaccard)),
            all_background=None if constants is None else float(constants[0]),
            all_foreground=None if constants is None else float(constants[1:].max()),
            lesion_free=len(healthy),
            rejected=_mean([float(share == 0) for share in shares]),
            false_positive_share=_mean(shares),
            empty_rule=self._scores[0].empty_rule,
        )


def _mean(values: Iterable[float]) -> float | None:
    values = list(values)
    return float(np.mean(values)) if values else None


def _constant_dice(actual: np.ndarray, constant: int) -> float:
    """Mean foreground Dice of predicting the class `constant` at every pixel."""
    pixels = actual.sum()
    dice = np.where(actual > 0, 0.0, 1.0)
    dice[constant] = 2 * actual[constant] / (pixels + actual[constant])
    return float(dice[1:].mean())
