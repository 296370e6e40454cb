"""Folders of the Medical Segmentation Decathlon: ``dataset.json`` and its volumes."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxseg.data.cases import Case
from jaxseg.data.images import VOID
from jaxseg.data.labels import LabelMap
from jaxseg.data.volumes import VOLUME_SUFFIXES, is_volume, volume_name
from jaxseg.errors import UserError
from jaxseg.files import read_json

INDEX = "dataset.json"
_LISTS = {"train": "training", "validation": "validation", "test": "test"}


@dataclasses.dataclass(frozen=True)
class Index:
    """What ``dataset.json`` says.

    Attributes:
      path: of the file.
      modalities: one name per channel, such as "CT".
      labels: what values mean; 255 is void.
      lists: entries of each split that has any; an entry is a pair of image and label,
        the label None where there is none.
    """

    path: Path
    modalities: tuple[str, ...]
    labels: LabelMap
    lists: dict[str, tuple[tuple[Path, Path | None], ...]]


def is_decathlon(folder: Path) -> bool:
    """Whether the folder is one of volumes."""
    return (folder / INDEX).is_file()


def read_index(folder: Path) -> Index:
    """The index of a folder, with every file it names looked for.

    Raises:
      UserError: the file is no JSON, lacks a part, or names a file that is not there.
    """
    path = folder / INDEX
    content = read_json(path)
    lists = {}
    for split, key in _LISTS.items():
        entries = content.get(key, [])
        if not isinstance(entries, list):
            raise UserError(f"{path}: {key!r} is not a list")
        if entries:
            lists[split] = tuple(_entry(path, key, entry) for entry in entries)
    return Index(
        path=path,
        modalities=_read_numbered(path, content, "modality"),
        labels=_labels(path, content),
        lists=lists,
    )


def list_volumes(folder: Path, split: str) -> list[Case]:
    """Cases of a split by name; `mask` is None where there is no ground truth.

    Raises:
      UserError: see `read_index`; or there is no such split.
    """
    index = read_index(folder)
    if split not in index.lists:
        raise UserError(
            f"{index.path} has no split {split!r} (it has "
            f"{', '.join(index.lists) or 'none'}): expected a list "
            f"{_LISTS.get(split, split)!r}"
        )
    cases = [
        Case(volume_name(image), image, label) for image, label in index.lists[split]
    ]
    _require_distinct(index.path, cases)
    return sorted(cases, key=lambda case: case.name)


def _require_distinct(path: Path, cases: Sequence[Case]) -> None:
    seen = set()
    for case in cases:
        if case.name in seen:
            raise UserError(f"{path} lists {case.image} twice in one split")
        seen.add(case.name)


def _entry(path: Path, key: str, entry: Any) -> tuple[Path, Path | None]:
    """Image and label of one line of the index."""
    both = {"image": entry} if isinstance(entry, str) else entry
    if not isinstance(both, dict) or not isinstance(both.get("image"), str):
        raise UserError(
            f'{path}: an entry of {key!r} is {entry!r}, not {{"image": FILE, '
            '"label": FILE}'
        )
    files = {}
    for kind in ("image", "label"):
        name = both.get(kind)
        if name is None:
            continue
        inside = os.path.normpath(name)
        if os.path.isabs(inside) or inside.split(os.sep)[0] == os.pardir:
            raise UserError(
                f"{path} lists {name} under {key!r}, which lies outside its folder"
            )
        file = path.parent / name
        if not is_volume(file):
            raise UserError(
                f"{path} lists {name} under {key!r}: expected a file ending in "
                f"{' or '.join(VOLUME_SUFFIXES)}"
            )
        if not file.is_file():
            raise UserError(
                f"{path} lists {name} under {key!r}, but there is no {file}"
            )
        files[kind] = file
    return files["image"], files.get("label")


def _labels(path: Path, content: dict[str, Any]) -> LabelMap:
    """Names by value; a value may be left out, as 3 is in BraTS."""
    part = content.get("labels")
    if not isinstance(part, dict) or not part:
        raise UserError(
            f'{path} has no \'labels\': expected {{"0": NAME, "1": NAME, ...}}'
        )
    if not all(str(key).isdecimal() for key in part) or "0" not in part:
        raise UserError(
            f"{path}: the keys of 'labels' are {', '.join(part)}, not numbers from 0"
        )
    values = sorted(int(key) for key in part)
    names = tuple(str(part[str(value)]) for value in values if value != VOID)
    return LabelMap(names, tuple((v,) for v in values if v != VOID), (VOID,))


def _read_numbered(path: Path, content: dict[str, Any], key: str) -> tuple[str, ...]:
    """Names under the keys "0", "1", ... of a part of the index."""
    part = content.get(key)
    if not isinstance(part, dict) or not part:
        raise UserError(
            f'{path} has no {key!r}: expected {{"0": NAME, "1": NAME, ...}}'
        )
    wanted = [str(number) for number in range(len(part))]
    if sorted(part, key=str) != sorted(wanted):
        raise UserError(
            f"{path}: the keys of {key!r} are {', '.join(sorted(part))}, not "
            f"{', '.join(wanted)}"
        )
    return tuple(str(part[number]) for number in wanted)
