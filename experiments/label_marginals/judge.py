"""Findings from estimates: one loss against another, by a score or by the mean IoU.

The smallest effects that count were fixed before any score was seen: a point of Dice or
IoU, where the paper's own gains over cross-entropy are 1 to 2 points; two pixels of
HD95; proportions of an image that move by half a point; 5 % of a region's size.
"""

import numpy as np

from experiments.label_marginals.tasks import Task, weighted_means
from experiments.protocol.report import Finding
from jaxseg.statistics import Estimate, judge_difference, judge_equivalence

LEAST = 0.01
LEAST_PIXELS = 2.0
LEAST_PROPORTION = 0.005
LEAST_RATIO = 0.05


def even(task: Task) -> np.ndarray:
    """``[1, N]`` weights with which every case counts alike."""
    return np.full((1, len(task.cases)), 1 / len(task.cases))


def judged(
    estimate: Estimate, *, smallest: float, unit: str, equal: bool = False, **texts: str
) -> Finding:
    """A finding with the verdict that its estimate allows."""
    judge = judge_equivalence if equal else judge_difference
    interval = estimate.low, estimate.high
    return Finding(
        effect=estimate.value,
        low=estimate.low,
        high=estimate.high,
        unit=unit,
        smallest=smallest,
        cases=estimate.cases,
        outcome=judge(estimate.value, *interval, smallest=smallest),
        **texts,
    )


def scores_differ(
    task: Task,
    better: str,
    worse: str,
    *,
    source: str,
    paper_says: str,
    column: str = "dice",
    equal: bool = False,
) -> Finding | None:
    """Mean scores per case; a distance counts as better where it is smaller."""
    if not task.has(better, worse) or column not in task.scores:
        return None
    distance = column == "hd95"
    gap = task.of(column, better) - task.of(column, worse)
    estimate = task.estimate(
        lambda weights: weighted_means(-gap if distance else gap, weights)
    )
    digits = 1 if distance else 3
    means = ", ".join(
        f"{m} {np.nanmean(task.of(column, m)):.{digits}f}" for m in (better, worse)
    )
    name = {"dice": "Dice", "hd95": "HD95", "nsd": "NSD"}[column]
    verb = "agrees with" if equal else "beats"
    return judged(
        estimate,
        smallest=LEAST_PIXELS if distance else LEAST,
        unit="pixels" if distance else name,
        equal=equal,
        claim=f"{better} {verb} {worse} in {name}",
        source=source,
        paper=paper_says,
        ours=f"{means} ({task.name})",
    )


def iou_differs(
    task: Task,
    better: str,
    worse: str,
    *,
    claim: str,
    source: str,
    paper_says: str,
    classes: np.ndarray | None = None,
) -> Finding | None:
    """Mean IoU over classes, all pixels of the cases pooled."""
    if not task.has(better, worse) or (classes is not None and not classes.any()):
        return None

    def statistic(weights: np.ndarray) -> np.ndarray:
        one, two = (task.mean_iou(m, weights, classes) for m in (better, worse))
        return one - two

    means = ", ".join(
        f"{m} {task.mean_iou(m, even(task), classes).mean():.3f}"
        for m in (better, worse)
    )
    return judged(
        task.estimate(statistic),
        smallest=LEAST,
        unit="mIoU" if classes is None else "IoU",
        claim=claim,
        source=source,
        paper=paper_says,
        ours=f"{means} ({task.name})",
    )
