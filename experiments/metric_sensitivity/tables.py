"""Tables shaped like the paper's, ours above and the paper's below.

Marks are the paper's: bold is not significantly worse than the best of the row, italic
significantly worse than all others (one-sided bootstrap, level 0.05).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.metric_sensitivity import paper
from experiments.metric_sensitivity.methods import (
    ALL_WEIGHTS,
    CE,
    CORE,
    DICE,
    PER_IMAGE,
    SQUARED,
    WCE,
    tversky_name,
)
from experiments.metric_sensitivity.scores import DISTANCES, NAMES, Task
from experiments.protocol.report import table
from jaxseg.statistics import size_curves, table_marks

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
        lines += _theirs(score, paper.DATASETS, paper.NORMS[score], methods)
    return table(
        ["score", "data", "sDice, L1", "sDice, L2", "sDice, L1, per image"], lines
    )


def core(tasks: Sequence[Task]) -> str:
    """Table II: cross-entropy and metric-sensitive losses."""
    lines = []
    for score in ("dice", "jaccard"):
        lines += _ours(tasks, score, CORE)
        lines += _theirs(score, paper.DATASETS, paper.CORE[score], CORE)
    return table(["score", "data", *CORE], lines)


def sweep(tasks: Sequence[Task], scores: Sequence[str]) -> str:
    """Tables III and B.1: all Tversky weights."""
    lines = []
    for score in scores:
        lines += _ours(tasks, score, _sweep_names())
        lines += [
            [NAMES[score], f"paper's {name}", *values]
            for name, values in paper.SWEEP[score].items()
        ]
    return table(["score", "data", *_weights()], lines)


def elsewhere(tasks: Sequence[Task]) -> str:
    """Table IV: accuracy, Hausdorff distance, volume difference."""
    lines = []
    for score in ("hamming", "hausdorff", "volume"):
        lines += _ours(tasks, score, CORE, digits=4 if score == "hamming" else 2)
        lines += _theirs(score, paper.OTHER_DATASETS, paper.OTHER[score], CORE)
    return table(["score", "data", *CORE], lines)


def virtual(tasks: Sequence[Task], name: str) -> str:
    """Table V: virtual data sets made of one, by ratio."""
    lines = []
    for score in ("dice", "jaccard"):
        marked = [_cells(task, score, (CE, DICE)) for task in tasks]
        for k, method in enumerate((CE, DICE)):
            lines.append([NAMES[score], name, method, *(cells[k] for cells in marked)])
        known = paper.VIRTUAL[score]
        for method in (CE, DICE):
            at = dict(zip(paper.RATIOS, known[method], strict=True))
            printed = [at.get(task.ratio) for task in tasks]
            lines.append([NAMES[score], "paper's PO18", method, *printed])
    return table(["score", "data", "loss", *(f"{t.ratio:g}" for t in tasks)], lines)


def multi(tasks: Sequence[Task]) -> str:
    """Table VI: data of several classes, mean and each class."""
    lines = []
    for score in ("dice", "jaccard"):
        for task in tasks:
            lines += _ours([task], score, CORE, label=f"{task.name}, all")
            for number in range(1, task.num_classes):
                lines += _ours(
                    [task],
                    f"{score} {number}",
                    CORE,
                    label=f"{task.name}, class {number}",
                )
        lines += _theirs(
            score, [f"BR18, {s}" for s in paper.STRUCTURES], paper.MULTI[score], CORE
        )
    return table(["score", "data", *CORE], lines)


def multi_sweep(tasks: Sequence[Task]) -> str:
    """Table VII: all Tversky weights, mean of the classes."""
    lines = []
    for score in ("dice", "jaccard"):
        lines += _ours(tasks, score, _sweep_names())
        lines.append([NAMES[score], "paper's BR18, All", *paper.MULTI_SWEEP[score]])
    return table(["score", "data", *_weights()], lines)


def by_size(tasks: Sequence[Task]) -> str:
    """Dice in tenths of the cases of rising size: the numbers of Fig. 4."""
    lines = []
    for task in tasks:
        names = [n for n in (CE, WCE, DICE, PER_IMAGE) if task.has(n)]
        if not names or not np.ptp(task.sizes) > 0:
            continue
        values = np.stack([task.of("dice", name) for name in names])
        curves = size_curves(task.sizes, values, groups=GROUPS)
        sizes = [f"{100 * size:.2g} %" for size in curves.sizes]
        lines.append([task.name, "mean size", *sizes])
        for name, means in zip(names, curves.within, strict=True):
            lines.append([task.name, name, *map(float, means)])
    return table(["data", "", *map(str, range(1, GROUPS + 1))], lines)


def _weights() -> list[str]:
    return [f"{alpha:g}/{beta:g}" for alpha, beta in ALL_WEIGHTS]


def _sweep_names() -> list[str]:
    return [tversky_name(*pair) for pair in ALL_WEIGHTS]


def _ours(
    tasks: Sequence[Task],
    score: str,
    methods: Sequence[str],
    *,
    label: str | None = None,
    digits: int = 3,
) -> list[list[Any]]:
    kind = score.partition(" ")[0]
    return [
        [NAMES[kind], label or task.name, *_cells(task, score, methods, digits)]
        for task in tasks
        if any(task.has(method) for method in methods)
    ]


def _theirs(
    score: str,
    names: Sequence[str],
    printed: Mapping[str, Sequence[float]],
    methods: Sequence[str],
) -> list[list[Any]]:
    return [
        [
            NAMES[score],
            f"paper's {name}",
            *(printed[m][k] if m in printed else None for m in methods),
        ]
        for k, name in enumerate(names)
    ]


def _cells(
    task: Task, score: str, methods: Sequence[str], digits: int = 3
) -> list[str | None]:
    """Means with the paper's marks; None for a loss that was not tried."""
    tried = [name for name in methods if task.has(name)]
    sign = -1 if score in DISTANCES else 1
    values = np.stack([sign * task.of(score, name) for name in tried])
    marks = table_marks(values, resamples=MARK_RESAMPLES)
    found: dict[str, str] = {}
    for k, name in enumerate(tried):
        text = f"{task.mean(score, name):.{digits}f}"
        if marks.top[k]:
            text = f"**{text}**"
        elif marks.worst[k]:
            text = f"*{text}*"
        found[name] = text
    return [found.get(name) for name in methods]
