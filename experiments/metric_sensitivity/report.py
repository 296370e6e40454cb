"""The report: which losses serve Dice and Jaccard, and the paper's findings judged."""

from collections.abc import Sequence
from typing import Any

from experiments.metric_sensitivity import tables
from experiments.metric_sensitivity.findings import findings
from experiments.metric_sensitivity.methods import CORE, METHODS, OURS, PER_IMAGE
from experiments.metric_sensitivity.scores import F_SCORES, Task, tasks_of, virtual_of
from experiments.metric_sensitivity.texts import (
    answer,
    changes,
    data_table,
    noise_text,
    pooling_text,
)
from experiments.protocol.report import (
    Figure,
    Report,
    findings_table,
    what_was_run,
)
from experiments.protocol.results import Results


def report(results: Results) -> Report:
    """All of it, from stored results."""
    tasks = tasks_of(results)
    virtual = virtual_of(results)
    binary = [task for task in tasks if not task.multi]
    several = [task for task in tasks if task.multi]
    found = findings(tasks, virtual)
    parts: list[str | Figure] = [
        answer(tasks, found),
        "## What Eelbode 2020 found, and what we find\n\n"
        + findings_table(found)
        + "\n\n*Effects are positive in the paper's direction, over the cases of all "
        "data sets of the kind together; intervals are 95 % over resampled cases, and "
        "do not hold what another training would change. Replicated: the interval lies "
        "above 0 and the effect reaches the least that counts; for findings of no "
        "difference, the interval lies within it; for findings of no inferiority, "
        "above its negative. Of a finding with several parts the weakest is shown, and "
        "all must hold. Least effects were fixed before any score was seen; that no "
        "inferiority must hold on each data set, as the paper has it, and not over all "
        "cases, was decided after a first look at the scores and is the stricter.*",
    ]
    parts += [x for x in (noise_text(tasks), pooling_text(tasks)) if x is not None]
    if binary:
        parts += _of_two_classes(results, binary)
    for name, made in virtual.items():
        parts.append(
            "## Virtual data sets (Table V)\n\n"
            f"Ratio of foreground to background; that of {name} itself is "
            f"{_ratio(tasks, name):.3g}, that of the paper's PO18 0.042.\n\n"
            + tables.virtual(made, name)
        )
    if several:
        parts += [
            "## Several classes (Tables VI and VII)\n\n" + tables.multi(several),
            tables.multi_sweep(several),
        ]
    parts += [
        "## What was changed from the paper\n\n" + changes(results, tasks),
        "## What was run\n\n" + data_table(tasks) + "\n\n"
        + what_was_run(results.about, results.runs),
    ]  # fmt: skip
    return Report(
        title="Metric-sensitive losses: Eelbode 2020 tried again", parts=parts
    )


def _of_two_classes(results: Results, tasks: Sequence[Task]) -> list[str | Figure]:
    names = [task.name for task in tasks]
    rows = [
        row for row in results.rows if row["ratio"] is None and row["dataset"] in names
    ]
    parts: list[str | Figure] = [
        "## Soft Dice with two norms (Table I)\n\n" + tables.norms(tasks),
        "## Cross-entropy and metric-sensitive losses (Table II)\n\n"
        f"{tables.core(tasks)}\n\n{tables.NOTE}",
        Figure(
            name="dice_by_loss",
            picture="distributions",
            rows=_picked(rows, (*CORE, PER_IMAGE), "dice"),
            flags=("--kind", "box"),
            caption="Dice of every held-back case, best mean first (compare the "
            "paper's Fig. B.6)",
        ),
        "## Tversky weights (Table III)\n\nColumns are α/β, the weights of false "
        "positives and false negatives.\n\n" + tables.sweep(tasks, ("dice", "jaccard")),
    ]
    if sweep := _sweep_rows(rows):
        for score, text in (
            ("dice", "Dice over the Tversky weights, with standard errors over cases "
             "(compare Table III)"),
            ("f_half", "F0.5 over the Tversky weights: more weight on false positives "
             "should serve it (compare Table B.1)"),
            ("f_two", "F2 over the Tversky weights: more weight on false negatives "
             "should serve it (compare Table B.1)"),
        ):  # fmt: skip
            parts.append(
                Figure(
                    name=f"sweep_{score}",
                    picture="sweep",
                    rows=[_only(row, score) for row in sweep],
                    flags=("--metric", score),
                    caption=text,
                )
            )
    parts += [
        "## F-scores over the Tversky weights (Table B.1)\n\n"
        + tables.sweep(tasks, F_SCORES),
        "## Accuracy, surface distance, volume (Table IV)\n\n"
        + tables.elsewhere(tasks)
        + "\n\n*Ours: Hausdorff distance in pixels of the image, its diagonal where "
        "one mask alone is empty; volume difference in per cent of the image. The "
        "paper prints no units.*",
        "## The size of the object (Fig. 4)\n\n" + tables.by_size(tasks),
        Figure(
            name="dice_by_size",
            picture="sizes",
            rows=_picked(rows, (*CORE, PER_IMAGE), "dice", "foreground_share"),
            caption="Dice by the size of the object, in tenths of the cases (compare "
            "Fig. 4)",
        ),
    ]
    return parts


def _only(row: dict[str, Any], *scores: str) -> dict[str, Any]:
    kept = ("loss", "dataset", "case", "alpha", "beta", *scores)
    return {name: row[name] for name in kept if name in row}


def _picked(
    rows: Sequence[dict[str, Any]], losses: Sequence[str], *scores: str
) -> list[dict[str, Any]]:
    """Rows of some losses, in their order."""
    return [
        _only(row, *scores) for loss in losses for row in rows if row["loss"] == loss
    ]


def _sweep_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the Tversky sweep with their weights; none if there is no sweep."""
    weights = {
        method.name: method.weights
        for method in METHODS
        if method.weights is not None and method.name not in OURS
    }
    found = [
        {**row, "alpha": weights[row["loss"]][0], "beta": weights[row["loss"]][1]}
        for row in rows
        if row["loss"] in weights
    ]
    return found if len({row["loss"] for row in found}) > 1 else []


def _ratio(tasks: Sequence[Task], name: str) -> float:
    return next(task.ratio for task in tasks if task.name == name)
