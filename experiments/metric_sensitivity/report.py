"""The report: which losses serve Dice and Jaccard, and the paper's findings judged."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.metric_sensitivity import tables
from experiments.metric_sensitivity.findings import findings, halves, lead
from experiments.metric_sensitivity.methods import (
    AGAIN,
    CE,
    CORE,
    DICE,
    METRIC_SENSITIVE,
    PER_IMAGE,
    SWEEP,
    TVERSKY,
    tversky_name,
)
from experiments.metric_sensitivity.scores import (
    F_SCORES,
    TITLES,
    own_ratio,
    score,
    size,
    virtual,
)
from experiments.metric_sensitivity.scores import tasks as tasks_of
from experiments.protocol.report import (
    Figure,
    Report,
    interval,
    join_names,
    page,
    table,
)
from experiments.protocol.results import Results
from experiments.protocol.task import Task
from jaxseg.statistics import Estimate

PAPER = {
    "data": "BR18, IS17, IS18, MO17, PO18, WM17 (60 to 1166 cases)",
    "networks": "DeepMedic or U-Net; of polyps one with an encoder",
    "start": "of polyps ImageNet",
    "steps": "until the validation loss stays; the best model is taken",
    "learning rate": "lower at plateaus of the validation loss",
    "split": "five folds",
    "pre-training": "with cross-entropy, then each loss from the same weights with a "
    "fresh optimizer",
    "outputs": "a sigmoid for each structure; here a softmax",
    "pooling": "not told; its theory is of single images",
    "wCE": "one over the number of classes times the share of the class",
    "virtual data sets": "pixels outside a rectangle count nowhere; where it lies is "
    "not told, here drawn by the case's name",
    "PO18": "Table I prints a Jaccard index of 0.598 for soft Dice, Tables II and III "
    "0.559",
}


def report(results: Results) -> Report:
    """All of it, from stored results."""
    tasks, made = tasks_of(results), virtual(results)
    two = [task for task in tasks if not task.several]
    several = [task for task in tasks if task.several]
    parts: list[str | Figure] = [
        x for x in (noise_text(tasks), pooling_text(tasks)) if x is not None
    ]
    parts.append("## The data\n\n" + data_table(tasks))
    if two:
        parts += _of_two_classes(two)
    for name, group in made.items():
        parts.append(
            f"## Virtual data sets of {name} (Table V)\n\nRatio of foreground to "
            "background; that of the paper's PO18 is 0.042.\n\n"
            + tables.virtual(group, name)
        )
    if several:
        parts += [
            "## Several classes (Tables VI and VII)\n\n" + tables.multi(several),
            tables.multi_sweep(several),
        ]
    return page(
        results,
        title="Metric-sensitive losses: Eelbode 2020 tried again",
        tasks=tasks,
        findings=findings(tasks, made),
        advice=advice(tasks),
        parts=parts,
        paper=PAPER,
    )


def _with_ends(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} {interval(estimate.low, estimate.high)}"


def advice(tasks: Sequence[Task]) -> str:
    """What fine-tuning with an overlap does, by data set, and by size."""
    told = []
    for task in tasks:
        if not task.has(CE, *METRIC_SENSITIVE):
            continue
        effect = lead(task, "dice", METRIC_SENSITIVE, (CE,))
        parts = halves(task)
        by_half = ", ".join(f"{name} {part.value:+.3f}" for name, part in parts.items())
        doubts = {task.curves[m].doubt for m in (CE, *METRIC_SENSITIVE)} - {""}
        told.append(
            f"on {task.name} {_with_ends(effect)}"
            + (f" ({by_half})" if by_half else "")
            + (f", {' and '.join(sorted(doubts))}" if doubts else "")
        )
    best = _best_weights([task for task in tasks if not task.several])
    if not told:
        return f"**What to do.** {best}" if best else ""
    return (
        "**What to do.** Going on with soft Dice, soft Jaccard or Lovász instead of "
        f"cross-entropy, from the same weights, changes the mean Dice by: "
        f"{'; '.join(told)}. {best}"
    )


def _best_weights(tasks: Sequence[Task]) -> str:
    """Which Tversky weights are best by which score."""
    names = [tversky_name(*pair) for pair in SWEEP]
    tried = [n for n in names if tasks and all(task.has(n) for task in tasks)]
    if len(tried) < 2:
        return ""
    told = []
    for name in ("dice", *F_SCORES):
        found = {
            n: float(np.mean([task.mean(score(name), n) for task in tasks]))
            for n in tried
        }
        alpha, beta = TVERSKY[max(tried, key=lambda n, f=found: f[n])]
        told.append(f"{TITLES[name]} at {alpha:g}/{beta:g}")
    return f"Of {len(tried)} Tversky weights α/β, {join_names(told)} are highest."


def noise_text(tasks: Sequence[Task]) -> str | None:
    """What the seed alone changes; None without the repeated training."""
    chosen = [task for task in tasks if task.has(DICE, AGAIN)]
    if not chosen:
        return None
    told = [
        f"{task.name} {_with_ends(lead(task, 'dice', (DICE,), (AGAIN,)))}"
        for task in chosen
    ]
    return (
        "**What the seed alone does.** Two fine-tunings with soft Dice that differ in "
        "the order of the images and in augmentation alone have mean Dice this far "
        f"apart: {'; '.join(told)}. Differences between losses of that size are no "
        "property of the losses."
    )


def pooling_text(tasks: Sequence[Task]) -> str | None:
    """What it does to take soft Dice image by image; None where it was not tried."""
    chosen = [task for task in tasks if task.has(CE, DICE, PER_IMAGE)]
    if not chosen:
        return None
    told = []
    for task in chosen:
        pooled, ce = (
            _with_ends(lead(task, "dice", (PER_IMAGE,), (x,))) for x in (DICE, CE)
        )
        told.append(f"{task.name} {pooled} from the pooled one and {ce} from CE")
    return (
        "**Image by image.** Scores are means over images, while the losses here pool "
        "the pixels of a batch. Soft Dice averaged over single images has a mean Dice "
        f"of: {'; '.join(told)}."
    )


def data_table(tasks: Sequence[Task]) -> str:
    """The data sets with what the paper calls their apparent ratio."""
    rows: list[list[Any]] = [
        [task.name, len(task.shares), f"{own_ratio(task):.4f}", len(task.cases)]
        for task in tasks
    ]
    rows += [[f"paper's {name}", 2, f"{ratio:.4f}", n] for name, ratio, n in (
        ("WM17", 0.00518, 60), ("IS17", 0.0264, 43), ("IS18", 0.0348, 94),
        ("PO18", 0.0424, 1166), ("BR18", 0.0671, 285), ("MO17", 0.0705, 400),
    )]  # fmt: skip
    head = ["data", "classes", "foreground / background", "cases scored"]
    return table(head, rows)


def _of_two_classes(tasks: Sequence[Task]) -> list[str | Figure]:
    parts: list[str | Figure] = [
        "## Soft Dice with two norms (Table I)\n\n" + tables.norms(tasks),
        "## Cross-entropy and metric-sensitive losses (Table II)\n\n"
        f"{tables.core(tasks)}\n\n{tables.NOTE}",
        Figure(
            name="dice_by_loss",
            picture="distributions",
            rows=_rows(tasks, (*CORE, PER_IMAGE), "dice"),
            flags=("--kind", "box"),
            caption="Dice of every held-back case, best mean first (compare the "
            "paper's Fig. B.6)",
        ),
        "## Tversky weights (Table III)\n\nColumns are α/β, the weights of false "
        "positives and false negatives.\n\n" + tables.sweep(tasks, ("dice", "jaccard")),
    ]
    swept = [name for name in TVERSKY if any(task.has(name) for task in tasks)]
    if len(swept) > 1:
        for name, text in (
            ("dice", "Dice over the Tversky weights, with standard errors over cases "
             "(compare Table III)"),
            ("f_half", "F0.5 over the Tversky weights: more weight on false positives "
             "should serve it (compare Table B.1)"),
            ("f_two", "F2 over the Tversky weights: more weight on false negatives "
             "should serve it (compare Table B.1)"),
        ):  # fmt: skip
            parts.append(
                Figure(
                    name=f"sweep_{name}",
                    picture="sweep",
                    rows=_rows(tasks, swept, name),
                    flags=("--metric", name),
                    caption=text,
                )
            )
    return [
        *parts,
        "## F-scores over the Tversky weights (Table B.1)\n\n"
        + tables.sweep(tasks, F_SCORES),
        "## Accuracy, surface distance, volume (Table IV)\n\n"
        + tables.elsewhere(tasks)
        + "\n\n*Ours: Hausdorff distance in pixels of the image, its diagonal where "
        "one mask alone is empty; volume difference in per cent of the image. The "
        "paper prints no units.*",
        "## The size of the object (Fig. 4)\n\n" + tables.dice_by_size(tasks),
        Figure(
            name="dice_by_size",
            picture="sizes",
            rows=_rows(tasks, (*CORE, PER_IMAGE), "dice"),
            caption="Dice by the size of the object, in tenths of the cases (compare "
            "Fig. 4)",
        ),
    ]


def _rows(
    tasks: Sequence[Task], losses: Sequence[str], name: str
) -> list[dict[str, Any]]:
    """Rows of some losses for a picture, in their order."""
    rows = []
    for loss in losses:
        for task in tasks:
            if not task.has(loss):
                continue
            shares = task.of_case(size)
            for values in task.of(score(name), loss):
                for case, value, share in zip(task.cases, values, shares, strict=True):
                    if np.isnan(value):
                        continue
                    row = {
                        "loss": loss, "dataset": task.dataset, "case": str(case),
                        name: float(value), "foreground_share": float(share),
                    }  # fmt: skip
                    if loss in TVERSKY:
                        row |= dict(zip(("alpha", "beta"), TVERSKY[loss], strict=True))
                    rows.append(row)
    return rows
