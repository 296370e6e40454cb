"""Comparisons of losses over the cases of several data sets, with their verdicts."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from experiments.metric_sensitivity.scores import DISTANCES, Task, joined
from jaxseg.statistics import (
    Outcome,
    bootstrap_difference,
    judge_difference,
    judge_equivalence,
)
from jaxseg.statistics.bootstrap import resampled_means

RESAMPLES = 10_000
FEWEST = 6
"""Cases below which `bootstrap_difference` gives no interval, either."""


@dataclasses.dataclass(frozen=True)
class Effect:
    """A measured effect.

    Attributes:
      mean: positive in the paper's direction; nan if nothing was measured.
      low, high: its 95 % interval.
      cases: that it rests on.
    """

    mean: float
    low: float
    high: float
    cases: int


def lead(
    tasks: Sequence[Task], score: str, better: Sequence[str], worse: Sequence[str]
) -> Effect:
    """How far some losses lead others, paired by case; distances count downwards."""
    sign = -1 if score in DISTANCES else 1
    return paired(
        sign * joined(tasks, score, *better), sign * joined(tasks, score, *worse)
    )


def paired(first: np.ndarray, second: np.ndarray) -> Effect:
    """Mean of ``first - second`` over cases."""
    found = bootstrap_difference(first, second, resamples=RESAMPLES)
    return Effect(found.mean, found.low, found.high, found.cases)


def between(first: np.ndarray, second: np.ndarray) -> Effect:
    """Mean of some cases less that of others, each group resampled by itself.

    The interval is the whole line where a group has fewer than `FEWEST` cases.
    """
    groups = [values[~np.isnan(values)] for values in (first, second)]
    count = sum(map(len, groups))
    if not all(map(len, groups)):
        return Effect(math.nan, -math.inf, math.inf, count)
    means = [
        resampled_means(values, resamples=RESAMPLES, seed=seed)
        for seed, values in enumerate(groups)
    ]
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    if min(map(len, groups)) < FEWEST:
        low, high = -math.inf, math.inf
    mean = groups[0].mean() - groups[1].mean()
    return Effect(float(mean), float(low), float(high), count)


def is_larger(effect: Effect, smallest: float) -> Outcome:
    """Whether there is an effect in the paper's direction."""
    return judge_difference(effect.mean, effect.low, effect.high, smallest=smallest)


def is_equal(effect: Effect, smallest: float) -> Outcome:
    """Whether there is no effect either way."""
    return judge_equivalence(effect.mean, effect.low, effect.high, smallest=smallest)


def is_no_worse(effect: Effect, smallest: float) -> Outcome:
    """Whether there is no effect against the paper's direction.

    Replicated: the interval lies above ``-smallest``. Not replicated: it lies below 0
    and the effect is at most ``-smallest``. Else undecided.
    """
    if math.isnan(effect.mean):
        return Outcome.UNDECIDED
    if effect.low > -smallest:
        return Outcome.REPLICATED
    if effect.high < 0 and effect.mean <= -smallest:
        return Outcome.NOT_REPLICATED
    return Outcome.UNDECIDED


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """The verdict on a finding of several parts: all must be replicated."""
    if Outcome.NOT_REPLICATED in outcomes:
        return Outcome.NOT_REPLICATED
    if Outcome.UNDECIDED in outcomes:
        return Outcome.UNDECIDED
    return Outcome.REPLICATED
