"""Tables shaped like the paper's, ours above and the paper's below.

Marks are the paper's: bold is not significantly worse than the best of the row, italic
significantly worse than all others (one-sided bootstrap, level 0.05).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.metric_sensitivity.methods import (
    CE,
    CORE,
    DICE,
    PER_IMAGE,
    SQUARED,
    WCE,
    tversky_name,
)
from experiments.metric_sensitivity.scores import DISTANCES, TITLES, size
from experiments.metric_sensitivity.scores import score as scored
from experiments.protocol.report import limits, table
from experiments.protocol.task import Task
from jaxseg.statistics import size_curves, table_marks
from theory.printed import eelbode

MARK_RESAMPLES = 2000
NOTE = (
    "*Bold: not significantly worse than the best of the row; italic: significantly "
    "worse than all others (one-sided paired bootstrap over cases, p < 0.05). The "
    "paper's rows are as printed, on its own data.*"
)
GROUPS = 10


def norms(tasks: Sequence[Task]) -> str:
    """Table I: both norms of soft Dice; and ours, of each image instead of a batch."""
    methods = (DICE, SQUARED, PER_IMAGE)
    lines = []
    for score in ("dice", "jaccard"):
        lines += _ours(tasks, score, methods)
        lines += _theirs(score, eelbode.DATASETS, eelbode.NORMS[score], methods)
    head = ["score", "data", "sDice, L1", "sDice, L2", "sDice, L1, per image"]
    return _with_limits(head, lines, tasks)


def core(tasks: Sequence[Task]) -> str:
    """Table II: cross-entropy and metric-sensitive losses."""
    lines = []
    for score in ("dice", "jaccard"):
        lines += _ours(tasks, score, CORE)
        lines += _theirs(score, eelbode.DATASETS, eelbode.CORE[score], CORE)
    return _with_limits(["score", "data", *CORE], lines, tasks)


def sweep(tasks: Sequence[Task], scores: Sequence[str]) -> str:
    """Tables III and B.1: all Tversky weights."""
    lines = []
    for score in scores:
        lines += _ours(tasks, score, _sweep_names())
        lines += [
            [TITLES[score], f"paper's {name}", *values]
            for name, values in eelbode.SWEEP[score].items()
        ]
    return _with_limits(["score", "data", *_weights()], lines, tasks)


def elsewhere(tasks: Sequence[Task]) -> str:
    """Table IV: accuracy, Hausdorff distance, volume difference."""
    lines = []
    for score in ("hamming", "hausdorff", "volume"):
        lines += _ours(tasks, score, CORE, digits=4 if score == "hamming" else 2)
        lines += _theirs(score, eelbode.OTHER_DATASETS, eelbode.OTHER[score], CORE)
    return _with_limits(["score", "data", *CORE], lines, tasks)


def _with_limits(head: Sequence[str], lines: list, tasks: Sequence[Task]) -> str:
    return f"{table(head, lines)}\n\n{limits(tasks)}"


def virtual(group: Sequence[tuple[float, Task]], name: str) -> str:
    """Table V: virtual data sets made of one, by ratio."""
    lines = []
    tasks = [task for _, task in group]
    for score in ("dice", "jaccard"):
        marked = [_cells(task, score, (CE, DICE)) for task in tasks]
        for k, method in enumerate((CE, DICE)):
            lines.append([TITLES[score], name, method, *(cells[k] for cells in marked)])
        known = eelbode.VIRTUAL[score]
        for method in (CE, DICE):
            at = dict(zip(eelbode.RATIOS, known[method], strict=True))
            printed = [at.get(ratio) for ratio, _ in group]
            lines.append([TITLES[score], "paper's PO18", method, *printed])
    head = ["score", "data", "loss", *(f"{ratio:g}" for ratio, _ in group)]
    return _with_limits(head, lines, tasks[:1])


def multi(tasks: Sequence[Task]) -> str:
    """Table VI: data of several classes, mean and each class."""
    lines = []
    for score in ("dice", "jaccard"):
        for task in tasks:
            lines += _ours([task], score, CORE, label=f"{task.name}, all")
            for number in range(1, len(task.shares)):
                lines += _ours(
                    [task],
                    f"{score} {number}",
                    CORE,
                    label=f"{task.name}, class {number}",
                )
        lines += _theirs(
            score,
            [f"BR18, {s}" for s in eelbode.STRUCTURES],
            eelbode.MULTI[score],
            CORE,
        )
    return _with_limits(["score", "data", *CORE], lines, tasks)


def multi_sweep(tasks: Sequence[Task]) -> str:
    """Table VII: all Tversky weights, mean of the classes."""
    lines = []
    for score in ("dice", "jaccard"):
        lines += _ours(tasks, score, _sweep_names())
        lines.append([TITLES[score], "paper's BR18, All", *eelbode.MULTI_SWEEP[score]])
    return _with_limits(["score", "data", *_weights()], lines, tasks)


def dice_by_size(tasks: Sequence[Task]) -> str:
    """Dice in tenths of the cases of rising size: the numbers of Fig. 4."""
    lines = []
    for task in tasks:
        names = [n for n in (CE, WCE, DICE, PER_IMAGE) if task.has(n)]
        sizes = task.of_case(size)
        if not names or not np.ptp(sizes) > 0:
            continue
        values = np.stack([_scores_of_cases(task, "dice", name) for name in names])
        curves = size_curves(sizes, values, groups=GROUPS)
        told = [f"{100 * x:.2g} %" for x in curves.sizes]
        lines.append([task.name, "mean size", *told])
        for name, means in zip(names, curves.within, strict=True):
            lines.append([task.name, name, *map(float, means)])
    head = ["data", "", *map(str, range(1, GROUPS + 1))]
    return _with_limits(head, lines, tasks)


def _scores_of_cases(task: Task, name: str, method: str) -> np.ndarray:
    """``[N]`` scores, means over runs; nan where there are none."""
    values = task.of(scored(name), method)
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)


def _weights() -> list[str]:
    return [f"{alpha:g}/{beta:g}" for alpha, beta in eelbode.WEIGHTS]


def _sweep_names() -> list[str]:
    return [tversky_name(*pair) for pair in eelbode.WEIGHTS]


def _ours(
    tasks: Sequence[Task],
    name: str,
    methods: Sequence[str],
    *,
    label: str | None = None,
    digits: int = 3,
) -> list[list[Any]]:
    kind = name.partition(" ")[0]
    return [
        [TITLES[kind], label or task.name, *_cells(task, name, methods, digits)]
        for task in tasks
        if any(task.has(method) for method in methods)
    ]


def _theirs(
    title: str,
    names: Sequence[str],
    printed: Mapping[str, Sequence[float]],
    methods: Sequence[str],
) -> list[list[Any]]:
    return [
        [
            TITLES[title],
            f"paper's {name}",
            *(printed[m][k] if m in printed else None for m in methods),
        ]
        for k, name in enumerate(names)
    ]


def _cells(
    task: Task, name: str, methods: Sequence[str], digits: int = 3
) -> list[str | None]:
    """Means with the paper's marks; None for a loss that was not tried."""
    tried = [method for method in methods if task.has(method)]
    if not tried:
        return [None] * len(methods)
    sign = -1 if name in DISTANCES else 1
    values = np.stack([sign * _scores_of_cases(task, name, method) for method in tried])
    marks = table_marks(values, resamples=MARK_RESAMPLES)
    found: dict[str, str] = {}
    for k, method in enumerate(tried):
        text = f"{task.mean(scored(name), method):.{digits}f}"
        if marks.top[k]:
            text = f"**{text}**"
        elif marks.worst[k]:
            text = f"*{text}*"
        found[method] = text
    return [found.get(method) for method in methods]
