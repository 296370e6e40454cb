"""The report: answer, findings, tables shaped like the paper's, and what was run."""

from collections.abc import Sequence

from experiments.ood_robustness import scores, tables
from experiments.ood_robustness.findings import (
    PAPERS_DATA,
    findings_of,
    tasks_by_part,
)
from experiments.ood_robustness.strategies import NAMES, STRATEGIES
from experiments.protocol.report import Figure, Report, join_names, page
from experiments.protocol.results import Results, Row
from experiments.protocol.task import Task

SOURCES = {"polyps": " Images: HyperKvasir (Borgli 2020), CC BY 4.0."}
PAPER = {
    "data": "DFUC 2022: 2000 training images of foot ulcers; Endotect 2021: 1000 of "
    "polyps, 200 test images and 20 of ulcerative colitis",
    "networks": "cascades of two FPNs with eight encoders",
    "start": "ImageNet",
    "size": "512 x 640",
    "steps": "40000",
    "images a step": "4",
    "optimizer": "adam",
    "learning rate": "0.0003 (cosine)",
    "split": "five folds",
    "losses": "as printed, of the lesion alone; the released code divides the sum by "
    "two and has a Dice without squares",
    "pseudo-labels": "of the challenge entry, whose loss is not printed",
}


def report(results: Results) -> Report:
    """A page for all data sets."""
    parts = tasks_by_part(results)
    found = findings_of(parts)
    ensembles = parts.get("ensemble", [])
    pages: list[str | Figure] = [_question(parts["fold"]), _tradeoff(ensembles)]
    for dataset in dict.fromkeys(task.dataset for task in parts["fold"]):
        some = {
            part: [task for task in tasks if task.dataset == dataset]
            for part, tasks in parts.items()
        }
        pages += _of_dataset(results, dataset, some)
    return page(
        results,
        title="Cross-entropy, Dice and images without a lesion",
        tasks=parts["fold"],
        findings=found,
        advice=_advice(ensembles),
        parts=pages,
        paper=PAPER,
    )


def _question(tasks: Sequence[Task]) -> str:
    titles = {method.name: method.title for method in STRATEGIES}
    lines = [f"* `{name}`: {titles[name]}" for name in tables.strategies_of(tasks)]
    return (
        "Networks are trained on images that all show a lesion, and meet images "
        "without one when they are used. Does the loss decide whether they see lesions "
        "there? The strategies of Galdran 2022:\n\n" + "\n".join(lines)
    )


def _advice(tasks: Sequence[Task]) -> str:
    """Which strategy to take, by the score over both kinds of images."""
    told = []
    for task in tasks:
        score = {name: task.mean(scores.challenge, name) for name in task.methods}
        best = max(score, key=lambda name: score[name])
        _, free = tables.kinds(task)
        rejected = ", ".join(
            f"{name} {tables.rejections(free, name)}" for name in task.methods
        )
        doubts = {task.curves[name].doubt for name in score if name in task.curves}
        doubts.discard("")
        firm = f"; no verdict, for {join_names(sorted(doubts))}" if doubts else ""
        told.append(
            f"on {task.name} with and without lesions `{best}` scores highest "
            f"({score[best]:.3f}); of {len(free.cases)} images without one are "
            f"rejected: {rejected}{firm}"
        )
    return f"**What to do.** Of the ensembles, {'; '.join(told)}." if told else ""


def _tradeoff(tasks: Sequence[Task]) -> Figure:
    lean = ("loss", "case", "lesion_free", "dice", "predicted_pixels", "pixels")
    several = len(tasks) > 1
    rows = [
        {**{name: row[name] for name in lean},
         "dataset": task.name if several else task.dataset}
        for name in NAMES
        for task in tasks
        if task.has(name)
        for row in task.rows[task.methods.index(name)].flat
        if row is not None
    ]  # fmt: skip
    return Figure(
        name="tradeoff",
        picture="tradeoff",
        rows=rows,
        caption="Ensembles: area predicted on images without a lesion against Dice on "
        "images with one, with 95 % intervals of the means over images. Down and right "
        "is better.",
    )


def _of_dataset(
    results: Results, dataset: str, parts: dict[str, list[Task]]
) -> list[str | Figure]:
    paper, ensembles = PAPERS_DATA.get(dataset), parts.get("ensemble", [])
    pages: list[str | Figure] = [
        f"## {dataset}",
        "### Images with a lesion, held-back folds\n\n"
        + tables.inside(parts["fold"], paper),
    ]
    if not ensembles:
        return pages
    rows = results.where(dataset=dataset, part="ensemble")
    steps = max(row.get("steps", 0) for row in rows)
    rows = [row for row in rows if row.get("steps", 0) == steps]
    pages += [
        "### Images with and without a lesion\n\n"
        + tables.tables_of_mixed(ensembles, paper),
        "### Images without a lesion\n\n" + tables.free(rows),
    ]
    sheet = _sheet(rows, dataset)
    if sheet is not None:
        pages.append(sheet)
    return [
        *pages,
        "### Why: probabilities and areas\n\n" + tables.why(ensembles),
        "### Ensembles, flips, pseudo-labels\n\n" + tables.uses(parts),
        "### Calibration\n\n" + tables.calibration(ensembles),
    ]


def _sheet(rows: Sequence[Row], dataset: str) -> Figure | None:
    """The images that rows keep pictures of, as the first network sees them."""
    columns = ("loss", "case", "image", "mask", "predicted_pixels", "pixels")
    kept = [row for row in rows if "mask" in row]
    kept = [row for row in kept if row["model"] == kept[0]["model"]]
    if not any("image" in row for row in kept):
        return None
    losses = join_names(list(dict.fromkeys(row["loss"] for row in kept)))
    return Figure(
        name=f"{dataset}_predictions",
        picture="predictions",
        rows=[{k: row[k] for k in columns if k in row} for row in kept],
        flags=("--small",),
        caption=f"Images of {dataset} without a lesion, evenly spread over all, with "
        f"what the ensembles of {losses} outline; below each its share of the image."
        + SOURCES.get(dataset, ""),
    )
