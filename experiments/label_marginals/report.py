"""The report: what the label-marginal terms do, and what became of the findings."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.label_marginals import scores, tables
from experiments.label_marginals.findings import findings
from experiments.protocol.report import Figure, Report, join_names, page, table
from experiments.protocol.results import Results
from experiments.protocol.task import Task
from experiments.protocol.tasks import even, iou, score

SHOWN = ("CE", "Focal", "Dice", "logDice", "DiceCE", "CE+KL", "CE+L1", "CE+L1/K")
"""Losses in pictures: more would not be told apart."""
GROUPS = 5
MAIN = ("CE", "Dice", "CE+KL", "CE+L1")
"""Losses in the overview."""
PAPER = {
    "data": "Retinal Lesions (1593 images), Pancreas and Liver of the Decathlon, "
    "Cityscapes (19 classes)",
    "networks": "FPN and U-Net on ResNet-34, 50 and 101; 3D U-Net",
    "start": "ImageNet",
    "optimizer": "adam (retina), sgd (others)",
    "learning rate": "halved on plateaus of a validation loss (retina), polynomial or "
    "linear",
    "split": "train, validation and test; three runs",
    "weights": "the best of Fig. 3 on the test images: 1 for L1, 0.1 for KL, DiceCE "
    "and LogDiceCE; kept for the other data",
    "two classes": "Dice losses of the foreground alone (Dice_1)",
    "CE+L1": "printed: sum over classes; CE+L1/K has the mean of the authors' code",
    "label marginals": "of each image",
}


def report(results: Results) -> Report:
    """All of it, from stored results."""
    tasks = scores.comparison(results)
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(task.dataset, task)
    found = [scores.points(results, task) for task in first.values()]
    points = [one for one in found if one is not None]
    parts: list[str | Figure] = [overview(tasks)]
    for task in tasks:
        parts += _of_task(task, pictures=first[task.dataset] is task)
    for one in points:
        parts += _of_points(one)
    return page(
        results,
        title=f"Label marginals of {join_names(list(first))}: Liu 2022 tried again",
        tasks=tasks,
        findings=findings(tasks, points),
        advice=advice(tasks),
        parts=parts,
        paper=PAPER,
    )


def advice(tasks: Sequence[Task]) -> str:
    """Which loss is ahead how often, and what that rests on."""
    compared = [task for task in tasks if len(task.methods) > 1]
    if not compared:
        return ""
    firsts = Counter(max(t.methods, key=lambda m, t=t: score(t, m)) for t in compared)
    name, count = firsts.most_common(1)[0]
    told = [
        f"{name} has the highest mean score in {count} of {len(compared)} pairs of "
        "data and network"
    ]
    for better in ("CE+KL", "CE+L1"):
        both = [task for task in compared if task.has(better, "CE")]
        if both:
            ahead = sum(score(task, better) > score(task, "CE") for task in both)
            told.append(f"{better} is above CE in {ahead} of {len(both)}")
    doubts = sum(
        any(task.curves[m].doubt for m in task.methods if m in task.curves)
        for task in compared
    )
    if doubts:
        told.append(f"in {doubts} of {len(compared)} not every loss has learned")
    return f"**What to do.** {'; '.join(told)}."


def overview(tasks: Sequence[Task]) -> str:
    """Scores and predicted sizes of the losses that matter most, by task."""
    rows = []
    for task in tasks:
        best = max(task.methods, key=lambda m, t=task: score(t, m))
        rows.append(
            [
                task.dataset,
                task.model,
                "mIoU" if task.kind == "scene" else "DSC",
                f"{best} {score(task, best):.3f} (of {len(task.methods)})",
                *(score(task, m) if task.has(m) else None for m in MAIN),
                " / ".join(
                    f"{100 * _size(task, m):.0f} %" if task.has(m) else "–"
                    for m in MAIN
                ),
            ]
        )
    head = ["data", "network", "score", "best loss", *MAIN, "predicted / true pixels"]
    return (
        f"## Scores and sizes\n\n{table(head, rows)}\n\n{tables.limits(tasks)}\n\n"
        "*Means over cases and runs. Predicted / true pixels: with "
        f"{', '.join(MAIN)}; of the foreground, and of scenes of the classes below 2 % "
        "of the pixels.*"
    )


def _size(task: Task, method: str) -> float:
    """Predicted over true pixels of what is rare."""
    if task.kind == "scene":
        return float(np.mean(scores.ratio(task, method)[:, scores.small(task)]))
    found = task.of(scores.predicted, method)
    true = np.where(np.isnan(found), 0, scores.actual(task))
    return float(np.nansum(found) / true.sum())


def _of_task(task: Task, *, pictures: bool) -> list[str | Figure]:
    title = f"## {task.name}"
    end = tables.order_agrees(task)
    if task.kind == "volume":
        return [f"{title}\n\n{tables.volume_table(task)}{end}"]
    if task.kind == "binary":
        parts: list[str | Figure] = [f"{title}\n\n{tables.binary_table(task)}{end}"]
        return parts + (_binary_pictures(task) if pictures else [])
    city = tables.city_table(task)
    text = f"{title}\n\nIoU in % of each class, by falling share:\n\n"
    text += tables.scene_table(task)
    if city is not None:
        text += (
            "\n\nThe nearest classes of Cityscapes in Liu's Table 4 (Res50-FPN, "
            f"validation set), in the same order:\n\n{city}"
        )
    text += f"\n\nSmall and large classes:\n\n{tables.scene_summary(task)}{end}"
    return [text, *(_scene_pictures(task) if pictures else [])]


def _shown(task: Task) -> list[str]:
    return [m for m in task.methods if m in SHOWN]


def _binary_pictures(task: Task) -> list[str | Figure]:
    pixels = task.of_case(lambda row: row["pixels"])
    true = scores.actual(task) / pixels
    if not (true > 0).any():
        return []
    shares, sizes = [], []
    for m in _shown(task):
        found, dice = task.of(scores.predicted, m), task.of("dice", m)
        for n, case in enumerate(task.cases):
            if not np.isnan(found[0, n]):
                shares.append(
                    {"loss": m, "share": float(true[n]),
                     "predicted_share": float(found[0, n] / pixels[n])}
                )  # fmt: skip
            sizes += [
                {"loss": m, "dataset": task.dataset, "case": str(case),
                 "dice": float(value), "foreground_share": float(true[n])}
                for value in dice[:, n]
                if not np.isnan(value)
            ]  # fmt: skip
    pictures: list[str | Figure] = [
        Figure(
            name=f"{task.dataset}_proportions",
            picture="proportions",
            rows=shares,
            caption=f"Predicted against true share of the foreground of each image of "
            f"{task.dataset}, first run (crosses: nothing predicted)",
        )
    ]
    if scores.sizes_differ(task):
        pictures.append(
            Figure(
                name=f"{task.dataset}_sizes",
                picture="sizes",
                rows=sizes,
                flags=("--groups", str(GROUPS)),
                caption=f"Dice by the size of the foreground, in fifths of the images "
                f"of {task.dataset}, all runs",
            )
        )
    return pictures


def _scene_pictures(task: Task) -> list[str | Figure]:
    if not task.has("CE"):
        return []
    names = scores.class_names(task)

    def rows(name: str, values: dict[str, np.ndarray]) -> list[dict[str, Any]]:
        return [
            {
                "loss": m,
                "class": names[k],
                "share": float(task.shares[k]),
                name: float(values[m][k]) if np.isfinite(values[m][k]) else None,
            }
            for m in values
            for k in range(len(names))
        ]

    shown = _shown(task)
    found = {m: np.mean(iou(task, m, even(task))[0], axis=0) for m in shown}
    ratios = {m: np.mean(scores.ratio(task, m), axis=0) for m in shown}
    gains = {m: found[m] - found["CE"] for m in shown if m != "CE"}
    return [
        Figure(
            name=f"{task.dataset}_gains",
            picture="regions",
            rows=rows("gain", gains),
            flags=("--metric", "gain", "--level", "0"),
            caption=f"Gain in IoU over cross-entropy of each class of {task.dataset} "
            "over the class's share of the pixels (compare Liu 2022, Table 4)",
        ),
        Figure(
            name=f"{task.dataset}_ratios",
            picture="regions",
            rows=rows("ratio", ratios),
            flags=("--metric", "ratio", "--level", "1"),
            caption=f"Predicted over true pixels of each class of {task.dataset}, all "
            "scored images pooled: 1 is the right proportion",
        ),
    ]


def _of_points(found: Task) -> list[str | Figure]:
    rows = []
    for name in found.methods:
        loss, weight, temperature = scores.facts_of(found, name)
        if temperature in (None, 10.0):
            values = found.of("dice", name)
            rows += [
                {"loss": loss, "dataset": found.dataset, "weight": weight,
                 "dice": float(np.mean(column[~np.isnan(column)]))}
                for column in values.T
                if not np.isnan(column).all()
            ]  # fmt: skip
    return [
        f"## Weights and temperatures on {found.dataset}\n\n"
        + tables.ablation_table(found),
        Figure(
            name=f"{found.dataset}_weights",
            picture="sweep",
            rows=rows,
            caption="Dice over the weight lambda of the second term (compare Liu 2022, "
            "Fig. 3); bars: standard error over images",
        ),
    ]
