"""Rows of studies: JSON lines, one object a line, with the columns named here.

A file may be given as ``LOSS=FILE``: its rows are then of that loss, whatever they say.
So the ``cases.jsonl`` of `jaxseg evaluate` and the ``metrics.jsonl`` of a run are rows,
too. A score that is a list has one entry a class, background first, and counts by the
mean of its foreground entries; null is no score.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from jaxseg.errors import UserError
from jaxseg.files import digest_of, read_json, read_rows

Row = Mapping[str, Any]
Item = TypeVar("Item")
Key = TypeVar("Key")

COLUMNS: Mapping[str, str] = {
    "loss": "name of the loss, a label",
    "family": "of the loss, for the colours of a ranking; may be missing",
    "dataset": "name of the data set, a label; may be missing",
    "case": "name of the case, a label; may be missing",
    "seed": "of the run; may be missing",
    "dice": "Dice coefficient of the case in [0, 1]; --metric takes other scores",
    "foreground_share": "foreground pixels of the case over its pixels, in [0, 1]",
    "actual_pixels": "foreground pixels of the case, where the share is unknown",
    "lesion_free": "true where the case has no foreground, else false",
    "predicted_pixels": "pixels predicted as each class, background first",
    "pixels": "pixels of the case that count",
    "image": "small picture of the case, base64 of a JPEG or PNG; one row of it has it",
    "mask": "small picture of the predicted class ids, base64 of a PNG",
    "step": "optimizer step, for curves",
    "alpha": "weight of false positives, for Tversky sweeps",
    "beta": "weight of false negatives, for Tversky sweeps",
    "weight": "weight of a compound's second term (lambda), for ablations",
    "class": "name of a class, a label",
    "share": "true share of the pixels, of a class or of a region in its image",
    "predicted_share": "share of the image's pixels that are predicted as the region",
    "scheme": "which scores a ranking rests on, such as DSC+NSD",
    "score": "rank score, the larger the better",
    "low": "lower end of the score's interval; may be missing",
    "high": "upper end of the score's interval; may be missing",
    "claim": "what a paper found, a label",
    "effect": "measured, in multiples of the least that counts; null if unknown",
    "verdict": "on the claim: replicated, not replicated, or undecided",
}


TITLES: Mapping[str, str] = {
    "dice": "Dice coefficient",
    "jaccard": "Jaccard index",
    "f_half": "F0.5 score",
    "f_two": "F2 score",
    "hamming": "accuracy of the class against the rest",
    "nsd": "NSD, share of the surface within the tolerance",
    "hausdorff": "Hausdorff distance",
    "hd95": "95th percentile of the Hausdorff distance",
    "assd": "average surface distance",
    "validation_dice": "validation Dice",
    "gain": "gain in IoU over cross-entropy",
    "ratio": "predicted over true pixels",
}


def title(metric: str) -> str:
    """What an axis says of a score."""
    return TITLES.get(metric, metric.replace("_", " "))


def explain_columns(*names: str) -> str:
    """The columns that a picture reads, for its ``--help``."""
    lines = [f"  {name:<18}{COLUMNS[name]}" for name in names]
    return "\n".join(["columns of the rows:", *lines])


def load(specs: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of all files, those of ``LOSS=FILE`` labelled.

    Raises:
      UserError: a file is missing, damaged or empty.
    """
    rows = []
    for spec in specs:
        loss, equals, name = spec.partition("=")
        path = Path(name if equals else spec)
        if not path.is_file():
            raise UserError(f"ROWS {path}: there is no such file")
        found = read_rows(path)
        _require_summary_s(path)
        if not found:
            raise UserError(f"ROWS {path} holds no rows (JSON objects, one a line)")
        rows += [{**row, "loss": loss} if equals else row for row in found]
    return rows


def _require_summary_s(path: Path) -> None:
    """Refuses scores of cases that are not those of the summary beside them."""
    summary = path.with_name("summary.json")
    kept = read_json(summary).get("sha256", {}) if summary.is_file() else {}
    if path.name in kept and kept[path.name] != digest_of(path):
        raise UserError(
            f"ROWS {path} is not what {summary.name} beside it was made from: evaluate "
            "again"
        )


def number(row: Row, column: str) -> float:
    """A number of a row; NaN where it is null.

    Raises:
      UserError: the row has no such column, or no number there.
    """
    if column not in row:
        has = ", ".join(sorted(row)) or "none"
        raise UserError(f"a row has no column {column!r}; its columns are {has}")
    value = row[column]
    if isinstance(value, list):
        foreground = [x for x in value[1:] if x is not None]
        return float(np.mean(foreground)) if foreground else math.nan
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"column {column!r} holds {value!r}, which is no number")
    return float(value)


def label(row: Row, column: str, default: str | None = None) -> str:
    """A label of a row.

    Raises:
      UserError: it is missing and has no default.
    """
    if column in row:
        return str(row[column])
    if default is None:
        raise UserError(
            f"a row has no column {column!r}; give its file as LOSS=FILE"
            if column == "loss"
            else f"a row has no column {column!r}"
        )
    return default


def group(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items by key, in the order of their first appearance."""
    groups: dict[Key, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def group_by_dataset(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by data set."""
    return group(rows, lambda row: label(row, "dataset", ""))


def group_by_loss(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by loss."""
    return group(rows, lambda row: label(row, "loss"))


def scores(rows: Sequence[Row], metric: str) -> np.ndarray:
    """``[N]`` defined values of a score."""
    values = np.array([number(row, metric) for row in rows])
    return values[~np.isnan(values)]


def add_rows(parser: argparse.ArgumentParser, *columns: str) -> None:
    """The files, and a note on what they hold."""
    parser.add_argument(
        "rows", nargs="+", metavar="[LOSS=]ROWS", help="files of JSON lines"
    )
    parser.epilog = f"{parser.epilog or ''}\n\n{explain_columns(*columns)}"


def add_metric(parser: argparse.ArgumentParser, default: str = "dice") -> None:
    """``--metric``."""
    parser.add_argument(
        "--metric",
        default=default,
        metavar="COLUMN",
        help=f"which score of the rows (default {default})",
    )
