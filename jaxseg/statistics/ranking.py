"""Rankings of methods over tasks and metrics: Ma 2021, section 3.4.

A task is ``[J, M, N]``: J metrics, M methods and N cases of its own; the larger the
better in all metrics. Tasks differ in N only.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy

from jaxseg.statistics.scores import DIGITS, as_table
from jaxseg.statistics.wilcoxon import EXACT_UP_TO, pairwise_tests


def as_tasks(tasks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The tasks in float64, checked.

    Raises:
      ValueError: there is none, or they differ in metrics or methods.
    """
    checked = [as_table(task, rank=3) for task in tasks]
    shapes = {task.shape[:2] for task in checked}
    if len(shapes) != 1:
        raise ValueError(f"tasks with (metrics, methods) {sorted(shapes)}, wanted one")
    return checked


def significance_scores(
    scores: np.ndarray,
    *,
    level: float = 0.05,
    corrected: bool = False,
    exact_up_to: int = EXACT_UP_TO,
) -> np.ndarray:
    """How many methods each method is significantly better than.

    Example:
      >>> draws = np.random.default_rng(0).random((2, 20))
      >>> scores = draws + np.array([[0.5], [0.0]])
      >>> significance_scores(scores).tolist()
      [1.0, 0.0]

    Args:
      scores: ``[M, N]``, the larger the better; nan is missing, see `pairwise_tests`.
      level: of each test, in (0, 1).
      corrected: whether Holm's correction applies; the paper names none.
      exact_up_to: see `wilcoxon.p_values`.

    Returns:
      ``[M]`` whole numbers in [0, M - 1].

    Source: Ma 2021, section 3.4, step 1. It counts the "algorithms performing
    significantly worse" at p = 0.05; that the test is two-sided (the default of the
    function it names) is our reading.
    """
    tests = pairwise_tests(scores, exact_up_to=exact_up_to)
    better = tests.better(level=level, corrected=corrected)
    return better.sum(axis=1).astype(np.float64)


def rank_scores(
    tasks: Sequence[np.ndarray],
    *,
    level: float = 0.05,
    corrected: bool = False,
    exact_up_to: int = EXACT_UP_TO,
) -> np.ndarray:
    """The mean significance score over tasks and metrics, each of equal weight.

    Example:
      >>> draws = np.random.default_rng(0).random((2, 20))
      >>> scores = draws + np.array([[0.5], [0.0]])
      >>> rank_scores([scores[None]]).tolist()
      [1.0, 0.0]

    Args:
      tasks: ``[J, M, N]`` each.
      level: of each test.
      corrected: whether Holm's correction applies within each task and metric.
      exact_up_to: see `wilcoxon.p_values`.

    Returns:
      ``[M]`` in [0, M - 1], the larger the better.

    Source: Ma 2021, section 3.4, step 2.
    """
    found = [
        significance_scores(
            table, level=level, corrected=corrected, exact_up_to=exact_up_to
        )
        for task in as_tasks(tasks)
        for table in task
    ]
    return np.mean(found, axis=0)


def ranks(values: np.ndarray) -> np.ndarray:
    """``[..., M]`` ranks of values, 1 for the largest; ties share their mean rank.

    Values that agree to twelve digits are ties.

    Example:
      >>> ranks(np.array([0.8, 0.9, 0.8])).tolist()
      [2.5, 1.0, 2.5]
    """
    scale = np.max(np.abs(values), axis=-1, keepdims=True, initial=0.0)
    even = np.round(values / np.where(scale > 0, scale, 1.0), DIGITS)
    return scipy.stats.rankdata(-even, axis=-1)


@dataclasses.dataclass(frozen=True)
class MeanRanks:
    """Mean ranks of M methods.

    Attributes:
      ranks: ``[M]`` in [1, M], the smaller the better.
      cases: ``[T, J]`` cases of each task and metric that have all M scores.
    """

    ranks: np.ndarray
    cases: np.ndarray


def mean_ranks(tasks: Sequence[np.ndarray]) -> MeanRanks:
    """Ranks within each case, averaged over cases, then over tasks and metrics.

    A case that lacks a method's score is left out, for that metric: a rank among fewer
    methods is another quantity. A task and metric without any whole case is left out of
    the mean; if there is no other, all methods share the rank (M + 1) / 2.

    Example:
      >>> scores = np.array([[0.9, 0.8, 0.7], [0.8, 0.8, 0.5]])
      >>> mean_ranks([scores[None]]).ranks.round(3).tolist()
      [1.167, 1.833]

    Args:
      tasks: ``[J, M, N]`` each.
    """
    means, counts = [], []
    checked = as_tasks(tasks)
    for task in checked:
        for table in task:
            whole = table[:, ~np.isnan(table).any(axis=0)]
            counts.append(whole.shape[1])
            if whole.shape[1]:
                means.append(ranks(whole.T).mean(axis=0))
    metrics, methods = checked[0].shape[:2]
    mean = np.mean(means, axis=0) if means else np.full(methods, (methods + 1) / 2)
    return MeanRanks(mean, np.array(counts).reshape(-1, metrics))
