"""Tables of the report, shaped like the paper's, ours beside its numbers."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.ood_robustness import scores
from experiments.ood_robustness.findings import (
    INSIDE_TABLE,
    LOST,
    MIXED_TABLE,
    pooled_ece,
    share_rejected,
)
from experiments.ood_robustness.strategies import NAMES
from experiments.protocol.report import limits, table
from experiments.protocol.results import Row
from experiments.protocol.task import Task
from experiments.protocol.tasks import even
from theory.printed.galdran import (
    ENCODERS,
    INSIDE,
    LESION_FREE_SHARE,
    MIXED,
    REJECTED,
)

PARTS = {
    "member": "one network",
    "ensemble": "ensemble",
    "mirrored": "ensemble, all flips",
    "pseudo": "all flips, after pseudo-labels",
}


def strategies_of(tasks: Sequence[Task]) -> list[str]:
    """Those of the tasks, in the order of the paper's tables."""
    return [name for name in NAMES if any(task.has(name) for task in tasks)]


def kinds(task: Task) -> tuple[Task, Task]:
    """The images with a lesion, and those without."""
    free = task.of_case(scores.lesion_free) > 0
    return task.only(~free), task.only(free)


def rejections(task: Task, name: str) -> str:
    """How many images nothing is found on."""
    count = float(task.of(scores.rejected, name).mean(axis=0).sum())
    return f"{count:g}" if count == int(count) else f"{count:.1f}"


def table_by_network(
    tasks: Sequence[Task],
    cell: Callable[[Task, str], object],
    printed: Mapping[str, Callable[[str], str]],
    *,
    without: str = "",
) -> str:
    """The paper's lines, then one per network, a cell per strategy."""
    names = [name for name in strategies_of(tasks) if name != without]
    lines = [[title, *map(of, names)] for title, of in printed.items()]
    lines += [
        [f"**{task.model}**, here",
         *(cell(task, name) if task.has(name) else None for name in names)]
        for task in tasks
    ]  # fmt: skip
    return table(["network", *names], lines)


def table_by_strategy(
    tasks: Sequence[Task], head: Sequence[str], line: Callable[[Task, str], list]
) -> str:
    """A line per network and strategy; and its limits."""
    lines = [
        [task.model, name, *line(task, name)] for task in tasks for name in task.methods
    ]
    return table(["network", "strategy", *head], lines) + f"\n\n{limits(tasks)}"


def inside(tasks: Sequence[Task], paper: str | None) -> str:
    """Tables 1 and 3: Dice over the held-back cases, mean and spread over folds."""

    def cell(task: Task, name: str) -> str:
        means = [
            100 * task.only(task.folds == fold).mean(scores.challenge, name)
            for fold in np.unique(task.folds)
        ]
        spread = np.std(means, ddof=1) if len(means) > 1 else math.nan
        return f"{np.nanmean(means):.2f} ± {spread:.2f}"

    note, printed = "", {}
    if paper is not None:
        note = f", beside the paper's {INSIDE_TABLE[paper]}"
        printed = {
            "mean of the paper's encoders": lambda n: f"{np.mean(INSIDE[paper][n]):.2f}"
        }
    text = f"Dice in per cent, mean and spread of the folds{note}.\n\n"
    return text + table_by_network(tasks, cell, printed) + f"\n\n{limits(tasks)}"


def tables_of_mixed(tasks: Sequence[Task], paper: str | None) -> str:
    """Tables 2 and 4: challenge score and share of rejected images."""

    def cell(task: Task, name: str) -> str:
        score = 100 * task.mean(scores.challenge, name)
        return f"{score:.2f} ({100 * task.mean(scores.rejected, name):.1f} %)"

    free = float(np.mean([task.of_case(scores.lesion_free).mean() for task in tasks]))
    note = f"Here {100 * free:.1f} % of the images are without a lesion"
    printed: dict[str, Callable[[str], str]] = {}
    if paper is not None:
        for k in (0, len(ENCODERS) - 1):
            printed[f"the paper's {ENCODERS[k]}"] = lambda name, k=k: (
                f"{MIXED[paper][name][k]:.2f} ({REJECTED[paper][name][k]:g} %)"
            )
        printed["mean of the paper's encoders"] = lambda name: (
            f"{np.mean(MIXED[paper][name]):.2f} "
            f"({np.mean(REJECTED[paper][name]):.1f} %)"
        )
        if paper in LESION_FREE_SHARE:
            share = LESION_FREE_SHARE[paper]
            note += f", in the paper's {MIXED_TABLE[paper]} {share:g} %"
    return (
        "Challenge score of the ensembles in per cent, and in brackets the share of "
        f"all images on which no lesion is predicted. {note}.\n\n"
        + table_by_network(tasks, cell, printed)
        + f"\n\n{limits(tasks)}\n\n"
        + _break_even([task for task in tasks if task.has("CE")], paper)
    )


def _break_even(tasks: Sequence[Task], paper: str | None) -> str:
    """At which shares of images without a lesion CE scores higher."""

    def cell(task: Task, name: str) -> str:
        sick, free = kinds(task)
        gain = sick.mean(scores.challenge, name) - sick.mean(scores.challenge, "CE")
        loss = free.mean(scores.rejected, "CE") - free.mean(scores.rejected, name)
        return scores.break_even(gain, loss)

    def of_paper(name: str) -> str:
        assert paper is not None
        gain = np.mean(INSIDE[paper][name]) - np.mean(INSIDE[paper]["CE"])
        loss = np.mean(REJECTED[paper]["CE"]) - np.mean(REJECTED[paper][name])
        return scores.break_even(
            float(gain) / 100, float(loss) / LESION_FREE_SHARE[paper]
        )

    printed = {"means of the paper's encoders": of_paper}
    if not tasks:
        return ""
    return (
        "The score weighs what a strategy gains on images with a lesion against what "
        "it loses on the others, and so depends on how many there are. Shares of "
        "images without a lesion at which CE scores higher; of the paper, as if it "
        "rejected no image with a lesion:\n\n"
        + table_by_network(
            tasks, cell, printed if paper in LESION_FREE_SHARE else {}, without="CE"
        )
    )


def free(rows: Sequence[Row]) -> str:
    """Rejections with and without the doubtful images."""
    doubted = any("lesion_seen" in row for row in rows)
    names = [name for name in NAMES if any(row["loss"] == name for row in rows)]
    lines: list[list[object]] = []
    for model in dict.fromkeys(row["model"] for row in rows):
        for subset in scores.SUBSETS if doubted else ("all",):
            line: list[object] = [model, subset]
            for name in names:
                some = [r for r in rows if (r["model"], r["loss"]) == (model, name)]
                some = scores.free_rows(some, subset)
                area = 100 * scores.mean(some, scores.found_share)
                none = sum(scores.rejected(row) for row in some)
                line.append(f"{none:g} of {len(some)}, {area:.1f} %")
            lines.append(line)
    text = (
        "Images on which no lesion is predicted, and the mean area predicted on all "
        "of them.\n\n" + table(["network", "images", *names], lines)
    )
    if doubted:
        text += (
            "\n\nA reader saw a lesion on some of these images. They are left out of "
            "the findings and of the tables of challenge scores; others are unclear."
        )
    return text


def why(tasks: Sequence[Task]) -> str:
    """Probabilities on images without a lesion, and what least areas would do."""

    def line(task: Task, name: str) -> list:
        sick, none = kinds(task)
        areas = [part.of(scores.found_share, name)[0] for part in (sick, none)]
        at: list[str | None] = [None] * len(LOST)
        if all(map(len, areas)):
            weighted = [x for area in areas for x in (area, np.ones((1, len(area))))]
            shares = [float(share_rejected(*weighted, lost=x)[0]) for x in LOST]
            at = [f"{100 * share:.0f} %" for share in shares]
        area, best = scores.best_area(
            task.of(scores.found_share, name)[0],
            task.of(scores.challenge, name)[0],
            task.of_case(scores.lesion_free),
        )
        return [
            f"{100 * none.mean(scores.mean_probability, name):.1f} %",
            f"{100 * none.mean(scores.found_share, name):.1f} %",
            scores.separation(task, name),
            *at,
            task.mean(scores.challenge, name),
            f"{best:.3f} ({100 * area:.1f} %)",
        ]

    head = [
        "mean probability of lesion, none there",
        "area predicted, none there",
        "area under the ROC curve",
        *(f"rejected with {100 * lost:g} % of lesions lost" for lost in LOST),
        "challenge score",
        "with the best least area",
    ]
    return (
        "In training an image without foreground, on which the Dice loss has no "
        "gradient (theory, G08), never occurs. What may differ: cross-entropy is "
        "smallest at a doubtful pixel's true probability and Dice at 0 or 1 (G14), and "
        "Dice disregards true negatives (G06). The area under the ROC curve is the "
        "chance that an image with a lesion has a larger predicted area than one "
        "without. The next columns reject the smallest areas until so many lesions are "
        "lost, so that strategies are compared at equal sensitivity. The last takes "
        "back predictions smaller than the area that suits best, chosen on the same "
        "images: an upper bound.\n\n" + table_by_strategy(tasks, head, line)
    )


def uses(parts: Mapping[str, Sequence[Task]]) -> str:
    """Single networks, ensembles, flips and pseudo-labels."""
    lines: list[list[object]] = []
    for task in parts.get("ensemble", []):
        for name in task.methods:
            for part, title in PARTS.items():
                for other in parts.get(part, []):
                    if other.name == task.name and other.has(name):
                        sick, none = kinds(other)
                        lines.append(
                            [
                                task.model,
                                name,
                                title,
                                other.mean(scores.challenge, name),
                                sick.mean(scores.challenge, name),
                                f"{100 * none.mean(scores.rejected, name):.0f} %",
                                f"{100 * none.mean(scores.found_share, name):.1f} %",
                            ]
                        )
    head = [
        "network",
        "strategy",
        "prediction",
        "challenge score",
        "Dice with a lesion",
        "rejected without",
        "area without",
    ]
    return (
        "Of single networks the means over the members. Networks with pseudo-labels "
        "are trained on their fold's images with their own masks, and on all test "
        "images with the masks of the ensemble over all flips: no true mask of a test "
        "image is seen.\n\n"
        + table(head, lines)
        + f"\n\n{limits(parts.get('ensemble', []))}"
    )


def calibration(tasks: Sequence[Task]) -> str:
    """Calibration of the ensembles."""

    def line(task: Task, name: str) -> list:
        sick, none = kinds(task)
        pooled = float(pooled_ece(task, name, even(task)).mean())
        return [
            pooled,
            task.mean(scores.brier, name),
            sick.mean(scores.ece, name),
            none.mean(scores.ece, name),
        ]

    head = ["ECE, all pixels pooled", "Brier", "ECE of an image, lesion", "none there"]
    return (
        "The expected calibration error (15 bins) asks only whether probabilities are "
        "right on average, of all pixels or of an image's; the Brier score over both "
        "classes, a proper score, also how much they tell. The smaller the better; a "
        "verdict needs both.\n\n" + table_by_strategy(tasks, head, line)
    )
