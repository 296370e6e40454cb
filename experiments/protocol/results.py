"""The results of a study as three files: rows of cases, rows of runs, and what was run.

Everything that a report says is computed from these files alone, so that each of its
numbers can be traced and computed again.
"""

import dataclasses
import gzip
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.protocol.jobs import (
    Job,
    RateSearch,
    Scoring,
    StepCost,
    Training,
    order_jobs,
    scorings,
)
from experiments.protocol.pictures import PICTURES
from experiments.protocol.work import CASES, folder_of, outcome, settings_of
from jaxseg.errors import UserError
from jaxseg.files import (
    digests_of,
    other_than,
    read_json,
    read_rows,
    replacing,
    write_json,
    write_rows,
)

ROWS, RUNS, ABOUT = "rows.jsonl", "runs.jsonl", "study.json"
PACKED = ROWS + ".gz"
DIGESTS = "sha256"
"""Of the rows and runs that a summary was written with, by file."""
DIGITS = 6
"""Significant digits of stored scores."""
BY_CLASS = (
    "dice",
    "jaccard",
    "f_half",
    "f_two",
    "sensitivity",
    "precision",
    "hamming",
    "volume_difference",
    "actual_pixels",
    "predicted_pixels",
)
SURFACES = ("hausdorff", "hd95", "assd", "nsd")
OF_CASE = ("lesion_free", "pixels", "foreground_share", "mean_foreground_probability")
OF_RUN = (
    "loss",
    "hyper",
    "class_weights",
    "pretrain_loss",
    "weights",
    "seed",
    "fold",
    "steps",
    "batch_size",
    "size",
    "model",
    "width",
    "depth",
    "optimizer",
    "learning_rate",
    "schedule",
    "augment",
)
Row = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Results:
    """What a study has found.

    Attributes:
      about: scale, settings, data sets, machine, versions, time.
      rows: one per scoring and case: the tags of the scoring, ``run`` (keys of the
        runs), ``case``, scores by class (background first), surface scores by class,
        and facts of the case.
      runs: one per training: its tags, key, settings that matter, seconds, milliseconds
        a step, losses, and why it failed.
    """

    about: dict[str, Any]
    rows: list[dict[str, Any]]
    runs: list[dict[str, Any]]

    def where(self, **tags: Any) -> list[dict[str, Any]]:
        """The rows whose tags have these values."""
        return [
            row for row in self.rows if all(row.get(k) == v for k, v in tags.items())
        ]

    def values(self, tag: str) -> list[Any]:
        """The values of a tag, in the order of first appearance."""
        return list(dict.fromkeys(row[tag] for row in self.rows if tag in row))


def foreground_mean(row: Row, score: str) -> float:
    """A row's score; of one by class the mean over foreground classes; nan if none."""
    value = row.get(score)
    if isinstance(value, list):
        defined = [x for x in value[1:] if x is not None]
        return float(np.mean(defined)) if defined else math.nan
    return math.nan if value is None else float(value)


def collect(root: Path, jobs: Sequence[Job], about: dict[str, Any]) -> Results:
    """Reads what the jobs have left and writes the three files.

    Args:
      root: folder of the study.
      jobs: of the study, as planned.
      about: what else the report shall tell.
    """
    rows = [
        _row(job, row)
        for job in scorings(jobs)
        for row in read_rows(folder_of(root, job) / CASES)
    ]
    ordered = order_jobs(jobs)
    named = {job.key: job.tags for job in jobs if isinstance(job, Training)}
    costs = {
        job.training.key: found.get("milliseconds")
        for job in ordered
        if isinstance(job, StepCost) and (found := outcome(root, job)) is not None
    }
    runs = [
        _run_row(root, job, named.get(job.key, job.tags))
        | {"step_cost": round_numbers(costs.get(job.key))}
        for job in ordered
        if isinstance(job, Training)
    ]
    done = [outcome(root, job) for job in ordered]
    whole = {
        **about,
        "jobs": len(ordered),
        "seconds": round(sum(x["seconds"] for x in done if x is not None), 1),
        "searches": [
            {"label": job.label, **_plain_outcome(root, job)}
            for job in ordered
            if isinstance(job, RateSearch)
        ],
    }
    write_rows(root / ROWS, rows)
    write_rows(root / RUNS, runs)
    _write_about(root, whole, ROWS)
    return Results(about=whole, rows=rows, runs=runs)


def read_results(folder: Path) -> Results:
    """The results kept in a folder, packed or not.

    Raises:
      UserError: a file is missing or damaged.
    """
    packed = folder / PACKED
    if packed.is_file():
        try:
            text = gzip.decompress(packed.read_bytes()).decode()
            rows = [json.loads(line) for line in text.splitlines()]
        except (OSError, EOFError, ValueError) as error:
            raise UserError(f"{packed} is damaged: {error}") from error
    elif (folder / ROWS).is_file():
        rows = read_rows(folder / ROWS)
    else:
        raise UserError(f"{folder} holds no results of a study: it has no {ROWS}")
    about = read_json(folder / ABOUT)
    changed = other_than(folder, about.pop(DIGESTS, {}))
    if changed is not None:
        raise UserError(
            f"{folder / changed} is not what {ABOUT} was written with: run the study "
            "again, which makes its results from the jobs that are done"
        )
    return Results(about=about, rows=rows, runs=read_rows(folder / RUNS))


def pack_results(
    results: Results, folder: Path, *, without: Sequence[str] = ()
) -> None:
    """Writes the three files, the rows compressed; equal results are equal files.

    Args:
      results: to write.
      folder: to write to.
      without: columns of the rows to leave out.
    """
    kept = ({k: v for k, v in row.items() if k not in without} for row in results.rows)
    text = "".join(json.dumps(row) + "\n" for row in kept)
    with replacing(folder / PACKED) as file:
        file.write(gzip.compress(text.encode(), 9, mtime=0))
    write_rows(folder / RUNS, results.runs)
    _write_about(folder, results.about, PACKED)


def _write_about(folder: Path, about: Mapping[str, Any], rows: str) -> None:
    """Writes what a study tells of its results, last of the three files."""
    digests = digests_of(folder, (rows, RUNS))
    write_json(folder / ABOUT, {**about, DIGESTS: digests})


def machine() -> dict[str, Any]:
    """What the numbers were made on."""
    device = jax.devices()[0]
    kind = device.device_kind if device.platform != "cpu" else platform.machine()
    return {
        "device": f"{device.platform} ({kind})",
        "devices": jax.device_count(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax")},
    }


def round_numbers(value: Any) -> Any:
    """Numbers to `DIGITS` significant digits, in lists as well."""
    if isinstance(value, list):
        return [round_numbers(x) for x in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _row(job: Scoring, row: Row) -> dict[str, Any]:
    """A case of a scoring as it is stored."""
    return {
        **job.tags,
        **job.case_tags.get(row["case"], {}),
        "run": [member.key for member in job.members],
        **_keep_columns(row, job.columns),
    }


def _keep_columns(row: Row, columns: Sequence[str] | None) -> dict[str, Any]:
    """The columns of a case that studies report, of scores those named."""

    def wanted(name: str) -> bool:
        return columns is None or name in columns

    kept = {"case": row["case"]}
    kept |= {name: round_numbers(row[name]) for name in OF_CASE}
    kept |= {name: round_numbers(row[name]) for name in BY_CLASS if wanted(name)}
    kept |= {name: row[name] for name in PICTURES if name in row}
    surfaces = row.get("surfaces")
    if surfaces:
        kept |= {name: round_numbers(surfaces[name]) for name in SURFACES}
    if "calibration" in row:
        scores = row["calibration"].items()
        kept["calibration"] = {k: round_numbers(v) for k, v in scores if wanted(k)}
    return kept


def _plain_outcome(root: Path, job: Job) -> dict[str, Any]:
    found = outcome(root, job)
    return {"failed": "not done"} if found is None else {**found, "label": job.label}


def _run_row(root: Path, job: Training, tags: dict[str, Any]) -> dict[str, Any]:
    found = _plain_outcome(root, job)
    whole = found["failed"] is None
    config = settings_of(root, job).to_json() if whole else job.config.to_json()
    return {
        "run": job.key,
        "tags": tags,
        "data": job.dataset.name,
        "config": {name: config[name] for name in OF_RUN},
        "start": None if job.start is None else job.start.key,
        **{k: round_numbers(v) for k, v in found.items() if k != "label"},
    }
