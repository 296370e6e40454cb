"""From tasks to ranks and costs."""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from experiments.odyssey.losses import PAPER, PRINTED
from experiments.protocol.results import Results, Row, foreground_mean
from experiments.protocol.task import Score, Task
from experiments.protocol.tasks import tasks_of
from jaxseg.statistics import (
    RankStability,
    kendall_tau,
    rank_scores,
    rank_stability,
    ranks,
    redrawn,
    resampled_wins,
)
from theory.printed.ma import RANKED

RESAMPLES = 200
MEAN_RANK = "mean rank"
STRONG = 0.02
"""Below this share of foreground the imbalance is strong: the paper calls 1:42 mild."""


def overlap(column: str) -> Callable[[Row], float]:
    """A score; 0 where a case has none, the paper's footnote 10."""

    def score(row: Row) -> float:
        return float(np.nan_to_num(foreground_mean(row, column)))

    return score


DICE, NSD = overlap("dice"), overlap("nsd")
DISTANCE = "hd95"
SCHEMES: Mapping[str, tuple[Score, ...]] = {
    "DSC+NSD": (DICE, NSD),
    "DSC": (DICE,),
    "NSD": (NSD,),
    "HD95": (DISTANCE,),
}
"""Scores that a ranking rests on (Ma 2021, Fig. 11), by the paper's names."""


def name_of(row: Row) -> str:
    """Our name of a row's loss."""
    return PAPER.get(row["loss"], row["loss"])


def tasks(results: Results) -> list[Task]:
    """One for each data set and network, losses in the paper's order, others after."""
    there = dict.fromkeys(map(name_of, results.rows))
    known = [name for name in PRINTED if name in there]
    return tasks_of(
        results, [*known, *(n for n in there if n not in known)], method=name_of
    )


def table(task: Task, scores: Sequence[Score]) -> np.ndarray:
    """``[J, M, N]``, means over seeds, the larger the better; nan where a run failed.

    A missing distance is the largest of its case.
    """
    found = []
    for score in scores:
        values = task.values(score)
        known = ~np.isnan(values)
        mean = np.where(known, values, 0).sum(1) / np.maximum(known.sum(1), 1)
        if score == DISTANCE:
            worst = np.max(mean, axis=0, initial=0.0, where=known.any(1))
            mean = -np.where(known.any(1), mean, worst)
        scored = ~np.isnan(task.values(_scored)).all(1)
        found.append(np.where(scored, mean, np.nan))
    return np.stack(found)


def _scored(_: Row) -> float:
    return 1.0


def stability(
    some: Sequence[Task], scheme: str, among: Sequence[str] = ()
) -> RankStability:
    """Ranks under a scheme of the paper, or by the mean rank of the cases.

    Args:
      some: tasks with the same losses.
      scheme: in `SCHEMES`, or `MEAN_RANK`.
      among: the losses that are ranked, all by default.
    """
    names = tuple(among) or some[0].methods
    return _stability(tuple(some), scheme, names)


@functools.lru_cache(maxsize=64)
def _stability(
    some: tuple[Task, ...], scheme: str, among: tuple[str, ...]
) -> RankStability:
    places = [[task.methods.index(name) for name in among] for task in some]
    by_table = []
    for task, k in zip(some, places, strict=True):
        for score in SCHEMES.get(scheme, SCHEMES["DSC+NSD"]):
            if scheme == MEAN_RANK:
                by_table.append(-_mean_ranks(task, score, k))
            else:
                by_table.append(_wins(task, score)[:, k][..., k].sum(axis=-1))
    first, *others = np.mean(by_table, axis=0)
    return rank_stability(first, np.array(others))


def _counts(task: Task) -> np.ndarray:
    """``[1 + R, N]`` once all cases, then those of resamples."""
    drawn = redrawn(task.groups, task.folds, resamples=RESAMPLES)
    return np.concatenate([np.ones((1, len(task.cases))), drawn])


def _mean_ranks(task: Task, score: Score, among: Sequence[int]) -> np.ndarray:
    """``[1 + R, M]`` mean ranks within the cases that every loss has.

    Collapsed runs are counted: without them there may be no such case.
    """
    found = table(task.including or task, (score,))[0, among]
    whole = ~np.isnan(found).any(axis=0)
    counts = _counts(task)[:, whole]
    return counts @ ranks(found[:, whole].T) / counts.sum(axis=1, keepdims=True)


@functools.lru_cache(maxsize=64)
def _wins(task: Task, score: Score) -> np.ndarray:
    """``[1 + R, M, M]`` who is significantly better, of all cases and of resamples."""
    return resampled_wins(table(task, (score,))[0], _counts(task))


def fold_ranks(some: Sequence[Task], scheme: str) -> np.ndarray:
    """``[K, M]`` ranks on the cases of each fold alone, of all tasks together."""
    count = min(len(np.unique(task.folds)) for task in some)
    found = []
    for k in range(count):
        parts = [
            table(task.only(task.folds == np.unique(task.folds)[k]), SCHEMES[scheme])
            for task in some
        ]
        found.append(ranks(rank_scores(parts, exact_up_to=0)))
    return np.array(found)


def printed(task: Task) -> tuple[int, str]:
    """Column and name of the paper's task that a data set is nearest to."""
    if task.several:
        return 3, "multi-organ"
    return (1, "liver tumour") if task.foreground < STRONG else (0, "liver")


def papers_scores(task: Task, name: str) -> tuple[float | None, float | None]:
    """(DSC, NSD) of the paper for a loss on the nearest task; None if it has none."""
    theirs = RANKED.get(PRINTED.get(name, ""))
    return (None, None) if theirs is None else theirs[printed(task)[0]]


def agreement_with_paper(task: Task, names: Sequence[str]) -> float:
    """Kendall's tau of mean DSC here and there."""
    ours = np.array([task.mean(DICE, name) for name in names])
    theirs = np.array([papers_scores(task, name)[0] for name in names], float)
    return float(kendall_tau(ours, theirs))


def milliseconds(results: Results, method: str, task: Task) -> float:
    """Of the shortest of some timed steps; nan if no run ended well."""
    found = [
        run["step_cost"]
        for run in _runs(results, method, task)
        if run.get("step_cost") is not None
    ]
    return float(np.min(found)) if found else float("nan")


def rates(results: Results, method: str, task: Task) -> list[float]:
    """Learning rates that the folds were trained with."""
    found = {run.get("learning_rate") for run in _runs(results, method, task)}
    return sorted(rate for rate in found if rate is not None)


def _runs(results: Results, method: str, task: Task) -> list[dict]:
    return [
        run
        for run in results.runs
        if name_of(run["tags"]) == method and run["tags"]["dataset"] == task.dataset
        and run["tags"].get("model", task.model) == task.model
    ]  # fmt: skip
