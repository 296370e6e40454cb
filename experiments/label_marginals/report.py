"""The report: what the label-marginal terms do, and what became of the findings."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.label_marginals.findings import findings
from experiments.label_marginals.judge import even
from experiments.label_marginals.tables import (
    ablation_table,
    binary_table,
    city_table,
    order_agrees,
    scene_summary,
    scene_table,
    volume_table,
)
from experiments.label_marginals.tasks import (
    Point,
    Task,
    is_main,
    points_of,
    tasks_of,
)
from experiments.protocol.report import (
    Figure,
    Finding,
    Report,
    findings_table,
    table,
    verdicts_table,
    what_was_run,
)
from experiments.protocol.results import Results
from jaxseg.statistics import Outcome
from jaxseg.training.network import ENCODER_NETWORKS

SHOWN = ("CE", "Focal", "Dice", "logDice", "DiceCE", "CE+KL", "CE+L1", "CE+L1/K")
"""Losses in pictures: more would not be told apart."""
GROUPS = 5
KINDS = ("binary", "scene", "volume")
MAIN = ("CE", "Dice", "CE+KL", "CE+L1")
"""Losses in the overview."""


def report(results: Results) -> Report:
    """All of it, from stored results."""
    tasks = tasks_of(results)
    first: dict[str, Task] = {}
    for task in tasks:
        first.setdefault(task.dataset, task)
    points = [(task, points_of(results, task)) for task in first.values()]
    points = [(task, found) for task, found in points if found]
    judged = findings(tasks, points)
    parts: list[str | Figure] = [
        answer(tasks, judged, results.about["scale"]),
        "## What Liu 2022 found, and what we find\n\n"
        + verdicts_table(judged)
        + "\n\n*In brackets the effect, positive in the paper's direction. Replicated: "
        "its 95 % interval lies above 0 and it reaches the least that counts (for "
        '"agrees with": the interval lies within it). Not replicated: the interval '
        "lies below it. Else undecided. Intervals and the paper's numbers are in the "
        "table at the end.*",
    ]
    for task in tasks:
        parts += _of_task(results, task, pictures=first[task.dataset] is task)
    for task, found in points:
        parts += _of_points(task, found)
    parts += [
        "## Every finding with its interval\n\n"
        + findings_table(judged)
        + "\n\n*Intervals are over resampled test cases and runs, the same for both "
        "losses.*",
        "## What was changed from the paper\n\n" + changes(results, tasks),
        "## What was run\n\n" + what_was_run(_about(results, tasks), results.runs),
        "## How to run it again\n\n"
        f"    {results.about['command']}\n\n"
        "Every number above is computed from `rows.jsonl.gz` and `runs.jsonl` beside "
        "this page; `python -m experiments report` on this folder does it again.",
    ]
    *names, last = first
    told = f"{', '.join(names)} and {last}" if names else last
    return Report(title=f"Label marginals of {told}: Liu 2022 tried again", parts=parts)


def _about(results: Results, tasks: Sequence[Task]) -> dict[str, Any]:
    """What was run, without the settings of kinds of data that were not."""
    settings = dict(results.about["settings"])
    for kind in set(KINDS) - {task.kind for task in tasks}:
        settings.pop(kind, None)
    return {**results.about, "settings": settings}


# --- the answer -----------------------------------------------------------------------


def answer(tasks: Sequence[Task], judged: Sequence[Finding], scale: str) -> str:
    """The answer in a few sentences, from the numbers."""
    counts = {o: sum(f.outcome is o for f in judged) for o in Outcome}
    verdicts = (
        f"Of {len(judged)} findings that these data allow to judge, "
        f"{counts[Outcome.REPLICATED]} are replicated, "
        f"{counts[Outcome.NOT_REPLICATED]} are not, and {counts[Outcome.UNDECIDED]} "
        "stay undecided. "
    ) + (
        "Images are reduced: orders may be compared with the paper's, scores not."
        if scale == "full"
        else "Trainings are short and the network is small, and a loss that learns "
        "rare classes late is judged before it does: the order of losses may be "
        "compared with the paper's, scores may not."
    )
    compared = [task for task in tasks if len(task.methods) > 1]
    return "\n\n".join([f"**{_leaders(compared)}**", _overview(compared), verdicts])


def _leaders(tasks: Sequence[Task]) -> str:
    """Which loss is ahead how often."""
    scores = [{m: _score(task, m) for m in task.methods} for task in tasks]
    firsts = Counter(max(found, key=lambda m: found[m]) for found in scores)
    told = [
        f"{name} has the highest mean score in {count} of {len(tasks)} "
        "pairs of data and network"
        for name, count in firsts.most_common(1)
    ]
    for better in ("CE+KL", "CE+L1"):
        both = [found for found in scores if {better, "CE"} <= set(found)]
        if both:
            ahead = sum(found[better] > found["CE"] for found in both)
            told.append(f"{better} is above CE in {ahead} of {len(both)}")
    return "; ".join(told) + "."


def _overview(tasks: Sequence[Task]) -> str:
    """Scores and predicted sizes of the losses that matter most, by task."""
    rows = []
    for task in tasks:
        best = max(task.methods, key=lambda m: _score(task, m))
        shown = [_score(task, m) if task.has(m) else None for m in MAIN]
        sizes = [f"{100 * _size(task, m):.0f} %" if task.has(m) else "–" for m in MAIN]
        rows.append(
            [
                task.dataset,
                task.model,
                "mIoU" if task.kind == "scene" else "DSC",
                f"{best} {_score(task, best):.3f} (of {len(task.methods)})",
                *shown,
                " / ".join(sizes),
            ]
        )
    head = ["data", "network", "score", "best loss", *MAIN, "predicted / true pixels"]
    return (
        table(head, rows)
        + "\n\n*Means over cases and runs. Predicted / true pixels: with "
        f"{', '.join(MAIN)}; of the foreground, and of scenes of the classes below 2 % "
        "of the pixels.*"
    )


def _size(task: Task, method: str) -> float:
    """Predicted over true pixels of what is rare."""
    if task.kind == "scene":
        return float(task.ratio(method)[:, task.small()].mean())
    found = task.predicted[task.index(method), :, :, 1:].sum() / task.runs
    return float(found / task.actual[:, 1:].sum())


def _score(task: Task, method: str) -> float:
    if task.kind == "scene":
        return float(task.mean_iou(method, even(task)).mean())
    return float(np.nanmean(task.of("dice", method)))


# --- tables and pictures --------------------------------------------------------------


def _of_task(results: Results, task: Task, *, pictures: bool) -> list[str | Figure]:
    title = f"## {task.name}, {task.runs} run{'s' if task.runs > 1 else ''} a loss"
    agreement = order_agrees(task)
    end = "" if agreement is None else f"\n\n{agreement}"
    if task.kind == "volume":
        return [f"{title}\n\n{volume_table(task)}{end}"]
    if task.kind == "binary":
        parts: list[str | Figure] = [f"{title}\n\n{binary_table(task)}{end}"]
        return parts + (_binary_pictures(results, task) if pictures else [])
    city = city_table(task)
    text = (
        f"{title}\n\nIoU in % of each class, by falling share:\n\n{scene_table(task)}"
    )
    if city is not None:
        text += (
            "\n\nThe nearest classes of Cityscapes in Liu's Table 4 (Res50-FPN, "
            f"validation set), in the same order:\n\n{city}"
        )
    text += f"\n\nSmall and large classes:\n\n{scene_summary(task)}{end}"
    return [text, *(_scene_pictures(task) if pictures else [])]


def _shown(task: Task) -> list[str]:
    return [m for m in task.methods if m in SHOWN]


def _binary_pictures(results: Results, task: Task) -> list[str | Figure]:
    true = task.actual[:, 1:].sum(-1) / task.pixels
    if not (true > 0).any():
        return []
    shares = [
        {"loss": m, "share": float(true[n]), "predicted_share": float(share)}
        for m in _shown(task)
        for n, share in enumerate(
            task.predicted[task.index(m), 0, :, 1:].sum(-1) / task.pixels
        )
    ]
    sizes = [
        {
            "loss": row["loss"],
            "dataset": row["dataset"],
            "case": row["case"],
            "dice": row["dice"],
            "foreground_share": row["foreground_share"],
        }
        for row in _main_rows(results, task)
        if row["loss"] in SHOWN
    ]
    pictures: list[str | Figure] = [
        Figure(
            name=f"{task.dataset}_proportions",
            picture="proportions",
            rows=shares,
            caption=f"Predicted against true share of the foreground of each image of "
            f"{task.dataset}, first run (crosses: nothing predicted)",
        )
    ]
    if task.sizes_differ:
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


def _main_rows(results: Results, task: Task) -> list[dict[str, Any]]:
    mine = results.where(dataset=task.dataset, model=task.model)
    return [row for row in mine if is_main(row)]


def _scene_pictures(task: Task) -> list[str | Figure]:
    if not task.has("CE"):
        return []
    iou = {m: task.iou(m, even(task))[0].mean(0) for m in task.methods}
    ratios = {m: task.ratio(m).mean(0) for m in task.methods}

    def rows(name: str, values: dict[str, np.ndarray]) -> list[dict[str, Any]]:
        return [
            {
                "loss": m,
                "class": task.classes[k],
                "share": float(task.shares[k]),
                name: _number(values[m][k]),
            }
            for m in values
            for k in range(len(task.classes))
        ]

    gains = {m: iou[m] - iou["CE"] for m in _shown(task) if m != "CE"}
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
            rows=rows("ratio", {m: ratios[m] for m in _shown(task)}),
            flags=("--metric", "ratio", "--level", "1"),
            caption=f"Predicted over true pixels of each class of {task.dataset}, all "
            "test images pooled: 1 is the right proportion",
        ),
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _of_points(task: Task, points: Sequence[Point]) -> list[str | Figure]:
    rows = [
        {
            "loss": p.loss,
            "dataset": task.dataset,
            "weight": p.weight,
            "dice": float(score),
        }
        for p in points
        if p.temperature in (None, 10.0)
        for score in p.dice.mean(0)
    ]
    return [
        f"## Weights and temperatures on {task.dataset}\n\n"
        + ablation_table(task, points),
        Figure(
            name=f"{task.dataset}_weights",
            picture="sweep",
            rows=rows,
            caption="Dice over the weight lambda of the second term (compare Liu 2022, "
            "Fig. 3); bars: standard error over images",
        ),
    ]


# --- changes --------------------------------------------------------------------------


def changes(results: Results, tasks: Sequence[Task]) -> str:
    """Departures from the paper and why."""
    settings = results.about["settings"]
    kinds = {task.kind for task in tasks}
    lines = [
        "Other data: the paper's are large or not at hand. "
        "Stand-ins are images of street scenes with 11 classes for Cityscapes, of foot "
        "ulcers (about 1 % foreground) or retinal vessels for Retinal Lesions, and of "
        "the hippocampus for the organs.",
        "Networks start at random, the paper's encoders from ImageNet.",
        *(_setting(kind, settings) for kind in KINDS if kind in kinds),
        "No run looks at the cases that are scored, nor at others to choose a step or "
        "a rate: the learning rate follows the steps alone. The paper halves it on "
        "plateaus of a validation loss (Retinal Lesions).",
        "Weights are the best of the paper's Fig. 3: 1 for L1, 0.1 for KL, DiceCE and "
        "LogDiceCE, 0.01 for DiceBiasCE, which the paper says drops from 0.1 on; "
        "temperature 10. They were not searched anew for the comparison.",
        "Overlap losses pool a batch's pixels and average over classes; label "
        "marginals are of each image, as the paper has them. L1 sums over classes as "
        "printed, and CE+L1/K averages as the authors' code does: its weight is K "
        "times less.",
    ]
    if results.about["scale"] == "cpu":
        lines.append(
            "Size, steps and rate of the scale cpu were chosen by hand after pilot "
            "runs of CE and Dice and shorter runs of four losses, with which CE did "
            "not train from every seed; they were scored on the same cases. That small "
            "regions must gain by themselves to gain most was made a condition then."
        )
    if "binary" in kinds:
        lines.append(
            "With two classes Dice and logDice are of the foreground alone, the "
            "paper's Dice_1. In DiceCE and LogDiceCE they are the mean over both "
            "classes with the weight doubled, and in DiceBiasCE the sum: the "
            "background's part, which the paper leaves out, has hardly a gradient "
            "where the foreground is rare."
        )
    if "scene" in kinds:
        lines.append(
            "IoU is of all test pixels pooled. Stored are Dice, predicted and true "
            "pixels of each class and image; true positives are Dice times half the "
            "sum of the two, which is exact."
        )
    return "\n".join(f"* {line}" for line in lines)


def _setting(kind: str, settings: dict[str, Any]) -> str:
    one = settings[kind]
    size = " x ".join(map(str, one["size"]))
    name = {"binary": "two classes", "scene": "scenes", "volume": "volumes"}[kind]
    unet = (
        f" (U-Net of width {settings['width']} and depth {settings['depth']})"
        if "unet" in one["models"]
        else ""
    )
    share = settings["multiplier"]
    encoders = [name for name in one["models"] if name in ENCODER_NETWORKS]
    narrow = (
        f" ({' and '.join(encoders)} with {share:g} of the literature's channels)"
        if encoders and share != 1
        else ""
    )
    return (
        f"On {name}: {', '.join(one['models'])}{unet}{narrow}, {one['steps']} steps of "
        f"{one['batch_size']}, size {size}, {one['optimizer']} at "
        f"{one['learning_rate']:g} with the schedule {one['schedule']}."
    )
