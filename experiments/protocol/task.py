"""All that some losses scored on one data set with one network, as tables."""

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.protocol.groups import KNOWN, group_of
from experiments.protocol.learning import Curve
from experiments.protocol.results import Row, foreground_mean
from jaxseg.statistics import Estimate, estimate, number_names, weighted_means

Score = str | Callable[[Row], float]
"""A column, of which the mean over foreground classes counts, or what computes it."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """The rows of M losses, S seeds and N cases.

    Attributes:
      dataset, model: names.
      kind: "binary", "scene", of which every class counts, or "volume".
      steps: of the runs.
      methods: names of the losses, M of them.
      runs: what tells runs on one case apart, S of them.
      cases: what tells cases apart, N of them.
      groups: ``[N]`` numbers, equal for cases of one unit; see `groups.KNOWN`.
      folds: ``[N]`` numbers, equal for cases that one network scored.
      rows: ``[M, S, N]``; None where a run has no such case, failed or collapsed.
      facts: of the data set: shares and names of its classes, ceiling, unit.
      curves: by loss, what it reached with fewer steps.
      collapsed: names of runs that are left out.
      left_out: losses of which not all runs are done.
      earlier: tasks of the runs with fewer steps.
      including: the task with the collapsed runs, if there are any.
      trial: whether it is no more than a trial of the program.
    """

    dataset: str
    model: str
    kind: str
    steps: int
    methods: tuple[str, ...]
    runs: tuple[Hashable, ...]
    cases: tuple[Hashable, ...]
    groups: np.ndarray
    folds: np.ndarray
    rows: np.ndarray
    facts: Mapping[str, Any]
    curves: Mapping[str, Curve] = dataclasses.field(default_factory=dict)
    collapsed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    earlier: tuple["Task", ...] = ()
    including: "Task | None" = None
    trial: bool = False
    _kept: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """Names of the data set and the network."""
        return f"{self.dataset}, {self.model}"

    @property
    def several(self) -> bool:
        """Whether there are several foreground classes."""
        return len(self.shares) > 2

    @property
    def shares(self) -> np.ndarray:
        """``[K]`` share of each class among the training pixels."""
        return np.array(self.facts["class_shares"])

    @property
    def foreground(self) -> float:
        """Share of all classes but 0."""
        return float(1 - self.shares[0])

    def has(self, *methods: str) -> bool:
        """Whether these losses were run."""
        return set(methods) <= set(self.methods)

    def _table(self, kind: str, key: Any, value: Callable[[Row], Any]) -> np.ndarray:
        if (kind, key) not in self._kept:
            some = next(row for row in self.rows.flat if row is not None)
            missing = np.full(np.shape(value(some)), np.nan)
            found = [missing if row is None else value(row) for row in self.rows.flat]
            shape = (*self.rows.shape, *missing.shape)
            self._kept[kind, key] = np.array(found, float).reshape(shape)
        return self._kept[kind, key]

    def values(self, score: Score) -> np.ndarray:
        """``[M, S, N]`` scores; nan is missing."""
        if isinstance(score, str):
            return self._table("mean", score, lambda row: foreground_mean(row, score))
        return self._table("score", score, score)

    def counts(self, value: Callable[[Row], Any]) -> np.ndarray:
        """``[M, S, N, K]`` numbers by class."""
        return self._table("counts", value, lambda row: np.asarray(value(row), float))

    def of(self, score: Score, *methods: str) -> np.ndarray:
        """``[S, N]`` scores, the mean of some losses; nan where one has none."""
        places = [self.methods.index(name) for name in methods]
        return self.values(score)[places].mean(axis=0)

    def mean(self, score: Score, *methods: str) -> float:
        """Mean over cases and runs; nan of nothing."""
        values = self.of(score, *methods)
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else float("nan")

    def of_case(self, value: Callable[[Row], Any]) -> np.ndarray:
        """``[N, ...]`` facts of each case, whoever scored it."""
        found = []
        for column in np.moveaxis(self.rows, -1, 0):
            found.append(value(next(row for row in column.flat if row is not None)))
        return np.array(found, float)

    def estimate(self, statistic: Callable[[np.ndarray], np.ndarray]) -> Estimate:
        """A statistic of weighted cases with its errors, see `jaxseg.statistics`."""
        folds = self.folds if np.ptp(self.folds) else None
        return estimate(statistic, self.groups, folds, resamples=RESAMPLES)

    def lead(
        self,
        score: Score,
        better: Sequence[str],
        worse: Sequence[str],
        *,
        sign: int = 1,
        relative: bool = False,
    ) -> Estimate:
        """How far some losses lead others, paired by case and run.

        Args:
          score: of a case.
          better: losses said to lead.
          worse: the others.
          sign: -1 where the smaller is the better.
          relative: whether the lead is a share of what the others have.
        """
        one, two = (self.of(score, *names) for names in (better, worse))
        return self.gap(one, two, sign=sign, relative=relative)

    def gap(
        self, one: np.ndarray, two: np.ndarray, *, sign: int = 1, relative: bool = False
    ) -> Estimate:
        """Mean of ``one - two``, ``[S, N]`` each, where both are known."""
        two = np.where(np.isnan(one), np.nan, two)
        difference = sign * (one - two)

        def statistic(weights: np.ndarray) -> np.ndarray:
            found = weighted_means(difference, weights)
            if not relative:
                return found
            base = np.abs(weighted_means(two, weights))
            there = (base > 0) | np.isnan(found)
            share = found / np.where(base > 0, base, 1.0)
            return np.where(there | (found == 0), share, np.nan)

        return self.estimate(statistic)

    def only(self, chosen: np.ndarray) -> "Task":
        """Some of the cases, by ``[N]`` bool."""
        places = np.flatnonzero(chosen)
        return dataclasses.replace(
            self,
            cases=tuple(self.cases[k] for k in places),
            groups=self.groups[places],
            folds=self.folds[places],
            rows=self.rows[..., places],
            _kept={},
        )


RESAMPLES = 2000


def place_of(row: Row) -> Hashable:
    """What tells the cases of a data set apart."""
    return row.get("split"), row["case"]


def seed_of(row: Row) -> Hashable:
    """What tells runs on one case apart."""
    return row.get("seed", 0)


def task_of(
    rows: Sequence[Row],
    names: Sequence[str],
    facts: Mapping[str, Any],
    *,
    model: str,
    steps: int,
    method: Callable[[Row], str],
    run: Callable[[Row], Hashable] = seed_of,
    case: Callable[[Row], Hashable] = place_of,
) -> Task:
    """The table of some rows, of the losses among `names` that have any."""
    found: dict[tuple[str, Hashable, Hashable], Row] = {}
    for row in rows:
        found[method(row), run(row), case(row)] = row
    there = {name for name, _, _ in found}
    methods = tuple(name for name in names if name in there)
    runs = list(dict.fromkeys(run for _, run, _ in found))
    cases = tuple(dict.fromkeys(place for _, _, place in found))
    table = np.empty((len(methods), len(runs), len(cases)), object)
    for m, name in enumerate(methods):
        for s, one in enumerate(runs):
            for n, place in enumerate(cases):
                table[m, s, n] = found.get((name, one, place))
    first: dict[Hashable, Row] = {}
    for (_, _, place), row in found.items():
        first.setdefault(place, row)
    patients = facts.get("patients", {})
    pattern = facts.get("pattern")
    if pattern is None and not patients:
        _, pattern = KNOWN.get(facts["name"], ("", None))

    def unit(place: Hashable) -> str:
        name = first[place]["case"]
        return patients.get(name) or group_of(pattern, name)

    several = len({row.get("fold", 0) for row in rows}) > 1
    return Task(
        dataset=facts["name"],
        model=model,
        kind=facts.get("kind") or rows[0].get("kind") or "binary",
        steps=steps,
        methods=methods,
        runs=tuple(runs),
        cases=cases,
        groups=number_names([unit(c) for c in cases]),
        folds=number_names([first[c].get("fold", 0) if several else 0 for c in cases]),
        rows=table,
        facts=facts,
    )
