"""Estimates with intervals, where cases depend on one another and runs differ."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Self

import numpy as np
import scipy

Statistic = Callable[[np.ndarray], np.ndarray]
"""Weights of the cases ``[R, N]``, each row adding up to 1, to ``[R, S]``: the
statistic of each of S runs that scored all cases."""
LEVEL = 0.05
"""Intervals hold with one minus this."""
FEWEST = 6
"""Fewer independent cases say no more than as many tosses of a coin: nothing at 5 %."""
EXPLAINED = 0.5
"""Share of the variance that cases explain between folds which is taken off their
spread. With all of it taken off, five folds were called different 9 times in 100 where
half of the variance is between them; with none, once where nothing is."""
FOLD_RESAMPLES = 500
"""For the variance within a fold."""
_Z = NormalDist().inv_cdf(1 - LEVEL / 2)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with the two sources of its error.

    Attributes:
      value: the statistic; nan where nothing was measured.
      below, above: standard errors over cases, of what may be too much and too little.
      between: standard error over runs, of what cases do not explain; 0 for one run,
        which tells nothing of others.
      cases: that it rests on.
      units: groups of dependent cases among them.
      runs: trainings that it rests on, folds or seeds.
    """

    value: float
    below: float
    above: float
    between: float = 0.0
    cases: int
    units: int
    runs: int = 1

    @classmethod
    def of_interval(cls, value: float, low: float, high: float, cases: int) -> Self:
        """From an interval of 95 % that was found in another way."""
        quantile = float(scipy.stats.t.ppf(1 - LEVEL / 2, max(cases - 1, 1)))
        below, above = (value - low) / quantile, (high - value) / quantile
        return cls(value=value, below=below, above=above, cases=cases, units=cases)

    def interval(self, family: int = 1) -> tuple[float, float]:
        """Ends that hold with 95 % for all of `family` estimates together (Bonferroni).

        Student's quantiles, with the degrees of freedom that Welch and Satterthwaite
        give to a variance of two parts: units less one, and runs less one. The whole
        line where there are fewer than `FEWEST` units.
        """
        if math.isnan(self.value) or self.units < FEWEST:
            return -math.inf, math.inf
        below, above = (self._reach(side, family) for side in (self.below, self.above))
        return self.value - below, self.value + above

    def _reach(self, side: float, family: int) -> float:
        parts = ((side**2, self.units - 1), (self.between**2, max(self.runs - 1, 1)))
        variance = sum(part for part, _ in parts)
        if variance == 0:
            return 0.0
        freedom = variance**2 / sum(part**2 / count for part, count in parts)
        return float(scipy.stats.t.ppf(1 - LEVEL / 2 / family, freedom)) * variance**0.5

    @property
    def low(self) -> float:
        """Lower end of its own interval."""
        return self.interval()[0]

    @property
    def high(self) -> float:
        """Upper end."""
        return self.interval()[1]

    def __neg__(self) -> "Estimate":
        return dataclasses.replace(
            self, value=-self.value, below=self.above, above=self.below
        )

    def __add__(self, other: "Estimate") -> "Estimate":
        """The sum of two estimates from different cases: errors add in squares."""
        return Estimate(
            value=self.value + other.value,
            below=math.hypot(self.below, other.below),
            above=math.hypot(self.above, other.above),
            between=math.hypot(self.between, other.between),
            cases=self.cases + other.cases,
            units=min(self.units, other.units),
            runs=min(self.runs, other.runs),
        )

    def __truediv__(self, number: int) -> "Estimate":
        parts = ("value", "below", "above", "between")
        return dataclasses.replace(
            self, **{name: getattr(self, name) / number for name in parts}
        )


def pooled(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of estimates from different data sets, each counting alike.

    Example:
      >>> one = Estimate(value=0.8, below=0.03, above=0.03, cases=10, units=10)
      >>> two = Estimate(value=0.6, below=0.04, above=0.04, cases=10, units=10)
      >>> print(f"{pooled([one, two]).value:.2f} +- {pooled([one, two]).below:.3f}")
      0.70 +- 0.025
    """
    return functools.reduce(Estimate.__add__, estimates) / len(estimates)


def redrawn(
    groups: np.ndarray,
    folds: np.ndarray,
    *,
    resamples: int,
    seed: int = 0,
    whole: bool = True,
) -> np.ndarray:
    """How often each case is drawn: folds first, then their units, with replacement.

    Example:
      >>> groups, folds = np.array([0, 0, 1, 2]), np.array([0, 0, 0, 0])
      >>> drawn = redrawn(groups, folds, resamples=3, whole=False)
      >>> drawn.shape, bool((drawn[:, 0] == drawn[:, 1]).all())
      ((3, 4), True)

    Args:
      groups: ``[N]`` whole numbers, equal for cases of one unit.
      folds: ``[N]`` whole numbers, equal for cases that one network scored.
      resamples: R of them.
      seed: the same seed, the same numbers.
      whole: whether folds are drawn, K - 1 of K so that means vary as those of K do;
        else each fold is there once, and units alone are drawn.

    Returns:
      ``[R, N]`` numbers.
    """
    units, unit_of = np.unique(np.stack([folds, groups]), axis=1, return_inverse=True)
    names = np.unique(units[0])
    rng = np.random.default_rng(seed)
    times = np.ones((resamples, len(names)), int)
    if whole and len(names) > 1:
        even = np.full(len(names), 1 / len(names))
        times = rng.multinomial(len(names) - 1, even, size=resamples)
    counts = np.zeros((resamples, units.shape[1]))
    for k, name in enumerate(names):
        inside = np.flatnonzero(units[0] == name)
        even = np.full(len(inside), 1 / len(inside))
        counts[:, inside] = rng.multinomial(len(inside) * times[:, k], even)
    return counts[:, unit_of.reshape(-1)]


@functools.lru_cache(maxsize=64)
def _weights(groups: bytes, folds: bytes, resamples: int, seed: int) -> np.ndarray:
    """Weights ``[R, N]``: units drawn with replacement within each fold."""
    parts = (np.frombuffer(x, np.int64) for x in (groups, folds))
    counts = redrawn(*parts, resamples=resamples, seed=seed, whole=False)
    return counts / counts.sum(axis=1, keepdims=True)


def number_names(names: Sequence[object]) -> np.ndarray:
    """``[N]`` whole numbers, equal where the names are.

    Example:
      >>> number_names(["b", "a", "b"]).tolist()
      [0, 1, 0]
    """
    known: dict[object, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)


def estimate(
    statistic: Statistic,
    groups: np.ndarray | int,
    folds: np.ndarray | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """A statistic of weighted cases with its errors over cases and over runs.

    Groups of cases are drawn with replacement, within each fold where there are folds;
    the ends of 95 % of the resamples give the error over cases, widened by
    ``sqrt(U / (U - 1))`` for U groups. Runs are the folds, each scored by a network of
    its own, or without folds the seeds. The variance of their values, less half of what
    resampled cases explain of it between folds (`EXPLAINED`), gives the error over
    runs. Of two methods, let the statistic be their difference run by run: what cases
    and runs have in common then does not count.

    Without a true difference, five folds of 40 cases are called different 3, 5 and 6
    times in 100 where no, half and nearly all of the variance is between folds, three
    folds of 60 cases 3, 6 and 7 times, three seeds on 100 cases 6, 6 and 7 times.

    Example:
      >>> scores = np.array([[0.9, 0.8, 0.7, 0.9, 0.8, 0.7]])
      >>> found = estimate(lambda weights: weighted_means(scores, weights), 6)
      >>> print(f"{found.value:.3f} +- {found.below:.3f} of {found.units} cases")
      0.800 +- 0.037 of 6 cases

    Args:
      statistic: such as ``lambda weights: weights @ scores.T`` for mean scores of
        ``scores [S, N]``, or a ratio of weighted sums. Without cases it may be nan.
      groups: ``[N]`` whole numbers, equal for cases of one patient, video or sequence;
        a number says that so many cases are independent.
      folds: ``[N]`` whole numbers, equal for cases that one network scored; None where
        each network scored all cases.
      resamples: at least 1.
      seed: of the resampling.

    Source: percentile bootstrap of clusters; analysis of variance of one factor for the
    folds; Satterthwaite 1946 for their sum.
    """
    groups = np.arange(groups) if isinstance(groups, int) else np.asarray(groups)
    cases = len(groups)
    if not cases:
        nan, inf = math.nan, math.inf
        return Estimate(value=nan, below=inf, above=inf, cases=0, units=0)
    folds = np.zeros(cases, int) if folds is None else np.asarray(folds)
    keys = [np.ascontiguousarray(x, np.int64).tobytes() for x in (groups, folds)]
    drawn = _weights(*keys, resamples, seed)
    units = len(np.unique(np.stack([folds, groups]), axis=1).T)
    by_seed = statistic(np.full((1, cases), 1 / cases))[0]
    value = float(_means(by_seed))
    if math.isnan(value):
        inf = math.inf
        return Estimate(value=value, below=inf, above=inf, cases=cases, units=units)
    found = _means(statistic(drawn))
    low, high = np.nanquantile(found, [LEVEL / 2, 1 - LEVEL / 2])
    wider = math.sqrt(units / max(units - 1, 1)) / _Z
    values, explained = by_seed, 0.0
    names = np.unique(folds)
    if len(names) > 1:
        values, within = _estimate_folds(
            statistic, drawn[:FOLD_RESAMPLES], folds, names
        )
        explained = EXPLAINED * float(_means(within))
    values = values[~np.isnan(values)]
    runs = len(values)
    between = 0.0
    if runs > 1:
        between = math.sqrt(max(values.var(ddof=1) - explained, 0.0) / runs)
    return Estimate(
        value=value,
        below=max(value - low, 0.0) * wider,
        above=max(high - value, 0.0) * wider,
        between=between,
        cases=cases,
        units=units,
        runs=max(runs, 1),
    )


def _estimate_folds(
    statistic: Statistic, drawn: np.ndarray, folds: np.ndarray, names: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The statistic of each fold, and its variance over the fold's own cases."""
    values, within = [], []
    for name in names:
        inside = folds == name
        values.append(_means(statistic((inside / inside.sum())[None]))[0])
        weights = np.where(inside, drawn, 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
        found = _means(statistic(weights))
        known = found[~np.isnan(found)]
        within.append(known.var() if len(known) else math.nan)
    return np.array(values), np.array(within)


def _means(values: np.ndarray) -> np.ndarray:
    """`np.nanmean` over the last axis, silent where there is nothing."""
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0.0).sum(-1), known.sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def weighted_means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``[R, S]`` means of ``values [S, N]`` under ``weights [R, N]``; nan left out.

    Example:
      >>> values = np.array([[0.9, 0.5, np.nan]])
      >>> weighted_means(values, np.array([[1, 1, 1], [0, 2, 1]])).tolist()
      [[0.7], [0.5]]
    """
    known = ~np.isnan(values)
    total, weight = weights @ np.where(known, values, 0.0).T, weights @ known.T
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)
