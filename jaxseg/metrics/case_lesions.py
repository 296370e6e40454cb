"""Lesions of cases of several classes, and what they add up to over a data set."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxseg.metrics.empty import EmptyRule
from jaxseg.metrics.lesions import (
    Lesions,
    LesionScores,
    find_lesions,
    scores_of,
)
from jaxseg.metrics.masks import as_class_ids, check_one_shape
from jaxseg.metrics.means import defined_mean, jsonable

COUNTS = ("true", "predicted", "matched", "found", "right")
MEANS = (
    "dice",
    "panoptic_quality",
    "recognition_quality",
    "segmentation_quality",
    "sensitivity",
    "precision",
    "f1",
)
THIRDS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class LesionOptions:
    """How lesions are scored.

    Attributes:
      threshold: least IoU of a match.
      connectivity: along how many axes at once pixels of one lesion may differ; None is
        all.
      empty: what a score is where a class has no lesion in either mask.
    """

    threshold: float = 0.5
    connectivity: int | None = None
    empty: EmptyRule = "one"


@dataclasses.dataclass(frozen=True)
class CaseLesions:
    """Lesions of one case.

    Attributes:
      lesions: of each foreground class, or region.
      scores: of each.
      options: the conventions.
    """

    lesions: list[Lesions]
    scores: list[LesionScores]
    options: LesionOptions

    def values(self, name: str) -> np.ndarray:
        """A score of each class, ``[classes]``, nan for the background."""
        return np.array([np.nan, *(getattr(s, name) for s in self.scores)], np.float64)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, None for the background; each true lesion by itself."""
        counts = {
            name: [None, *(int(getattr(s, name)) for s in self.scores)]
            for name in COUNTS
        }
        each = {
            "sizes": [None, *(x.true.tolist() for x in self.lesions)],
            "dice_by_lesion": [
                None,
                *(x.dice_of_true().tolist() for x in self.lesions),
            ],
        }
        means = {name: jsonable(self.values(name)) for name in MEANS}
        return {**counts, **means, **each, **dataclasses.asdict(self.options)}


def case_lesions(
    predicted: Any,
    actual: Any,
    groups: Sequence[Sequence[int]],
    *,
    options: LesionOptions,
    void: int | None = None,
) -> CaseLesions:
    """Lesions of each class, or of each set of classes, of one case.

    Args:
      predicted: class ids ``[*size]``.
      actual: class ids of that shape; where it is `void` neither mask has a pixel.
      groups: ids whose pixels are one mask, such as ``[[1], [2]]`` for two classes.
      options: what a lesion and a match are, and the rule for what is empty.
      void: the id of pixels that do not count.

    Raises:
      ValueError: the shapes disagree, or a mask holds anything but whole numbers.

    Example:
      >>> actual = np.array([1, 1, 0, 2, 0, 2])
      >>> predicted = np.array([1, 0, 0, 2, 0, 0])
      >>> case = case_lesions(predicted, actual, [[1], [2]], options=LesionOptions())
      >>> case.values("true").tolist(), case.values("found").tolist()
      ([nan, 1.0, 2.0], [nan, 1.0, 1.0])
    """
    predicted, actual = (np.asarray(as_class_ids(ids)) for ids in (predicted, actual))
    check_one_shape(predicted, actual)
    counted = np.ones(actual.shape, bool) if void is None else actual != void
    lesions = [
        find_lesions(
            np.isin(predicted, list(ids)) & counted,
            np.isin(actual, list(ids)) & counted,
            connectivity=options.connectivity,
        )
        for ids in groups
    ]
    scores = [scores_of(x, options.threshold, options.empty) for x in lesions]
    return CaseLesions(lesions, scores, options)


def dataset_lesions(cases: Sequence[CaseLesions], known: np.ndarray) -> dict[str, Any]:
    """What cases add up to, as plain JSON values.

    Args:
      cases: at least one.
      known: ``[cases, classes]`` bool, False where a case has not annotated a class.

    Returns:
      Counts over all cases and classes, from them sensitivity, precision and F1;
      `means` over the cases' classes, then over cases; `by_size` for the smallest, the
      middle and the largest third of the true lesions how many there are, their largest
      size in pixels, which share of them is found and the mean of their Dice.

    Example:
      >>> actual = np.array([1, 1, 0, 1, 0, 1])
      >>> seen = actual * [1, 1, 1, 0, 1, 0]
      >>> case = case_lesions(seen, actual, [[1]], options=LesionOptions())
      >>> found = dataset_lesions([case], np.ones((1, 2), bool))
      >>> found["true"], found["found"], [x["found"] for x in found["by_size"]]
      (3, 1, [0.0, 0.0, 1.0])
    """
    weights = np.where(known, 1.0, np.nan)[:, 1:]
    totals = {
        name: int(np.nansum(np.stack([c.values(name) for c in cases])[:, 1:] * weights))
        for name in COUNTS
    }
    means = {}
    for name in MEANS:
        values = np.stack([case.values(name)[1:] for case in cases]) * weights
        means[name] = defined_mean(defined_mean(values, axis=1).mean).to_json()
    lesions = [
        lesion
        for case, knows in zip(cases, known, strict=True)
        for lesion, counts in zip(case.lesions, knows[1:], strict=True)
        if counts
    ]
    sizes = np.concatenate([np.zeros(0, int), *(x.true for x in lesions)])
    found = np.concatenate([np.zeros(0, bool), *(x.touched for x in lesions)])
    dice = np.concatenate([np.zeros(0), *(x.dice_of_true() for x in lesions)])
    order = np.argsort(sizes, kind="stable")
    by_size = [
        {
            "lesions": len(part),
            "largest": int(sizes[part].max()),
            "found": float(found[part].mean()),
            "dice": float(dice[part].mean()),
        }
        for part in np.array_split(order, THIRDS)
        if len(part)
    ]
    true, right, predicted = (totals[k] for k in ("true", "right", "predicted"))
    sensitivity = totals["found"] / true if true else None
    precision = right / predicted if predicted else None
    f1 = None
    if sensitivity is not None and precision is not None:
        both = sensitivity + precision
        f1 = 2 * sensitivity * precision / both if both else 0.0
    return {
        **totals,
        "sensitivity": sensitivity,
        "precision": precision,
        "f1": f1,
        "means": means,
        "by_size": by_size,
        **dataclasses.asdict(cases[0].options),
    }
