"""Overlap of hard masks: the losses' own indices on hard counts."""

import dataclasses
from typing import Any

import numpy as np

from jaxseg.counts import (
    SoftCounts,
    dice_index,
    jaccard_index,
    precision_index,
    sensitivity_index,
)

EMPTY_RULE = "one"
"""A class in neither mask scores 1; in one of them alone, Dice and Jaccard score 0."""


def mask_counts(
    predicted: np.ndarray, actual: np.ndarray, num_classes: int, void: int = 255
) -> SoftCounts:
    """Counts ``[num_classes]`` of two masks of class ids of the same shape.

    Pixels that are `void` in `actual` count in nothing.
    """
    counted = actual != void
    pairs = actual[counted].astype(np.int64) * num_classes + predicted[counted]
    table = np.bincount(pairs, minlength=num_classes**2)
    table = table.reshape(num_classes, num_classes).astype(np.float64)
    hits = np.diag(table)
    return SoftCounts.of_sets(
        hits, table.sum(0) - hits, table.sum(1) - hits, table.sum()
    )


@dataclasses.dataclass(frozen=True)
class CaseScores:
    """Scores of one case, ``[classes]`` each, with the rule for empty masks.

    Attributes:
      dice: 2 TP / (2 TP + FP + FN).
      jaccard: TP / (TP + FP + FN).
      sensitivity: TP / (TP + FN).
      precision: TP / (TP + FP).
      actual_pixels: pixels of the class in the ground truth.
      predicted_pixels: pixels of the class in the prediction.
      empty_rule: what 0/0 means here.
    """

    dice: np.ndarray
    jaccard: np.ndarray
    sensitivity: np.ndarray
    precision: np.ndarray
    actual_pixels: np.ndarray
    predicted_pixels: np.ndarray
    empty_rule: str = EMPTY_RULE

    @property
    def lesion_free(self) -> bool:
        """Whether the ground truth holds no foreground, classes 1 and up."""
        return not self.actual_pixels[1:].any()

    @property
    def foreground_dice(self) -> float:
        """Mean Dice over the foreground classes."""
        return float(self.dice[1:].mean())

    def to_json(self) -> dict[str, Any]:
        """As plain lists, one number per class."""
        row = dataclasses.asdict(self)
        return {k: v if isinstance(v, str) else v.tolist() for k, v in row.items()}


def case_scores(counts: SoftCounts) -> CaseScores:
    """Scores from the counts of one case (or of many, pooled)."""
    return CaseScores(
        dice=np.asarray(dice_index(counts)),
        jaccard=np.asarray(jaccard_index(counts)),
        sensitivity=np.asarray(sensitivity_index(counts)),
        precision=np.asarray(precision_index(counts)),
        actual_pixels=np.asarray(counts.actual),
        predicted_pixels=np.asarray(counts.predicted),
    )
