"""Tasks with what they need for verdicts: budgets, curves, collapsed runs."""

import dataclasses
import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from experiments.protocol.learning import Curve
from experiments.protocol.results import Results, Row
from experiments.protocol.scale import TRIAL
from experiments.protocol.task import Task, place_of, seed_of, task_of


def true_positives(row: Row) -> np.ndarray:
    """``[K]`` pixels of each class where prediction and truth agree.

    Rows keep no intersections, but Dice is 2 TP over predicted plus actual pixels. With
    the six digits that rows keep this is exact for images below a million pixels.
    """
    dice = np.array([0.0 if x is None else x for x in row["dice"]])
    sums = np.add(row["predicted_pixels"], row["actual_pixels"])
    return np.rint(dice * sums / 2)


def actual_pixels(row: Row) -> list[float]:
    """Of each class; of two classes they follow from the share of the foreground."""
    if "actual_pixels" in row:
        return row["actual_pixels"]
    found = row["foreground_share"] * row["pixels"]
    return [row["pixels"] - found, found]


def predicted_pixels(row: Row) -> list[float]:
    """How many pixels are predicted of each class."""
    return row["predicted_pixels"]


def iou(task: Task, method: str, weights: np.ndarray) -> np.ndarray:
    """IoU ``[R, S, K]`` of all cases' pixels pooled, cases weighted ``[R, N]``.

    A class that is neither there nor predicted is nan.
    """
    m = task.methods.index(method)
    overlap, predicted, actual = (
        np.einsum(
            "rn,snk->rsk", weights, np.nan_to_num(task.counts(x)[m]), optimize=True
        )
        for x in (true_positives, predicted_pixels, actual_pixels)
    )
    with np.errstate(invalid="ignore"):
        return overlap / (predicted + actual - overlap)


def mean_iou(
    task: Task, method: str, weights: np.ndarray, classes: np.ndarray | None = None
) -> np.ndarray:
    """``[R, S]`` mean IoU over the classes chosen by ``[K]`` bool, by default all.

    Classes that are nowhere in the cases are left out.
    """
    chosen = task.of_case(actual_pixels).sum(axis=0) > 0
    if classes is not None:
        chosen &= classes
    return iou(task, method, weights)[..., chosen].mean(axis=-1)


def even(task: Task) -> np.ndarray:
    """``[1, N]`` weights with which every case counts alike."""
    return np.full((1, len(task.cases)), 1 / len(task.cases))


def score(task: Task, method: str) -> float:
    """What learning is judged by: mean Dice, of scenes the mean IoU."""
    if task.kind == "scene":
        return float(np.nanmean(mean_iou(task, method, even(task))))
    return task.mean("dice", method)


def naive(task: Task) -> tuple[float, float]:
    """The same of predicting class 0 everywhere, and of the best other class.

    A class that is in neither mask scores 1, as it does for networks.
    """
    actual = task.of_case(actual_pixels)
    total = actual.sum(axis=-1, keepdims=True)
    classes = actual.shape[1]
    if task.kind == "scene":
        pooled = actual.sum(axis=0)
        found = pooled / pooled.sum() / np.sum(pooled > 0)
    else:
        of_class = 2 * actual / (total + actual)  # of a class, predicted everywhere
        absent = (actual == 0).astype(float)
        found = np.array(
            [
                np.where(np.arange(classes) == c, of_class, absent)[:, 1:].mean()
                for c in range(classes)
            ]
        )
    return float(found[0]), float(found[1:].max())


def _mask_task(task: Task, method: str, mask: np.ndarray) -> Task:
    """One loss with the runs and cases alone that ``[S, N]`` names and that it has."""
    rows = task.rows[task.methods.index(method)]
    mask = mask & np.array([[row is not None for row in line] for line in rows])
    chosen = np.full((1, *rows.shape), None, object)
    chosen[0, mask] = rows[mask]
    part = dataclasses.replace(task, methods=(method,), rows=chosen, _kept={})
    return part.only(np.any(mask, axis=0) & np.ones(len(task.cases), bool))


def drop_collapsed(task: Task) -> Task:
    """The task with the runs left out that collapsed, see `learning`."""
    rows, gone = task.rows.copy(), []
    for m, method in enumerate(task.methods):
        learned: dict[tuple[int, int], bool] = {}
        for run, fold in itertools.product(
            range(len(task.runs)), np.unique(task.folds)
        ):
            mask = np.zeros(task.rows.shape[1:], bool)
            mask[run] = task.folds == fold
            part = _mask_task(task, method, mask)
            if part.cases:
                learned[run, fold] = score(part, method) > max(naive(part))
        for (run, fold), has in learned.items():
            if any(learned.values()) and not has:
                rows[m, run, task.folds == fold] = None
                gone.append(f"{method}, run {run + 1}, fold {fold + 1}")
    if not gone:
        return task
    left = dataclasses.replace(task, rows=rows, _kept={})
    return dataclasses.replace(left, collapsed=tuple(gone), including=task)


def curve_of(tasks: Sequence[Task], method: str) -> Curve:
    """What a loss reached at each budget, on the runs and cases that all have."""

    def cells(task: Task) -> np.ndarray:
        keys = np.empty(task.rows.shape[1:], object)
        for place in itertools.product(range(len(task.runs)), range(len(task.cases))):
            keys[place] = task.runs[place[0]], task.cases[place[1]]
        return keys

    def there(task: Task) -> set:
        rows = task.rows[task.methods.index(method)]
        return {key for key, row in zip(cells(task).flat, rows.flat, strict=True)
                if row is not None}  # fmt: skip

    having = [task for task in tasks if task.has(method)]
    shared = set.intersection(*(there(task) for task in having))
    if not shared:
        having, shared = having[-1:], there(having[-1])
    found = []
    for task in having:
        keys = cells(task)
        mask = np.array([[key in shared for key in line] for line in keys])
        found.append(_mask_task(task, method, mask))
    nothing, everything = naive(found[-1])
    return Curve(
        steps=tuple(task.steps for task in found),
        scores=tuple(score(task, method) for task in found),
        nothing=nothing,
        everything=everything,
    )


def tasks_of(
    results: Results,
    names: Sequence[str],
    *,
    method: Callable[[Row], str] = lambda row: row["loss"],
    run: Callable[[Row], Hashable] = seed_of,
    case: Callable[[Row], Hashable] = place_of,
    keep: Callable[[Row], bool] = lambda _: True,
) -> list[Task]:
    """One task for each data set and network, at all steps, with the earlier ones.

    Args:
      results: of a study.
      names: of the losses, in their order.
      method: row to the name of its loss.
      run: row to what tells runs on one case apart.
      case: row to what tells cases apart.
      keep: whether a row counts.
    """
    found = []
    models = {run["run"]: run["config"]["model"] for run in results.runs
              if "model" in run["config"]}  # fmt: skip
    known = {run["run"]: run["config"].get("steps") for run in results.runs}
    for facts in results.about["datasets"]:
        mine = [row for row in results.rows if row["dataset"] == facts["name"]]
        mine = [row for row in mine if keep(row)]

        def model_of(row: Row) -> str:
            return row.get("model") or models.get(row["run"][0], "")

        def steps_of(row: Row) -> int:
            return row.get("steps") or known.get(row["run"][0]) or 0

        for model in dict.fromkeys(map(model_of, mine)):
            rows = [row for row in mine if model_of(row) == model]
            budgets = sorted({steps_of(row) for row in rows})
            made = [
                task_of(
                    [row for row in rows if steps_of(row) == steps], names, facts,
                    model=model, steps=steps, method=method, run=run, case=case,
                )
                for steps in budgets
            ]  # fmt: skip
            found.append(_finish(results, made))
    return found


def _finish(results: Results, made: Sequence[Task]) -> Task:
    """The last task with curves, collapsed runs and unfinished losses set apart."""
    *earlier, task = made
    task = _whole(results, task)
    task = drop_collapsed(task)
    curves = {name: curve_of([*earlier, task], name) for name in task.methods}
    trial = results.about["scale"] == TRIAL
    more: dict[str, Any] = dict(earlier=tuple(earlier), curves=curves, trial=trial)
    if task.including is not None:
        more["including"] = dataclasses.replace(task.including, curves=curves)
    return dataclasses.replace(task, **more)


def _whole(results: Results, task: Task) -> Task:
    """Without losses of which a run is not done yet; those that failed stay."""
    failed = {
        (run["tags"].get("loss"), run["tags"].get("fold", 0))
        for run in results.runs
        if run["failed"] and run["failed"] != "not done"
    }
    out = []
    for m, method in enumerate(task.methods):
        missing = {
            int(task.folds[n])
            for n in range(len(task.cases))
            if any(row is None for row in task.rows[m, :, n])
        }
        if missing and not any(loss == method for loss, _ in failed):
            out.append(method)
    if not out or len(out) == len(task.methods):
        return task
    kept = [m for m, method in enumerate(task.methods) if method not in out]
    return dataclasses.replace(
        task,
        methods=tuple(task.methods[m] for m in kept),
        rows=task.rows[kept],
        left_out=tuple(out),
        _kept={},
    )
