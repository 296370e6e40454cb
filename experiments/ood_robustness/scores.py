"""What a row of the study tells: challenge score, rejection, false positives."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import scipy

from experiments.protocol.results import Row, foreground_mean
from experiments.protocol.task import Task

SEEN = "yes"
"""A reader saw a lesion on an image said to be free of any."""
WITHOUT = "without those with a lesion in sight"
CLOSED = "without doubtful ones"
SUBSETS: Mapping[str, tuple[str, ...]] = {
    "all": (),
    WITHOUT: (SEEN,),
    CLOSED: (SEEN, "unclear"),
}
"""Which images without a lesion count, by the answers that are left out."""
BINS = 15


def place(row: Row) -> tuple[Any, ...]:
    """What makes two rows rows of one image, whichever strategy and network.

    Images of one name may lie in several folds or splits.
    """
    fold = row["fold"] if row["part"] == "fold" else None
    return row["split"], row["case"], fold


def seed(row: Row) -> int:
    """The seed of the networks that made a row."""
    return row.get("seed", 0)


def challenge(row: Row) -> float:
    """Dice of the lesion; 1 if there is none and none is found, 0 if one alone is."""
    return foreground_mean(row, "dice")


def lesion_free(row: Row) -> float:
    """1 of an image without a lesion, else 0."""
    return float(row["lesion_free"])


def rejected(row: Row) -> float:
    """1 if no lesion is found, else 0."""
    return float(sum(row["predicted_pixels"][1:]) == 0)


def found_share(row: Row) -> float:
    """Share of the pixels that are predicted as lesion."""
    return sum(row["predicted_pixels"][1:]) / row["pixels"]


def ece(row: Row) -> float:
    """Expected calibration error of a case."""
    return _calibration(row, "ece")


def brier(row: Row) -> float:
    """Brier score of a case, in [0, 2]."""
    return _calibration(row, "brier")


def bins(row: Row) -> np.ndarray:
    """``[3 BINS]`` pixels, confidences and hits by confidence; nan if not stored."""
    found = row["calibration"].get("bins")
    return np.full(3 * BINS, np.nan) if found is None else np.ravel(found)


def _calibration(row: Row, name: str) -> float:
    value = row["calibration"][name]
    return math.nan if value is None else float(value)


def mean_probability(row: Row) -> float:
    """Mean probability of lesion over a case's pixels."""
    return float(row["mean_foreground_probability"])


def mean(rows: Iterable[Row], score) -> float:
    """Mean of a score over rows; nan of none."""
    values = [score(row) for row in rows]
    defined = [x for x in values if not math.isnan(x)]
    return float(np.mean(defined)) if defined else math.nan


def kept(rows: Iterable[Row], subset: str = WITHOUT) -> list[Row]:
    """All rows but those of lesion-free images that a reader doubted."""
    out = SUBSETS[subset]
    return [row for row in rows if row.get("lesion_seen") not in out]


def free_rows(rows: Iterable[Row], subset: str = WITHOUT) -> list[Row]:
    """Rows of images without a lesion."""
    return [row for row in kept(rows, subset) if row["lesion_free"]]


def break_even(gain: float, loss: float) -> str:
    """At which shares of images without a lesion a second strategy scores higher.

    Args:
      gain: of the first in mean Dice on images with a lesion.
      loss: of the first in the share of images without one that are rejected.
    """
    if gain < 0 <= loss:
        return "always"
    if loss <= 0 <= gain:
        return "never"
    share = f"{100 * gain / (gain + loss):.1f} %"
    return f"from {share}" if loss > 0 else f"up to {share}"


def separation(task: Task, method: str) -> float:
    """How well the predicted area tells images with a lesion from those without.

    The chance that a random image with a lesion has the larger area than a random one
    without, ties counting half: the area under the ROC curve.
    """
    free = task.of_case(lesion_free) > 0
    areas = task.of(found_share, method)
    if free.all() or not free.any():
        return math.nan
    larger: Any = scipy.stats.mannwhitneyu(
        areas[:, ~free].ravel(), areas[:, free].ravel()
    )
    return float(larger.statistic) / (areas[:, ~free].size * areas[:, free].size)


def best_area(areas: np.ndarray, scores: np.ndarray, free: np.ndarray) -> tuple:
    """The least area, as a share of the image, that gives the best mean score.

    Predictions of a smaller area are taken back. The area is chosen on the very images
    that it is scored on, so its score is an upper bound.

    Args:
      areas: ``[N]`` predicted.
      scores: ``[N]`` as they are.
      free: ``[N]`` 1 of images without a lesion.

    Returns:
      The area, 0 where nothing is to be gained, and the mean score with it.
    """
    best = (0.0, float(scores.mean()))
    for area in np.unique(areas[areas > 0]):
        total = float(np.where(areas <= area, free, scores).mean())
        if total > best[1]:
            best = (float(area), total)
    return best
