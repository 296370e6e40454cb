"""Which loss beats which: Tables 2 to 4 of Liu 2022."""

from collections.abc import Sequence

import numpy as np

from experiments.label_marginals import paper
from experiments.label_marginals.judge import iou_differs, scores_differ
from experiments.label_marginals.tasks import Task
from experiments.protocol.report import Finding

NET = 3
"""Place of Res50-Unet among the networks of the paper's Table 2."""


def _retina(column: int, *losses: str) -> str:
    """The paper's numbers on Retinal Lesions for Res50-Unet, and over all networks."""
    return ", ".join(
        f"{m} {paper.RETINA[m][NET][column]} "
        f"(mean of 4 networks {np.mean([x[column] for x in paper.RETINA[m]]):.1f})"
        for m in losses
    )


def binary(task: Task) -> list[Finding | None]:
    """Of images of two classes."""
    source = "Table 2"
    pairs = (("CE+L1", "CE"), ("CE+KL", "CE"), ("CE+L1", "Dice"), ("CE+KL", "Dice"))
    found = [
        scores_differ(task, a, b, source=source, paper_says=_retina(0, a, b))
        for a, b in pairs
    ]
    found.append(
        scores_differ(
            task, "CE+L1", "CE", column="hd95", source=source,
            paper_says=f"mm: {_retina(1, 'CE+L1', 'CE')}",
        )
    )  # fmt: skip
    found.append(
        scores_differ(
            task, "CE+L1", "CE+KL", source="Table 2, section 2.6",
            paper_says=_retina(0, "CE+L1", "CE+KL"),
        )
    )  # fmt: skip
    found.append(
        scores_differ(
            task, "Dice", "CE", source="abstract: imbalance",
            paper_says=_retina(0, "Dice", "CE"),
        )
    )  # fmt: skip
    found.append(
        scores_differ(
            task, "DiceBiasCE", "DiceCE", equal=True, source="section 3.1, Table 2",
            paper_says=_retina(0, "DiceBiasCE", "DiceCE"),
        )
    )  # fmt: skip
    return found


def volume(task: Task) -> list[Finding | None]:
    """Of volumes."""

    def says(column: int, *losses: str) -> str:
        return ", ".join(
            f"{m} {paper.ORGANS[m][0][column]} and {paper.ORGANS[m][1][column]}"
            for m in losses
        )

    return [
        scores_differ(
            task, a, b, column=column, source="Table 3, pancreas and liver",
            paper_says=says(place, a, b),
        )
        for place, column in enumerate(("dice", "nsd"))
        for a, b in (("CE+L1", "CE"), ("CE+KL", "CE"), ("CE+L1", "Dice"))
    ]  # fmt: skip


def _city(*losses: str) -> str:
    return "; ".join(
        f"{m} {paper.CITY_MEANS[m][0]} and {paper.CITY_MEANS[m][1]}" for m in losses
    )


def scene(task: Task) -> list[Finding | None]:
    """Of images of several classes, all counted."""
    pairs = (
        ("CE+L1", "CE"), ("CE+KL", "CE"), ("CE+L1", "Dice"), ("CE", "Dice"),
        ("CE", "logDice"), ("CE", "Focal"),
    )  # fmt: skip
    as_released = iou_differs(
        task,
        "CE+L1/K",
        "CE",
        claim="With the released code's mean over classes, CE+L1 beats CE in mIoU",
        source="Table 4, authors' code",
        paper_says=_city("CE+L1", "CE"),
    )
    return [
        as_released,
        *_of_pairs(task, pairs),
    ]


def _of_pairs(task: Task, pairs: Sequence[tuple[str, str]]) -> list[Finding | None]:
    return [
        iou_differs(
            task, a, b, claim=f"{a} beats {b} in mIoU", source="Table 4",
            paper_says=_city(a, b),
        )
        for a, b in pairs
    ]  # fmt: skip


COMPARISONS = {"binary": binary, "volume": volume, "scene": scene}
"""By the kind of the task."""
