"""From rows of cases to tables of scores, ranks and costs."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.odyssey.losses import METHODS
from experiments.protocol.results import Results, foreground_mean
from jaxseg.statistics import (
    RankStability,
    bootstrap_ranks,
    mean_ranks,
    rank_scores,
    ranks,
)

RESAMPLES = 200
SCHEMES = {
    "DSC+NSD": ("dice", "nsd"),
    "DSC": ("dice",),
    "NSD": ("nsd",),
    "HD95": ("hd95",),
}
"""Scores that a ranking rests on (Ma 2021, Fig. 11), by the paper's names."""
MEAN_RANK = "mean rank"
DISTANCES = ("hausdorff", "hd95", "assd")
STRONG = 0.02
"""Below this share of foreground the imbalance is strong: the paper calls 1:42 mild."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """All scores on one data set.

    Attributes:
      name: of the data set.
      methods: names of the losses, M of them.
      cases: names, N of them.
      scores: by column, ``[M, N]``, distances as they are; a missing score is 0, the
        paper's footnote 10, and a missing distance the largest of its case.
      foreground: share of the training pixels.
      num_classes: background included.
      naive: mean Dice of the best single foreground class at every pixel.
    """

    name: str
    methods: tuple[str, ...]
    cases: tuple[str, ...]
    scores: dict[str, np.ndarray]
    foreground: float
    num_classes: int
    naive: float

    @property
    def strong(self) -> bool:
        """Whether foreground is rare."""
        return self.foreground < STRONG

    def of(self, column: str, method: str) -> np.ndarray:
        """``[N]`` scores of one loss."""
        return self.scores[column][self.methods.index(method)]

    def better_is_larger(self, columns: Sequence[str]) -> np.ndarray:
        """``[J, M, N]`` with distances negated."""
        return np.stack(
            [(-1 if c in DISTANCES else 1) * self.scores[c] for c in columns]
        )


def methods_of(results: Results) -> tuple[str, ...]:
    """The losses that were tried, in the paper's order, failed ones included."""
    tried = {run["tags"]["loss"] for run in results.runs}
    return tuple(method.name for method in METHODS if method.name in tried)


def tasks_of(results: Results) -> list[Task]:
    """One task for each data set, all with the same losses."""
    methods = methods_of(results)
    columns = sorted({c for scheme in SCHEMES.values() for c in scheme})
    tasks = []
    for facts in results.about["datasets"]:
        rows = results.where(dataset=facts["name"])
        cases = tuple(dict.fromkeys(row["case"] for row in rows))
        place = {case: k for k, case in enumerate(cases)}
        scores = {c: np.full((len(methods), len(cases)), np.nan) for c in columns}
        for row in rows:
            m, n = methods.index(row["loss"]), place[row["case"]]
            for column, table in scores.items():
                table[m, n] = foreground_mean(row, column)
        tasks.append(
            Task(
                name=facts["name"],
                methods=methods,
                cases=cases,
                scores={c: _filled(table, c) for c, table in scores.items()},
                foreground=1 - facts["class_shares"][0],
                num_classes=facts["num_classes"],
                naive=_naive(rows),
            )
        )
    return tasks


def _naive(rows: Sequence[Mapping[str, Any]]) -> float:
    """Mean Dice over foreground classes of predicting one of them everywhere."""
    cases = {row["case"]: row for row in rows}.values()
    actual = np.array([row["actual_pixels"][1:] for row in cases], float)
    pixels = np.array([[row["pixels"]] for row in cases], float)
    of_class = (2 * actual / (pixels + actual)).mean(axis=0)
    return float(of_class.max() / len(of_class))


def _filled(table: np.ndarray, column: str) -> np.ndarray:
    if column not in DISTANCES:
        return np.nan_to_num(table)
    worst = np.max(table, axis=0, initial=0.0, where=~np.isnan(table))
    return np.where(np.isnan(table), worst, table)


def stability(tasks: Sequence[Task]) -> dict[str, RankStability]:
    """Ranking under each scheme of the paper, and by the mean rank of the cases."""
    quick = functools.partial(rank_scores, exact_up_to=0)
    found = {
        scheme: bootstrap_ranks(
            [task.better_is_larger(columns) for task in tasks],
            score=quick,
            resamples=RESAMPLES,
        )
        for scheme, columns in SCHEMES.items()
    }
    found[MEAN_RANK] = bootstrap_ranks(
        [task.better_is_larger(SCHEMES["DSC+NSD"]) for task in tasks],
        score=lambda tables: -mean_ranks(tables).ranks,
        resamples=RESAMPLES,
    )
    return found


def case_ranks(tasks: Sequence[Task]) -> np.ndarray:
    """``[M, N]`` rank of each loss in each case, the mean of DSC's and NSD's."""
    tables = [task.better_is_larger(SCHEMES["DSC+NSD"]) for task in tasks]
    each = [ranks(np.swapaxes(t, 1, 2)).mean(axis=0).T for t in tables]
    return np.concatenate(each, axis=1)


def milliseconds(results: Results, method: str, dataset: str) -> float:
    """Of the shortest of some timed steps; nan if no run ended well."""
    found = [
        run["step_cost"]
        for run in results.runs
        if run["tags"]["loss"] == method
        and run["tags"]["dataset"] == dataset
        and run.get("step_cost") is not None
    ]
    return float(np.min(found)) if found else float("nan")


def rates(results: Results, method: str, dataset: str) -> list[float]:
    """Learning rates that the folds were trained with."""
    found = {
        run["learning_rate"]
        for run in results.runs
        if run["tags"]["loss"] == method
        and run["tags"]["dataset"] == dataset
        and run.get("learning_rate") is not None
    }
    return sorted(found)
