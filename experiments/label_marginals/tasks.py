"""From rows of cases to counts and scores of each loss, run and case."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.label_marginals.losses import METHODS
from experiments.label_marginals.paper import CAMVID_CLASSES
from experiments.protocol.results import Results, Row, foreground_mean
from jaxseg.statistics import Estimate, bootstrap_runs

SMALL = 0.02
"""A class of a scene is small below this share of the training pixels."""
LEAST_CASES = 10
"""Fewer in a third of the sizes are at times all missing from a resample."""
RESAMPLES = 2000
SCORES = ("dice", "hd95", "nsd")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """All that one network scored on one data set, of M losses, S runs, N cases.

    Attributes:
      dataset, kind, model: names.
      methods: names of the losses, M of them.
      cases: names, N of them.
      classes: names, K of them, class 0 first.
      shares: ``[K]`` share of each class among the training pixels.
      pixels: ``[N]`` that count.
      actual: ``[N, K]`` pixels of each class.
      predicted: ``[M, S, N, K]`` pixels predicted as each class.
      overlap: ``[M, S, N, K]`` pixels where both agree.
      probability: ``[M, S, N]`` mean probability of all classes but 0.
      scores: by column, ``[M, S, N]`` means over foreground classes; nan is missing.
    """

    dataset: str
    kind: str
    model: str
    methods: tuple[str, ...]
    cases: tuple[str, ...]
    classes: tuple[str, ...]
    shares: np.ndarray
    pixels: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray
    overlap: np.ndarray
    probability: np.ndarray
    scores: dict[str, np.ndarray]

    @property
    def name(self) -> str:
        """Of the data set and network."""
        return f"{self.dataset}, {self.model}"

    @property
    def runs(self) -> int:
        """Of each loss."""
        return self.predicted.shape[1]

    def index(self, method: str) -> int:
        """Place of a loss."""
        return self.methods.index(method)

    def has(self, *methods: str) -> bool:
        """Whether all these losses were run."""
        return set(methods) <= set(self.methods)

    def of(self, column: str, method: str) -> np.ndarray:
        """``[S, N]`` scores of a loss."""
        return self.scores[column][self.index(method)]

    def small(self) -> np.ndarray:
        """``[K]`` bool, classes below the share `SMALL`."""
        return self.shares < SMALL

    def proportion_errors(self, method: str) -> np.ndarray:
        """``[S, N]`` L1 distance of predicted and true proportions of each image.

        The paper's L1(y, p) of Table 1 with hard predictions: between 0 and 2.
        """
        gap = np.abs(self.predicted[self.index(method)] - self.actual)
        return gap.sum(axis=-1) / self.pixels

    def iou(self, method: str, weights: np.ndarray | None = None) -> np.ndarray:
        """IoU ``[R, S, K]`` of all cases' pixels pooled, cases weighted ``[R, N]``.

        A class that is neither there nor predicted is nan.
        """
        m = self.index(method)
        if weights is None:
            weights = np.ones((1, len(self.cases)))
        overlap, predicted = (
            np.einsum("rn,snk->rsk", weights, x[m], optimize=True)
            for x in (self.overlap, self.predicted)
        )
        union = predicted + (weights @ self.actual)[:, None] - overlap
        with np.errstate(invalid="ignore"):
            return overlap / union

    def mean_iou(
        self, method: str, weights: np.ndarray, classes: np.ndarray | None = None
    ) -> np.ndarray:
        """``[R, S]`` mean IoU over the classes chosen by ``[K]`` bool, by default all.

        Classes that are nowhere in the cases are left out.
        """
        chosen = self.actual.sum(axis=0) > 0
        if classes is not None:
            chosen &= classes
        return np.nanmean(self.iou(method, weights)[..., chosen], axis=-1)

    def ratio(self, method: str) -> np.ndarray:
        """``[S, K]`` predicted over true pixels of each class, all cases pooled."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.predicted[self.index(method)].sum(axis=1) / self.actual.sum(0)

    def thirds(self) -> np.ndarray:
        """``[N]`` 0, 1 or 2: which third of the cases by the size of the foreground.

        Cases without foreground are -1; equal sizes are in one third.
        """
        sizes = self.actual[:, 1:].sum(axis=-1)
        if not (sizes > 0).any():
            return np.full(len(sizes), -1)
        edges = np.quantile(sizes[sizes > 0], (1 / 3, 2 / 3))
        return np.where(sizes > 0, np.searchsorted(edges, sizes), -1)

    @property
    def sizes_differ(self) -> bool:
        """Whether the smallest and the largest third have cases enough to resample."""
        thirds = self.thirds()
        return min((thirds == k).sum() for k in (0, 2)) >= LEAST_CASES

    def estimate(self, statistic: Any) -> Estimate:
        """`bootstrap_runs` on the cases of the task."""
        return bootstrap_runs(statistic, len(self.cases), resamples=RESAMPLES)


def weighted_means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``[R, S]`` means of ``values [S, N]`` under ``weights [R, N]``; nan left out."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return (weights @ np.where(known, values, 0).T) / (weights @ known.T)


def true_positives(row: Row) -> np.ndarray:
    """``[K]`` pixels of each class where prediction and truth agree.

    Rows keep no intersections, but Dice is 2 TP over predicted plus actual pixels. With
    the six digits that rows keep this is exact for images below a million pixels.
    """
    dice = np.array([0.0 if x is None else x for x in row["dice"]])
    sums = np.add(row["predicted_pixels"], row["actual_pixels"])
    return np.rint(dice * sums / 2)


def tasks_of(results: Results) -> list[Task]:
    """One task for each data set and network that were compared."""
    shares = {d["name"]: np.array(d["class_shares"]) for d in results.about["datasets"]}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in results.rows:
        if is_main(row):
            found.setdefault((row["dataset"], row["model"]), []).append(row)
    return [
        _task(rows, dataset, model, shares[dataset])
        for (dataset, model), rows in found.items()
    ]


def is_main(row: Row) -> bool:
    """Whether a row (or the tags of a run) is of a loss at its best known settings."""
    known = {method.name: method for method in METHODS}[row["loss"]]
    return (row["weight"], row["temperature"]) == (known.weight, known.temperature)


def _task(
    rows: Sequence[dict[str, Any]], dataset: str, model: str, shares: np.ndarray
) -> Task:
    by_run: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in rows:
        by_run.setdefault((row["loss"], row["seed"]), {})[row["case"]] = row
    seeds = sorted({seed for _, seed in by_run})
    tried = [method.name for method in METHODS]
    methods = tuple(
        name for name in tried if all((name, seed) in by_run for seed in seeds)
    )
    cases = tuple(by_run[methods[0], seeds[0]])

    def gather(value: Any) -> np.ndarray:
        return np.array(
            [
                [[value(by_run[m, seed][case]) for case in cases] for seed in seeds]
                for m in methods
            ],
            float,
        )

    first = [by_run[methods[0], seeds[0]][case] for case in cases]
    num_classes = len(first[0]["actual_pixels"])
    columns = [name for name in SCORES if name in first[0]]
    return Task(
        dataset=dataset,
        kind=first[0]["kind"],
        model=model,
        methods=methods,
        cases=cases,
        classes=class_names(dataset, num_classes),
        shares=shares,
        pixels=np.array([row["pixels"] for row in first], float),
        actual=np.array([row["actual_pixels"] for row in first], float),
        predicted=gather(lambda row: row["predicted_pixels"]),
        overlap=gather(true_positives),
        probability=gather(lambda row: row["mean_foreground_probability"]),
        scores={
            name: gather(lambda row, name=name: foreground_mean(row, name))
            for name in columns
        },
    )


def class_names(dataset: str, num_classes: int) -> tuple[str, ...]:
    """Those of camvid, else numbers."""
    if dataset == "camvid" and num_classes == len(CAMVID_CLASSES):
        return tuple(CAMVID_CLASSES)
    return tuple(f"class {k}" for k in range(num_classes))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Point:
    """One point of the ablation.

    Attributes:
      loss, weight, temperature: of the runs.
      dice: ``[S, N]`` mean over foreground classes.
      proportion_errors: ``[S, N]``, see `Task.proportion_errors`.
    """

    loss: str
    weight: float
    temperature: float | None
    dice: np.ndarray
    proportion_errors: np.ndarray


def points_of(results: Results, task: Task) -> list[Point]:
    """The points of the ablation on a task, those of the comparison included.

    Only the seeds that every point has are taken, so that points can be compared.
    """
    known = {method.name: method for method in METHODS}
    found: dict[tuple[str, float, float | None], dict[int, dict[str, Row]]] = {}
    for row in results.rows:
        place = row["loss"], row["weight"], row["temperature"]
        mine = (row["dataset"], row["model"]) == (task.dataset, task.model)
        if mine and known[row["loss"]].weight is not None:
            runs = found.setdefault(place, {})
            runs.setdefault(row["seed"], {})[row["case"]] = row
    losses = [place[0] for place in found]
    found = {k: v for k, v in found.items() if losses.count(k[0]) > 1}
    if not found:
        return []
    seeds = sorted(set.intersection(*(set(runs) for runs in found.values())))

    def error(row: Row) -> float:
        gap = np.abs(np.subtract(row["predicted_pixels"], row["actual_pixels"]))
        return float(gap.sum() / row["pixels"])

    def gather(runs: dict[int, dict[str, Row]], value: Any) -> np.ndarray:
        return np.array([[value(runs[s][c]) for c in task.cases] for s in seeds], float)

    return [
        Point(
            loss=loss,
            weight=weight,
            temperature=temperature,
            dice=gather(runs, lambda row: foreground_mean(row, "dice")),
            proportion_errors=gather(runs, error),
        )
        for (loss, weight, temperature), runs in sorted(
            found.items(), key=lambda item: (list(known).index(item[0][0]), item[0][1:])
        )
    ]
