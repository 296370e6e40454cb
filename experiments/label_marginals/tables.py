"""Tables shaped like those of Liu 2022, ours beside the paper's."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.label_marginals import paper
from experiments.label_marginals.judge import even
from experiments.label_marginals.tasks import SMALL, Point, Task
from experiments.protocol.report import table
from jaxseg.statistics import kendall_tau


def spread(runs: np.ndarray, digits: int = 3) -> str:
    """Mean over runs, and their standard deviation in brackets where there are two."""
    text = f"{runs.mean():.{digits}f}"
    return text if len(runs) < 2 else f"{text} ({runs.std(ddof=1):.{digits}f})"


def binary_table(task: Task) -> str:
    """Table 2: DSC and HD95, with what became of the proportions."""
    head = [
        "loss", "DSC", "HD95", "L1 of proportions", "predicted / true pixels",
        "mean probability / true share", "not found", "DSC in % (paper)",
        "HD95 in mm (paper)",
    ]  # fmt: skip
    true = task.actual[:, 1:].sum(-1)
    truth = true.sum()
    rows = []
    for method in task.methods:
        m = task.index(method)
        sizes = task.predicted[m, :, :, 1:].sum((-1, -2)) / truth
        soft = (task.probability[m] * task.pixels).sum(-1) / truth
        missed = (task.overlap[m, :, :, 1:].sum(-1) == 0)[:, true > 0].mean(-1)
        theirs = paper.RETINA.get(method)
        rows.append(
            [
                method,
                spread(task.of("dice", method).mean(-1)),
                spread(np.nanmean(task.of("hd95", method), axis=-1), 1),
                spread(task.proportion_errors(method).mean(-1), 4),
                spread(sizes, 2),
                spread(soft, 2),
                f"{100 * missed.mean():.0f} %",
                _joined(theirs, 0),
                _joined(theirs, 1),
            ]
        )
    return (
        table(head, rows) + "\n\n*Means over cases, then over runs; in brackets the "
        "standard deviation over runs. HD95 in pixels of the image's own size, the "
        "image's diagonal where one mask alone is empty; L1 of proportions: sum over "
        "classes of |predicted - true share| of an image; not found: regions without a "
        "single pixel right. The paper's numbers (Table 2, Retinal Lesions) are of "
        f"{', '.join(paper.NETWORKS)}.*"
    )


def _joined(theirs: tuple[tuple[float, float], ...] | None, column: int) -> str | None:
    return None if theirs is None else ", ".join(f"{x[column]:.1f}" for x in theirs)


def volume_table(task: Task) -> str:
    """Table 3: DSC and NSD."""
    head = ["loss", "DSC", "NSD", "L1 of proportions",
            "pancreas DSC, NSD in % (paper)", "liver (paper)"]  # fmt: skip
    rows = []
    for method in task.methods:
        theirs = paper.ORGANS.get(method)
        said = [None, None] if theirs is None else [f"{a}, {b}" for a, b in theirs]
        rows.append(
            [
                method,
                spread(task.of("dice", method).mean(-1)),
                spread(np.nanmean(task.of("nsd", method), axis=-1)),
                spread(task.proportion_errors(method).mean(-1), 4),
                *said,
            ]
        )
    return table(head, rows)


def scene_table(task: Task) -> str:
    """Table 4: IoU of each class beside its share of the pixels, rarest class last."""
    order = np.argsort(-task.shares, kind="stable")
    head = ["", *(task.classes[k] for k in order), "mIoU"]
    shares = [f"{100 * task.shares[k]:.1f}" for k in order]
    rows: list[list[Any]] = [["share of the training pixels in %", *shares, None]]
    for method in task.methods:
        iou = 100 * task.iou(method, even(task))[0]
        means = 100 * task.mean_iou(method, even(task))[0]
        rows.append(
            [method, *(f"{iou[:, k].mean():.1f}" for k in order), spread(means, 1)]
        )
    return table(head, rows)


def city_table(task: Task) -> str | None:
    """The paper's Table 4 for the classes that camvid has too, in the same order."""
    near = paper.CAMVID_CLASSES
    if set(task.classes) != set(near):
        return None
    names = [near[task.classes[k]] for k in np.argsort(-task.shares, kind="stable")]
    head = ["", *names, "their mean", "mIoU of 19"]
    shares = dict(zip(paper.CITY_CLASSES, paper.CITY_SHARES, strict=True))
    rows: list[list[Any]] = [
        ["mRegProp in %", *(shares[name] for name in names), None, None]
    ]
    for method in (m for m in task.methods if m in paper.CITY):
        scores = [paper.city(method, name) for name in names]
        mean, whole = f"{np.mean(scores):.1f}", paper.CITY_MEANS[method][0]
        rows.append([method, *(f"{x:.1f}" for x in scores), mean, f"{whole:.1f}"])
    return table(head, [[_short(x) for x in row] for row in rows])


def _short(value: object) -> object:
    return f"{value:.1f}" if isinstance(value, float) else value


def scene_summary(task: Task) -> str:
    """Small and large classes, and the proportions of regions."""
    small = task.small()
    head = ["loss", "mIoU", f"classes below {100 * SMALL:g} %", "other classes",
            "L1 of proportions", "predicted / true pixels, below", "above"]  # fmt: skip
    rows = []
    for method in task.methods:
        ratio = task.ratio(method)
        rows.append(
            [
                method,
                *(
                    spread(task.mean_iou(method, even(task), classes)[0])
                    for classes in (None, small, ~small)
                ),
                spread(task.proportion_errors(method).mean(-1)),
                spread(ratio[:, small].mean(-1), 2),
                spread(ratio[:, ~small].mean(-1), 2),
            ]
        )
    return (
        table(head, rows) + "\n\n*IoU of all test pixels pooled, mean over classes and "
        "runs; in brackets the standard deviation over runs. L1 of proportions: sum "
        "over classes of |predicted - true share| of an image, mean over images. "
        "Ratios of predicted to true pixels are of each class, then averaged.*"
    )


def order_agrees(task: Task) -> str | None:
    """Kendall's tau between our order of the losses and the paper's."""
    theirs = paper.CITY_MEANS if task.kind == "scene" else {
        name: tuple(x[0] for x in scores) for name, scores in paper.RETINA.items()
    }  # fmt: skip
    known = [m for m in task.methods if m in theirs]
    if task.kind == "volume" or len(known) < 4:
        return None
    ours = np.array(
        [
            task.mean_iou(m, even(task)).mean()
            if task.kind == "scene"
            else task.of("dice", m).mean()
            for m in known
        ]
    )
    said = np.array([np.mean(theirs[m]) for m in known])
    score = "mIoU" if task.kind == "scene" else "DSC"
    return (
        f"Kendall's tau between our order of {len(known)} losses by {score} and the "
        f"paper's (mean over its networks): {kendall_tau(ours, said):+.2f}."
    )


def ablation_table(task: Task, points: Sequence[Point]) -> str:
    """Fig. 3 as a table, and the temperatures."""
    head = ["loss", "weight", "temperature", "DSC", "L1 of proportions"]
    rows = [
        [
            p.loss,
            f"{p.weight:g}",
            None if p.temperature is None else f"{p.temperature:g}",
            spread(p.dice.mean(-1)),
            spread(p.proportion_errors.mean(-1), 4),
        ]
        for p in points
    ]
    runs = points[0].dice.shape[0]
    return (
        table(head, rows)
        + f"\n\n*{task.name}; {runs} run{'s' if runs > 1 else ''} of each point.*"
    )
