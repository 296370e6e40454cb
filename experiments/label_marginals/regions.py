"""Small and large regions, and their proportions: what section 3.1 of Liu 2022 says."""

from collections.abc import Callable

import numpy as np

from experiments.label_marginals import paper
from experiments.label_marginals.judge import (
    LEAST,
    LEAST_PROPORTION,
    LEAST_RATIO,
    even,
    iou_differs,
    judged,
)
from experiments.label_marginals.tasks import Task, weighted_means
from experiments.protocol.report import Finding

Rule = Callable[[Task], Finding | None]


def proportions_differ(
    task: Task, better: str, worse: str, claim: str, source: str
) -> Finding | None:
    """L1 distance of predicted and true proportions of each image."""
    if not task.has(better, worse):
        return None
    errors = {m: task.proportion_errors(m) for m in (better, worse)}
    gap = errors[worse] - errors[better]
    means = ", ".join(f"{m} {e.mean():.4f}" for m, e in errors.items())
    return judged(
        task.estimate(lambda weights: weighted_means(gap, weights)),
        smallest=LEAST_PROPORTION,
        unit="L1 distance",
        claim=claim,
        source=source,
        paper="pictures (Fig. 4)" if "Fig" in source else "an argument, no number",
        ours=f"L1 distance of an image's proportions: {means} ({task.name})",
    )


def l1_matches_proportions(task: Task) -> Finding | None:
    """CE+L1 against CE."""
    claim = "The L1 term brings predicted proportions closer to the true ones"
    return proportions_differ(task, "CE+L1", "CE", claim, "section 3.1, Fig. 4")


def ce_matches_proportions(task: Task) -> Finding | None:
    """CE against Dice."""
    claim = "Cross-entropy gets the proportions of regions better than Dice"
    return proportions_differ(task, "CE", "Dice", claim, "Propositions 1 and 2")


def dice_leads_on_small_classes(task: Task) -> Finding | None:
    """Dice against CE over the small classes of a scene."""
    near = ("pole", "traffic sign", "fence", "person", "bike")
    means = {m: np.mean([paper.city(m, c) for c in near]) for m in ("Dice", "CE")}
    return iou_differs(
        task,
        "Dice",
        "CE",
        classes=task.small(),
        claim="Dice beats CE on classes below 2 % of the pixels",
        source="Table 4",
        paper_says=f"pole, sign, fence, person, bike: Dice {means['Dice']:.1f}, CE "
        f"{means['CE']:.1f}; all 13 below 2 %: Dice "
        f"{paper.city_mean('Dice', below=2):.1f}, CE "
        f"{paper.city_mean('CE', below=2):.1f}",
    )


def ce_leads_on_large_classes(task: Task) -> Finding | None:
    """CE against Dice over the other classes of a scene."""
    return iou_differs(
        task,
        "CE",
        "Dice",
        classes=~task.small(),
        claim="CE beats Dice on classes from 2 % of the pixels",
        source="Table 4",
        paper_says=f"CE {paper.city_mean('CE', above=2):.1f}, Dice "
        f"{paper.city_mean('Dice', above=2):.1f}",
    )


def small_classes_gain_most(task: Task) -> Finding | None:
    """The gain of CE+L1 over CE on small classes less that on large ones, if any.

    Where large classes lose, small ones must gain by themselves: they are then compared
    with no gain.
    """
    small = task.small()
    if not task.has("CE+L1", "CE") or small.all() or not small.any():
        return None

    def gain(weights: np.ndarray, classes: np.ndarray) -> np.ndarray:
        one, two = (task.mean_iou(m, weights, classes) for m in ("CE+L1", "CE"))
        return one - two

    ours = [float(gain(even(task), kind).mean()) for kind in (small, ~small)]
    theirs = [
        paper.city_mean("CE+L1", **kind) - paper.city_mean("CE", **kind)
        for kind in ({"below": 2.0}, {"above": 2.0})
    ]
    return judged(
        task.estimate(
            lambda weights: gain(weights, small) - np.maximum(gain(weights, ~small), 0)
        ),
        smallest=LEAST,
        unit="IoU",
        claim="Small classes gain most from the L1 term",
        source="Table 4, section 3.1",
        paper=f"{theirs[0]:+.1f} below 2 % of the pixels, {theirs[1]:+.1f} above",
        ours=f"{ours[0]:+.3f} and {ours[1]:+.3f} ({task.name})",
    )


def dice_under_segments_large(task: Task) -> Finding | None:
    """Predicted over true pixels of the largest third, CE against Dice."""
    if not (task.has("CE", "Dice") and task.sizes_differ):
        return None
    large = task.thirds() == 2
    actual = (task.actual[:, 1:].sum(-1) * large)[:, None]

    def sizes(weights: np.ndarray, method: str) -> np.ndarray:
        found = task.predicted[task.index(method), :, :, 1:].sum(-1) * large
        return (weights @ found.T) / (weights @ actual)

    told = ", ".join(f"{m} {sizes(even(task), m).mean():.3f}" for m in ("CE", "Dice"))
    return judged(
        task.estimate(lambda weights: sizes(weights, "CE") - sizes(weights, "Dice")),
        smallest=LEAST_RATIO,
        unit="of the size",
        claim="Dice under-segments large regions, more than CE",
        source="section 3.1, Fig. 4",
        paper="pictures (Fig. 4)",
        ours="predicted over true pixels of the largest third: "
        f"{told} ({task.name})",
    )  # fmt: skip


def ce_misses_small(task: Task) -> Finding | None:
    """Share of the smallest third of which nothing is found, CE against CE+L1."""
    if not (task.has("CE", "CE+L1") and task.sizes_differ):
        return None
    small = task.thirds() == 0

    def missed(method: str) -> np.ndarray:
        found = task.overlap[task.index(method), :, :, 1:].sum(-1)
        return np.where(small, found == 0, np.nan)

    told = ", ".join(f"{m} {np.nanmean(missed(m)):.3f}" for m in ("CE", "CE+L1"))
    gap = missed("CE") - missed("CE+L1")
    return judged(
        task.estimate(lambda weights: weighted_means(gap, weights)),
        smallest=LEAST_RATIO,
        unit="of the regions",
        claim="CE misses small regions that CE+L1 finds",
        source="section 3.1, Fig. 4",
        paper="pictures (Fig. 4)",
        ours=f"share missed of the smallest third: {told} ({task.name})",
    )


def small_regions_gain_most(task: Task) -> Finding | None:
    """Gain of CE+L1 over CE in Dice, smallest third less largest third, if any."""
    if not (task.has("CE", "CE+L1") and task.sizes_differ):
        return None
    gap = task.of("dice", "CE+L1") - task.of("dice", "CE")
    small, large = (np.where(task.thirds() == k, gap, np.nan) for k in (0, 2))
    return judged(
        task.estimate(
            lambda weights: (
                weighted_means(small, weights)
                - np.maximum(weighted_means(large, weights), 0)
            )
        ),
        smallest=LEAST,
        unit="Dice",
        claim="Small regions gain most from the L1 term",
        source="section 3.1, Table 3",
        paper="tumour +6.0 and +6.3, organ +0.4 and 0.0 (pancreas, liver)",
        ours=f"smallest third {np.nanmean(small):+.3f}, largest "
        f"{np.nanmean(large):+.3f} ({task.name})",
    )


_SHARED: tuple[Rule, ...] = (l1_matches_proportions, ce_matches_proportions)
_THIRDS: tuple[Rule, ...] = (
    dice_under_segments_large,
    ce_misses_small,
    small_regions_gain_most,
)
REGIONS: dict[str, tuple[Rule, ...]] = {
    "scene": (
        dice_leads_on_small_classes,
        ce_leads_on_large_classes,
        small_classes_gain_most,
        *_SHARED,
    ),
    "binary": (*_SHARED, *_THIRDS),
    "volume": _SHARED,
}
"""By the kind of the task."""
