"""Data that a machine finds under another path than the one that planned the study."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.protocol.dataset import Dataset
from experiments.protocol.jobs import Job
from jaxseg.data.collection import list_cases
from jaxseg.errors import UserError

VARIABLE = "JAXSEG_DATA"
"""Folders of data sets, separated as in PATH: a data set is found by its name."""


def place_of(dataset: Dataset) -> Path:
    """Where a data set lies on this machine: under `VARIABLE`, or as planned."""
    for folder in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        if (place := Path(folder) / dataset.name).is_dir():
            return place.resolve()
    return dataset.path


def is_moved(dataset: Dataset) -> bool:
    """Whether a data set lies elsewhere here than where it was planned."""
    return place_of(dataset) != dataset.path


def here(job: Job) -> Job:
    """The job with data where they lie on this machine; its key stays."""
    if os.environ.get(VARIABLE) is None:
        return job
    return _replaced(
        job, lambda dataset: dataclasses.replace(dataset, path=place_of(dataset))
    )


def datasets_of(job: Job) -> dict[str, Dataset]:
    """The data sets that a job and what it needs are about, by digest."""
    found: dict[str, Dataset] = {}
    for needed in job.needs:
        found |= datasets_of(needed)
    own = getattr(job, "dataset", None)
    return found if own is None else {**found, own.digest: own}


def without_cases(job: Job) -> Job:
    """The job without lists of cases, which only planning needs; small to send."""
    return _replaced(
        job,
        lambda dataset: dataclasses.replace(dataset, hashes={}, patients={}),
    )


def missing(dataset: Dataset) -> str | None:
    """What is wrong with a data set on this machine, as a sentence; None if nothing."""
    place = place_of(dataset)
    about = f"the data set {dataset.name} at {place}"
    way = f"set {VARIABLE} there to the folder that holds {dataset.name}"
    if not place.is_dir():
        return f"does not see {about}: {way}"
    try:
        counts = {split: len(list_cases(place, split)) for split in dataset.counts}
    except UserError as error:
        return f"cannot read {about}: {error}"
    for split, count in dataset.counts.items():
        if counts[split] != count:
            return (
                f"has {counts[split]} cases of {split!r} in {about}, where the study "
                f"was planned with {count}: {way}"
            )
    return None


def place_image(image: Path, target: Path) -> None:
    """Has an image in a study's folder, where machines see it that have no such path.

    It takes no room where the file system lets one file have two names.
    """
    try:
        os.link(image.resolve(), target)
    except OSError:
        shutil.copyfile(image, target)


def _replaced(job: Any, change: Callable[[Dataset], Dataset]) -> Any:
    """A job, and all jobs in it, with data sets changed and settings that follow."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(job):
        value = getattr(job, field.name)
        if isinstance(value, Dataset):
            changes[field.name] = change(value)
        elif isinstance(value, Job):
            changes[field.name] = _replaced(value, change)
        elif field.name == "members":
            changes[field.name] = tuple(_replaced(x, change) for x in value)
    if "dataset" in changes and hasattr(job, "config"):
        before, after = str(job.dataset.path), str(changes["dataset"].path)
        if job.config.data == before != after:
            changes["config"] = dataclasses.replace(job.config, data=after)
    return dataclasses.replace(job, **changes)
