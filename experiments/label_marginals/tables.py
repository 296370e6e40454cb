"""Tables shaped like those of Liu 2022, ours beside the paper's."""

from typing import Any

import numpy as np

from experiments.label_marginals import scores
from experiments.protocol.report import limits, table
from experiments.protocol.task import Task
from experiments.protocol.tasks import even, iou, mean_iou
from jaxseg.statistics import kendall_tau
from theory.printed import liu


def spread(runs: np.ndarray, digits: int = 3) -> str:
    """Mean over runs, and their standard deviation in brackets where there are two."""
    runs = np.asarray(runs)[~np.isnan(runs)]
    if not len(runs):
        return "–"
    text = f"{runs.mean():.{digits}f}"
    return text if len(runs) < 2 else f"{text} ({runs.std(ddof=1):.{digits}f})"


def means_of_runs(task: Task, score: Any, method: str) -> np.ndarray:
    """``[S]`` mean of each run."""
    values = task.of(score, method)
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(-1)
    return np.where(known.any(-1), total / np.maximum(known.sum(-1), 1), np.nan)


def _sizes(task: Task, score: Any, method: str) -> np.ndarray:
    """``[S]`` a number of pixels over the true ones, all cases pooled."""
    values = task.of(score, method)
    true = np.where(np.isnan(values), 0, scores.actual(task)).sum(-1)
    return np.nansum(values, axis=-1) / np.where(true > 0, true, np.nan)


def binary_table(task: Task) -> str:
    """Table 2: DSC and HD95, with what became of the proportions."""
    head = [
        "loss", "DSC", "HD95", "L1 of proportions", "predicted / true pixels",
        "mean probability / true share", "not found", "DSC in % (paper)",
        "HD95 in mm (paper)",
    ]  # fmt: skip
    rows = [
        [
            m,
            spread(means_of_runs(task, "dice", m)),
            spread(means_of_runs(task, "hd95", m), 1),
            spread(means_of_runs(task, scores.proportion_error, m), 4),
            spread(_sizes(task, scores.predicted, m), 2),
            spread(_sizes(task, scores.soft, m), 2),
            f"{100 * task.mean(scores.missed, m):.0f} %",
            *(_retina(m, column) for column in (0, 1)),
        ]
        for m in task.methods
    ]
    return (
        f"{table(head, rows)}\n\n{limits([task])}\n\n*Means over cases, then over "
        "runs; in brackets the standard deviation over runs. HD95 in pixels of the "
        "image's own size, the image's diagonal where one mask alone is empty; L1 of "
        "proportions: sum over classes of |predicted - true share| of an image; not "
        "found: regions without a single pixel right. The paper's numbers (Table 2, "
        f"Retinal Lesions) are of {', '.join(liu.NETWORKS)}.*"
    )


def _retina(method: str, column: int) -> str | None:
    theirs = liu.RETINA.get(method)
    if theirs is None:
        return None
    spreads = liu.RETINA_SPREAD[method]
    return ", ".join(
        f"{x[column]:.1f} ({s[column]:.1f})"
        for x, s in zip(theirs, spreads, strict=True)
    )


def volume_table(task: Task) -> str:
    """Table 3: DSC and NSD."""
    head = ["loss", "DSC", "NSD", "L1 of proportions",
            "pancreas DSC, NSD in % (paper)", "liver (paper)"]  # fmt: skip
    rows = []
    for m in task.methods:
        theirs = liu.ORGANS.get(m)
        said = [
            None if theirs is None else ", ".join(str(x[2]) for x in theirs[organ])
            for organ in ("pancreas", "liver")
        ]
        rows.append(
            [
                m,
                spread(means_of_runs(task, "dice", m)),
                spread(means_of_runs(task, "nsd", m)),
                spread(means_of_runs(task, scores.proportion_error, m), 4),
                *said,
            ]
        )
    return (
        f"{table(head, rows)}\n\n{limits([task])}\n\n*Means over foreground classes, "
        "cases and runs; in brackets the standard deviation over runs. The paper's are "
        "means of organ and tumour.*"
    )


def scene_table(task: Task) -> str:
    """Table 4: IoU of each class, by falling share."""
    order = np.argsort(-task.shares, kind="stable")
    names = scores.class_names(task)
    head = ["", *(names[k] for k in order), "mIoU"]
    shares = [f"{100 * task.shares[k]:.1f}" for k in order]
    rows: list[list[Any]] = [["share of the training pixels in %", *shares, None]]
    for m in task.methods:
        found = 100 * iou(task, m, even(task))[0]
        rows.append(
            [
                m,
                *(f"{np.nanmean(found[:, k]):.1f}" for k in order),
                spread(100 * mean_iou(task, m, even(task))[0], 1),
            ]
        )
    return f"{table(head, rows)}\n\n{limits([task])}"


def city_table(task: Task) -> str | None:
    """The paper's Table 4 for the classes that camvid has too, in the same order."""
    near, names = scores.CAMVID_CLASSES, scores.class_names(task)
    if set(names) != set(near):
        return None
    theirs = [near[names[k]] for k in np.argsort(-task.shares, kind="stable")]
    head = ["", *theirs, "their mean", "mIoU of 19"]
    shares = dict(zip(liu.CITY_CLASSES, liu.CITY_SHARES, strict=True))
    rows: list[list[Any]] = [
        ["mRegProp in %", *(f"{shares[name]:.1f}" for name in theirs), None, None]
    ]
    for m in (m for m in task.methods if m in liu.CITY_MEANS):
        found = [liu.city(m, name) for name in theirs]
        mean, whole = np.mean(found), liu.CITY_MEANS[m][0]
        rows.append([m, *(f"{x:.1f}" for x in found), f"{mean:.1f}", f"{whole:.1f}"])
    return table(head, rows)


def scene_summary(task: Task) -> str:
    """Small and large classes, and the proportions of regions."""
    small = scores.small(task)
    head = ["loss", "mIoU", f"classes below {100 * scores.SMALL:g} %", "other classes",
            "L1 of proportions", "predicted / true pixels, below", "above"]  # fmt: skip
    rows = []
    for m in task.methods:
        found = scores.ratio(task, m)
        rows.append(
            [
                m,
                *(
                    spread(mean_iou(task, m, even(task), classes)[0])
                    if classes is None or classes.any()
                    else None
                    for classes in (None, small, ~small)
                ),
                spread(means_of_runs(task, scores.proportion_error, m)),
                *(
                    spread(found[:, some].mean(-1), 2) if some.any() else None
                    for some in (small, ~small)
                ),
            ]
        )
    return (
        table(head, rows) + "\n\n*IoU of all test pixels pooled, mean over classes and "
        "runs; in brackets the standard deviation over runs. L1 of proportions: sum "
        "over classes of |predicted - true share| of an image, mean over images. "
        "Ratios of predicted to true pixels are of each class, then averaged.*"
    )


def order_agrees(task: Task) -> str:
    """Kendall's tau between our order of the losses and the paper's; "" of few."""
    theirs = {n: np.mean(x) for n, x in liu.CITY_MEANS.items()}
    if task.kind == "binary":
        theirs = {n: np.mean([y[0] for y in x]) for n, x in liu.RETINA.items()}
    known = [m for m in task.methods if m in theirs]
    if task.kind == "volume" or len(known) < 4:
        return ""
    scene = task.kind == "scene"
    ours = np.array(
        [
            np.nanmean(mean_iou(task, m, even(task))) if scene else task.mean("dice", m)
            for m in known
        ]
    )
    tau = kendall_tau(ours, np.array([theirs[m] for m in known]))
    return (
        f"\n\nKendall's tau between our order of {len(known)} losses by "
        f"{'mIoU' if scene else 'DSC'} and the paper's (mean over its networks): "
        f"{tau:+.2f}."
    )


def ablation_table(found: Task) -> str:
    """Fig. 3 as a table, and the temperatures."""
    head = ["loss", "weight", "temperature", "DSC", "L1 of proportions"]
    rows = []
    for name in found.methods:
        loss, weight, temperature = scores.facts_of(found, name)
        rows.append(
            [
                loss,
                f"{weight:g}",
                None if temperature is None else f"{temperature:g}",
                spread(means_of_runs(found, "dice", name)),
                spread(means_of_runs(found, scores.proportion_error, name), 4),
            ]
        )
    return f"{table(head, rows)}\n\n{limits([found])}"
