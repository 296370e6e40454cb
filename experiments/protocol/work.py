"""Doing a job in its folder, from wherever an earlier try was stopped."""

import dataclasses
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from experiments.protocol import elsewhere
from experiments.protocol.folders import DONE, JOBS
from experiments.protocol.jobs import (
    WEIGHT_OF_SCORING,
    Job,
    PseudoLabels,
    RateSearch,
    Scoring,
    StepCost,
    Training,
    joined_name,
)
from experiments.protocol.pictures import pictures_of
from jaxseg.data.cases import read_labels_of
from jaxseg.data.collection import list_cases
from jaxseg.data.labels import LABELS, LabelMap, labels_json
from jaxseg.errors import UserError
from jaxseg.files import (
    digests_of,
    other_than,
    read_json,
    read_rows,
    write_json,
    write_rows,
)
from jaxseg.metrics.calibration import calibration_scores
from jaxseg.training.cases import TrainedNetwork, ensemble_probabilities
from jaxseg.training.config import RunConfig
from jaxseg.training.evaluation import VOID, Evaluation
from jaxseg.training.loop import (
    CONFIG,
    VALIDATION_CASES,
    DivergedError,
    Run,
    step_seconds,
)
from jaxseg.training.search import RATES, best_rate, with_learning_rate
from jaxseg.training.sources import (
    Examples,
    Subset,
    examples_of,
    held_back,
    spread,
)
from jaxseg.training.thresholds import most_probable

CASES = "cases.jsonl"
DATA = "data"
Tick = Callable[[float], object]
"""Called with the effort that has been spent since the last call."""


class FailedError(UserError):
    """A job cannot be done, and trying again would not help."""


def folder_of(root: Path, job: Job) -> Path:
    """Where a job's files are, under the folder of the study."""
    return root / JOBS / job.key


def outcome(root: Path, job: Job) -> dict[str, Any] | None:
    """What became of a job: ``{"failed": reason or None, ...}``; None if not done."""
    path = folder_of(root, job) / DONE
    return read_json(path) if path.is_file() else None


def forget_partial(root: Path, job: Job) -> bool:
    """Has a scoring done again whose cases are not those that it says it has.

    Returns:
      Whether that was so.
    """
    if not isinstance(job, Scoring):
        return False
    found = outcome(root, job)
    if found is None or found["failed"]:
        return False
    folder = folder_of(root, job)
    try:
        rows = read_rows(folder / CASES)
    except UserError:
        rows = []
    whole = len(rows) == found["cases"] and all("case" in row for row in rows)
    if whole and other_than(folder, found.get("sha256", {})) is None:
        return False
    (folder / DONE).unlink()
    return True


def perform(root: Path, job: Job, tick: Tick) -> None:
    """Does a job whose needs are met, and leaves ``done.json`` as its last file.

    A run that diverges, a search in which all do, and what builds on such a job are
    done as well: their ``done.json`` tells the reason.

    Raises:
      UserError: data that cannot be read, a full disk.
    """
    folder = folder_of(root, job)
    folder.mkdir(parents=True, exist_ok=True)
    before = time.monotonic()
    try:
        for needed in job.needs:
            found = outcome(root, needed)
            if found is None or found["failed"]:
                why = "is not done" if found is None else f"failed: {found['failed']}"
                raise FailedError(f"{needed.label} {why}")
        result = _DOING[type(job)](root, folder, elsewhere.here(job), tick)
    except (DivergedError, FailedError) as error:
        result = {"failed": str(error)}
    seconds = round(time.monotonic() - before, 3)
    write_json(
        folder / DONE,
        {"failed": None, "label": job.label, "seconds": seconds, **result},
    )


def _search(root: Path, folder: Path, job: RateSearch, tick: Tick) -> dict[str, Any]:
    del root
    config = job.config
    cases = examples_of(config, held_back(config, "validation"))
    some = Subset(cases, spread(range(len(cases)), VALIDATION_CASES))
    try:
        rate = best_rate(config, folder, job.rates, job.steps, some, _steps(tick))
    except UserError as error:
        if (folder / RATES).is_file():  # all were tried
            raise FailedError(str(error)) from error
        raise
    for trial in folder.iterdir():  # the scores are kept, the weights are not
        shutil.rmtree(trial / "checkpoints", ignore_errors=True)
    return {"learning_rate": rate, "trials": read_rows(folder / RATES)}


def settings_of(root: Path, job: Training) -> RunConfig:
    """The run's settings, with what its needs have found out."""
    config = job.config
    changes: dict[str, Any] = {}
    if job.rate is not None:
        found = outcome(root, job.rate)
        assert found is not None
        config = with_learning_rate(config, found["learning_rate"])
    if job.start is not None:
        changes["start_run"] = str(folder_of(root, job.start))
    if job.labelled is not None:
        changes["data"] = str(folder_of(root, job.labelled) / DATA)
        changes["labels"] = None  # pseudo-labels are class ids
    return dataclasses.replace(config, **changes)


def _train(root: Path, folder: Path, job: Training, tick: Tick) -> dict[str, Any]:
    config = settings_of(root, job)
    write_json(folder / CONFIG, config.to_json())
    spent: list[float] = []
    last = time.monotonic()

    def report(row: dict[str, Any]) -> None:
        nonlocal last
        now = time.monotonic()
        spent.append(now - last)
        last = now
        _steps(tick)(row)

    state = Run(config, folder).train(None, report=report)
    rows = [row for row in read_rows(folder / "metrics.jsonl") if "loss" in row]
    return {
        "steps": int(state.step),
        "learning_rate": config.learning_rate,
        "first_loss": rows[0]["loss"],
        "last_loss": rows[-1]["loss"],
        "milliseconds": 1000 * statistics.median(spent) if spent else None,
    }


def _steps(tick: Tick) -> Callable[[dict[str, Any]], object]:
    """Tells `tick` of each row that ends a step."""
    return lambda row: None if "validation_dice" in row else tick(1)


def load_trained(root: Path, job: Training) -> TrainedNetwork:
    """The network of a run that is done.

    Raises:
      UserError: its checkpoint is damaged or gone.
    """
    config = settings_of(root, job)
    folder = folder_of(root, job)
    objective, state = Run(config, folder).restore()
    if state is None:
        raise UserError(
            f"{folder} has no whole checkpoint any more: remove the folder, and the "
            "study trains it again"
        )
    return TrainedNetwork(config, objective.apply, state.variables)


def cases_of(root: Path, job: Scoring) -> Examples:
    """The cases that a scoring is about."""
    config = settings_of(root, job.members[0])
    first = job.members[0]
    same = first.dataset.digest == job.dataset.digest
    of_run = same and first.labelled is None and not job.own_split
    cases = (
        held_back(config, job.split)
        if of_run
        else list_cases(job.dataset.path, job.split)
    )
    found = examples_of(config, cases, job.dataset.labels)
    if job.limit is None:
        return found
    return Subset(found, spread(range(len(found)), job.limit))


def _score(root: Path, folder: Path, job: Scoring, tick: Tick) -> dict[str, Any]:
    members = [load_trained(root, member) for member in job.members]
    cases = cases_of(root, job)
    evaluation = Evaluation(job.dataset.num_classes, surfaces=job.surfaces)
    share = job.effort / max(len(cases), 1)
    for case, probs in ensemble_probabilities(members, cases, job.how):
        assert case.labels is not None
        evaluation.add(
            case.name,
            most_probable(probs),
            case.labels,
            probs=probs if job.calibration else None,
            spacing_mm=case.spacing_mm,
        )
        row = evaluation.rows[-1]
        counted = case.labels != VOID
        row["pixels"] = int(counted.sum())
        row["foreground_share"] = float((case.labels[counted] > 0).mean())
        row["mean_foreground_probability"] = float(1 - probs[..., 0][counted].mean())
        if job.calibration:
            counts = evaluation.calibrations[-1]
            top = [counts.top.predictions, counts.top.confidence, counts.top.hits]
            row["calibration"] = calibration_scores(counts).to_json()
            row["calibration"]["bins"] = [list(map(float, x)) for x in top]
        row |= pictures_of(case, most_probable(probs), job.keep)
        tick(share)
    write_rows(folder / CASES, evaluation.rows)
    return {
        "cases": len(evaluation.rows),
        "sha256": digests_of(folder, (CASES,)),
        "summary": evaluation.summary().to_json(),
    }


def _label(root: Path, folder: Path, job: PseudoLabels, tick: Tick) -> dict[str, Any]:
    members = [load_trained(root, member) for member in job.members]
    out = folder / DATA
    shutil.rmtree(out, ignore_errors=True)  # of an earlier try
    images, masks = (out / "train" / kind for kind in ("images", "masks"))
    for place in (images, masks):
        place.mkdir(parents=True)
    for split in job.labelled:
        for case in list_cases(job.dataset.path, split):
            name = joined_name(split, case.image.name)
            elsewhere.place_image(case.image, images / name)
            target = masks / f"{joined_name(split, case.name)}.png"
            ids = job.dataset.labels.ids(read_labels_of(case))
            Image.fromarray(ids).save(target)
    count = found_foreground = 0
    for split in job.unlabelled:
        cases = list_cases(job.dataset.path, split)
        files = {case.name: case.image for case in cases}
        unseen = [case.unlabelled for case in cases]
        found = examples_of(members[0].config, unseen)
        for case, probs in ensemble_probabilities(members, found, job.how):
            mask, image = most_probable(probs), files[case.name]
            elsewhere.place_image(image, images / joined_name(split, image.name))
            target = masks / f"{joined_name(split, case.name)}.png"
            Image.fromarray(mask.astype(np.uint8)).save(target)
            count += 1
            found_foreground += bool(mask.any())
            tick(WEIGHT_OF_SCORING)
    write_json(out / LABELS, labels_json(LabelMap.of_ids(job.dataset.num_classes)))
    return {"cases": count, "with_foreground": found_foreground}


def _time(root: Path, folder: Path, job: StepCost, tick: Tick) -> dict[str, Any]:
    """The shortest of several steps: what is left when nothing else disturbs."""
    del folder
    config = settings_of(root, job.training)
    milliseconds = []
    for seconds in step_seconds(config, job.repeats):
        milliseconds.append(1000 * seconds)
        tick(1)
    return {"milliseconds": min(milliseconds)}


_DOING: dict[type, Callable[..., dict[str, Any]]] = {
    RateSearch: _search,
    Training: _train,
    Scoring: _score,
    PseudoLabels: _label,
    StepCost: _time,
}
