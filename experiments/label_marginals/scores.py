"""From rows of cases to proportions of regions, and the points of the ablation."""

from collections.abc import Mapping

import numpy as np

from experiments.label_marginals.losses import NAMES, TEMPERATURES, WEIGHTS
from experiments.protocol.results import Results, Row
from experiments.protocol.task import Task
from experiments.protocol.tasks import (
    actual_pixels,
    predicted_pixels,
    tasks_of,
    true_positives,
)
from jaxseg.statistics import Estimate

SMALL = 0.02
"""A class of a scene is small below this share of the training pixels."""
LEAST_CASES = 10
"""Fewer in a third of the sizes are at times all missing from a resample."""
CAMVID_CLASSES: Mapping[str, str] = {
    "sky": "sky",
    "building": "building",
    "pole": "pole",
    "road": "road",
    "pavement": "sidewalk",
    "tree": "vegetation",
    "sign": "traffic sign",
    "fence": "fence",
    "car": "car",
    "pedestrian": "person",
    "bicyclist": "bike",
}
"""The classes of camvid, in their order, to the nearest ones of Cityscapes."""


def is_main(row: Row) -> bool:
    """Whether a row (or the tags of a run) is of a loss at its best known settings."""
    best = WEIGHTS.get(row["loss"]), TEMPERATURES.get(row["loss"])
    return (row["weight"], row["temperature"]) == best


def comparison(results: Results) -> list[Task]:
    """One task for each data set and network that were compared."""
    return tasks_of(results, NAMES, keep=is_main)


def point_name(row: Row) -> str:
    """A loss with its weight and temperature."""
    parts = [row["loss"], f"weight {row['weight']:g}"]
    if row["temperature"] is not None:
        parts.append(f"temperature {row['temperature']:g}")
    return ", ".join(parts)


def points(results: Results, task: Task) -> Task | None:
    """The points of the ablation on a task, of losses with several; None if none.

    Only the seeds that every point has are taken, so that points can be compared.
    """
    rows = [row for row in results.rows if row["weight"] is not None]
    named = {point_name(row): row for row in rows}
    losses = [row["loss"] for row in named.values()]
    several = [n for n, row in named.items() if losses.count(row["loss"]) > 1]
    order = sorted(
        several,
        key=lambda n: (
            NAMES.index(named[n]["loss"]),
            named[n]["weight"],
            named[n]["temperature"] or 0,
        ),
    )
    full = max((row.get("steps") or 0 for row in rows), default=0)
    seeds: dict[str, set[int]] = {}
    for row in rows:
        if (row["dataset"], row.get("steps") or 0) == (task.dataset, full):
            seeds.setdefault(point_name(row), set()).add(row["seed"])
    common = set.intersection(*(seeds.get(n, set()) for n in order)) if order else set()
    found = tasks_of(
        results,
        order,
        method=point_name,
        keep=lambda row: (
            row["weight"] is not None
            and row["dataset"] == task.dataset
            and point_name(row) in several
            and row["seed"] in common
        ),
    )
    return next((one for one in found if one.model == task.model), None)


def weights_of(found: Task, loss: str, temperature: float | None) -> dict[float, str]:
    """The points of a loss at one temperature, by weight."""
    rows = {name: _some(found, name) for name in found.methods}
    chosen = {
        row["weight"]: name
        for name, row in rows.items()
        if (row["loss"], row["temperature"]) == (loss, temperature)
    }
    return dict(sorted(chosen.items()))


def _some(task: Task, name: str) -> Row:
    rows = task.rows[task.methods.index(name)].flat
    return next(row for row in rows if row is not None)


def facts_of(found: Task, name: str) -> tuple[str, float, float | None]:
    """Loss, weight and temperature of a point."""
    row = _some(found, name)
    return row["loss"], row["weight"], row["temperature"]


def class_names(task: Task) -> tuple[str, ...]:
    """Those of camvid, else numbers."""
    number = len(task.shares)
    if task.dataset == "camvid" and number == len(CAMVID_CLASSES):
        return tuple(CAMVID_CLASSES)
    return tuple(f"class {k}" for k in range(number))


def small(task: Task) -> np.ndarray:
    """``[K]`` bool, classes below the share `SMALL`."""
    return task.shares < SMALL


def proportion_error(row: Row) -> float:
    """L1 distance of predicted and true proportions of an image, between 0 and 2.

    The paper's L1(y, p) of Table 1 with hard predictions.
    """
    gap = np.abs(np.subtract(row["predicted_pixels"], row["actual_pixels"]))
    return float(gap.sum() / row["pixels"])


def predicted(row: Row) -> float:
    """Pixels predicted as foreground."""
    return float(sum(row["predicted_pixels"][1:]))


def soft(row: Row) -> float:
    """Pixels of foreground by the mean of their probabilities."""
    return row["mean_foreground_probability"] * row["pixels"]


def missed(row: Row) -> float:
    """1 if nothing of the foreground is found, else 0; nan if there is none."""
    if not sum(row["actual_pixels"][1:]):
        return float("nan")
    return float(true_positives(row)[1:].sum() == 0)


def actual(task: Task) -> np.ndarray:
    """``[N]`` pixels of the foreground."""
    return task.of_case(actual_pixels)[:, 1:].sum(axis=-1)


def ratio(task: Task, method: str) -> np.ndarray:
    """``[S, K]`` predicted over true pixels of each class, all cases pooled."""
    m = task.methods.index(method)
    found, true = (
        np.nansum(task.counts(x)[m], axis=1) for x in (predicted_pixels, actual_pixels)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return found / true


def thirds(task: Task) -> np.ndarray:
    """``[N]`` 0, 1 or 2: which third of the cases by the size of the foreground.

    Cases without foreground are -1; equal sizes are in one third.
    """
    sizes = actual(task)
    if not (sizes > 0).any():
        return np.full(len(sizes), -1)
    edges = np.quantile(sizes[sizes > 0], (1 / 3, 2 / 3))
    return np.where(sizes > 0, np.searchsorted(edges, sizes), -1)


def sizes_differ(task: Task) -> bool:
    """Whether the smallest and the largest third have cases enough to resample."""
    found = thirds(task)
    return min((found == k).sum() for k in (0, 2)) >= LEAST_CASES


def size_gap(task: Task, one: str, two: str) -> Estimate:
    """Predicted over true pixels of the largest third, of one loss less another."""
    large = thirds(task) == 2
    true = actual(task) * large

    def statistic(weights: np.ndarray) -> np.ndarray:
        total = (weights @ true)[:, None]
        sizes = [weights @ (task.of(predicted, m) * large).T for m in (one, two)]
        return np.where(total > 0, (sizes[0] - sizes[1]) / np.maximum(total, 1), np.nan)

    return task.estimate(statistic)
