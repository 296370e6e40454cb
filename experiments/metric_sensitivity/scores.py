"""From rows of cases to scores, and tasks with the virtual ones of each."""

import dataclasses
import functools
import math
from collections.abc import Callable

from experiments.metric_sensitivity.methods import NAMES
from experiments.protocol.results import Results, Row, foreground_mean
from experiments.protocol.task import Task
from experiments.protocol.tasks import tasks_of

F_SCORES = ("f_half", "f_three_halves", "f_two")
DISTANCES = ("hausdorff", "volume", "error")
"""The smaller the better."""
TITLES = {
    "dice": "Dice",
    "jaccard": "Jaccard",
    "f_half": "F0.5",
    "f_three_halves": "F1.5",
    "f_two": "F2",
    "hamming": "accuracy",
    "error": "share of wrong pixels",
    "hausdorff": "Hausdorff distance",
    "volume": "volume difference",
}


@functools.cache
def score(name: str) -> Callable[[Row], float]:
    """One score of a case, by `score_of`; the same function for the same name."""
    return functools.partial(score_of, score=name)


def score_of(row: Row, score: str) -> float:
    """One score of a case; "dice 2" is that of class 2, "volume" in per cent."""
    column, _, number = score.partition(" ")
    if number:
        value = row[column][int(number)]
        return math.nan if value is None else float(value)
    if column == "f_three_halves":
        by_class = zip(row["dice"], row["f_two"], strict=True)
        return foreground_mean({column: [three_halves(*x) for x in by_class]}, column)
    if column == "volume":
        return 100 * foreground_mean(row, "volume_difference") / row["pixels"]
    if column == "error":
        return 1 - foreground_mean(row, "hamming")
    return foreground_mean(row, column)


def three_halves(dice: float | None, f_two: float | None) -> float | None:
    """F1.5 from Dice, which is F1, and F2.

    1 / F-beta is (beta^2 / sensitivity + 1 / precision) / (1 + beta^2), so that the two
    tell the third.
    """
    if dice is None or f_two is None:
        return None
    if min(dice, f_two) == 0:
        return 0.0
    per_true = (5 / f_two - 2 / dice) / 3  # 1 / sensitivity
    per_found = 2 / dice - per_true  # 1 / precision
    return 3.25 / (2.25 * per_true + per_found)


def size(row: Row) -> float:
    """Share of the foreground in a case."""
    return float(row["foreground_share"])


def tasks(results: Results) -> list[Task]:
    """The data sets as they are."""
    return tasks_of(results, NAMES, keep=lambda row: row["ratio"] is None)


def virtual(results: Results) -> dict[str, list[tuple[float, Task]]]:
    """The virtual data sets of each data set and network, by rising ratio."""
    found: dict[str, list[tuple[float, Task]]] = {}
    ratios = sorted({row["ratio"] for row in results.rows if row["ratio"] is not None})
    for ratio in ratios:
        keep = functools.partial(_has_ratio, ratio=ratio)
        for task in tasks_of(results, NAMES, keep=keep):
            share = ratio / (1 + ratio)
            facts = {**task.facts, "class_shares": [1 - share, share]}
            made = dataclasses.replace(task, facts=facts)
            found.setdefault(task.name, []).append((ratio, made))
    return found


def _has_ratio(row: Row, *, ratio: float) -> bool:
    return row["ratio"] == ratio


def own_ratio(task: Task) -> float:
    """Foreground over background among the training pixels."""
    return task.foreground / (1 - task.foreground)
