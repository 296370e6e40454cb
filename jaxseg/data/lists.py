"""Lists of cases: CSV, TSV or JSON with an image and its mask a row."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxseg.data.cases import Case, case_name
from jaxseg.errors import UserError
from jaxseg.files import like

SUFFIXES = (".csv", ".tsv", ".json")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "images", "image_path", "img"),
    "mask": ("mask", "masks", "label", "labels", "mask_path", "segmentation"),
    "split": ("split", "set", "subset"),
    "patient": ("patient", "patient_id", "subject", "group"),
    "name": ("name", "case", "id"),
    "annotated": ("annotated", "annotated_for"),
}
"""What each column may be called, in any case of letters."""
_SPLITS = {"val": "validation", "valid": "validation", "training": "train"}


def is_list(path: Path) -> bool:
    """Whether a path is that of a list, and not of a folder."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def read_list(path: Path) -> tuple[list[Case], list[str] | None]:
    """Cases of a list, and the split of each; None if there is no such column.

    Files are looked for beside the list. Masks of several raters are one cell with "|"
    between them, or a list in JSON, and so are the classes that a case is annotated
    for. A row without a mask has no ground truth.

    Raises:
      UserError: the list is missing or ill-formed, or names a file that is not there;
        the sentence names the row.
    """
    rows = [_rename_columns(row) for row in _rows(path)]
    if not rows:
        raise UserError(f"{path} lists no cases")
    cases, splits = [], []
    for number, row in enumerate(rows, start=1):
        where = f"{path}, case {number}"
        if not row.get("image"):
            raise UserError(f"{where} has no 'image'; columns are {', '.join(COLUMNS)}")
        image = _file(path, where, row["image"])
        masks = [_file(path, where, name) for name in _parts(row.get("mask", ""))]
        name = row.get("name") or case_name(image)
        cases.append(
            Case(
                name,
                image,
                masks[0] if masks else None,
                patient=row.get("patient") or None,
                raters=tuple(masks[1:]),
                by_rater=len(masks) > 1,
                annotated=tuple(_parts(row.get("annotated", ""))) or None,
            )
        )
        splits.append(_SPLITS.get(row.get("split", ""), row.get("split", "")))
    _require_distinct(path, cases)
    if not any(splits):
        return cases, None
    if not all(splits):
        number = splits.index("") + 1
        raise UserError(f"{path}, case {number} has no 'split', though others have")
    _require_whole_patients(path, cases, splits)
    return cases, splits


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a mark
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8: {error}") from error
    if path.suffix.lower() == ".json":
        try:
            rows = json.loads(text)
        except ValueError as error:
            raise UserError(f"{path} is not valid JSON: {error}") from error
        rows = rows.get("cases") if isinstance(rows, dict) else rows
        if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
            raise UserError(
                f'{path}: expected [{{"image": FILE, "mask": FILE}}, ...], with '
                '"split" and "patient" if they are known'
            )
        return rows
    first = text.partition("\n")[0]
    between = next((mark for mark in ("\t", ";") if mark in first), ",")
    return list(csv.DictReader(io.StringIO(text), delimiter=between))


def _rename_columns(row: Mapping[Any, Any]) -> dict[str, str]:
    """A row with its columns by our names; others are left out."""
    given = {
        str(column).strip().lower(): (
            "|".join(map(str, value)) if isinstance(value, list) else str(value).strip()
        )
        for column, value in row.items()
        if column is not None and value is not None
    }
    return {
        ours: given[theirs]
        for ours, names in COLUMNS.items()
        for theirs in names
        if theirs in given
    }


def _parts(text: str) -> list[str]:
    """What "a | b" names, one after the other."""
    return [part.strip() for part in text.split("|") if part.strip()]


def _file(path: Path, where: str, name: str) -> Path:
    file = path.parent / name
    if not file.is_file() and "\\" in name:  # written on Windows
        file = path.parent / name.replace("\\", "/")
    if file.is_dir():
        raise UserError(f"{where}: {file} is a folder, not a file")
    if not file.is_file():
        raise UserError(f"{where}: there is no {file}{like(file)}")
    return file


def _require_distinct(path: Path, cases: Sequence[Case]) -> None:
    seen: dict[str, Case] = {}
    for case in cases:
        other = seen.setdefault(case.name, case)
        if other is not case and other.image == case.image:
            raise UserError(f"{path} lists {case.image} twice")
        if other is not case:
            raise UserError(
                f"{path} has two cases named {case.name} ({other.image} and "
                f"{case.image}): add a column 'name'"
            )


def _require_whole_patients(
    path: Path, cases: Sequence[Case], splits: Sequence[str]
) -> None:
    of_patient: dict[str, tuple[str, str]] = {}
    for case, split in zip(cases, splits, strict=True):
        if case.patient is None:
            continue
        first = of_patient.setdefault(case.patient, (split, case.name))
        if first[0] != split:
            raise UserError(
                f"{path} has patient {case.patient} in two splits: {first[1]} in "
                f"{first[0]} and {case.name} in {split}"
            )
