"""Raw data sets of nnU-Net v2: ``imagesTr/CASE_0000.nii.gz``, ``labelsTr``, index."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxseg.data.cases import Case, case_name
from jaxseg.data.folder import SUFFIXES
from jaxseg.data.labels import (
    BACKGROUND,
    ORDER,
    VOID_NAMES,
    LabelMap,
    with_regions,
)
from jaxseg.data.listing import list_files
from jaxseg.errors import UserError
from jaxseg.files import read_json

INDEX = "dataset.json"
SHARES: Mapping[str, float] = {"train": 0.8, "validation": 0.2}
"""Of ``imagesTr``; ``imagesTs`` are the test cases."""
_CHANNEL = re.compile(r"(.+)_(\d{4})")


def is_nnunet(folder: Path) -> bool:
    """Whether a folder with an index is one of nnU-Net's second version."""
    path = folder / INDEX
    return path.is_file() and "channel_names" in read_json(path)


def read_nnunet(
    folder: Path,
) -> tuple[tuple[str, ...], LabelMap, list[Case], list[Case]]:
    """Names of channels, labels, training cases and test cases.

    Where a name stands for several labels, all names are regions. Test cases have
    labels where there is a folder ``labelsTs``.

    Raises:
      UserError: the index lacks a part or is ill-formed; a file is missing.
    """
    path = folder / INDEX
    content = read_json(path)
    channels = content.get("channel_names")
    if not isinstance(channels, dict) or not channels:
        raise UserError(f'{path}: expected "channel_names": {{"0": NAME, ...}}')
    names = tuple(str(channels[key]) for key in sorted(channels, key=int))
    ending = content.get("file_ending")
    if not isinstance(ending, str) or ending not in SUFFIXES:
        raise UserError(
            f"{path}: file_ending is {ending!r}, not one of {', '.join(SUFFIXES)}"
        )
    labels = _labels(path, content)
    training = _cases(folder, "Tr", ending, len(names))
    unlabelled = [case for case in training if case.mask is None]
    if unlabelled:
        raise UserError(f"{unlabelled[0].image} has no label in {folder / 'labelsTr'}")
    test = []
    if (folder / "imagesTs").is_dir() and any((folder / "imagesTs").iterdir()):
        test = _cases(folder, "Ts", ending, len(names))
    return names, labels, training, test


def channels_joined(files: Sequence[Path], count: int) -> list[Case]:
    """Cases without labels of files ``CASE_0000.EXT``, ``CASE_0001.EXT``, ...

    Args:
      files: of a folder.
      count: of channels.

    Returns:
      A case for each file, unless all names are of that kind and give each case exactly
      the channels 0 to count - 1, or 0 alone.
    """
    found: dict[str, dict[int, Path]] = {}
    for file in files:
        match = _CHANNEL.fullmatch(case_name(file))
        if match is None:
            return [Case(case_name(path), path, None) for path in files]
        found.setdefault(match[1], {})[int(match[2])] = file
    wanted = (list(range(count)), [0])
    if not all(sorted(channels) in wanted for channels in found.values()):
        return [Case(case_name(path), path, None) for path in files]
    return [
        Case(name, own[0], None, tuple(own[k] for k in sorted(own) if k))
        for name, own in sorted(found.items())
    ]


def _cases(folder: Path, part: str, ending: str, count: int) -> list[Case]:
    images = folder / f"images{part}"
    files = [
        path
        for path in list_files(images, "images", (ending,))
        if path.name.endswith(ending)
    ]
    found: dict[str, dict[int, Path]] = {}
    for file in files:
        match = _CHANNEL.fullmatch(file.name[: -len(ending)])
        if match is None:
            raise UserError(f"{file}: expected a name as CASE_0000{ending}")
        found.setdefault(match[1], {})[int(match[2])] = file
    cases = []
    for name, channels in sorted(found.items()):
        # Colours of a picture are three channels of one file.
        if sorted(channels) != list(range(count)) and sorted(channels) != [0]:
            raise UserError(
                f"{images} has the channels {', '.join(map(str, sorted(channels)))} of "
                f"{name}, but dataset.json names {count}"
            )
        label = folder / f"labels{part}" / f"{name}{ending}"
        cases.append(
            Case(
                name,
                channels[0],
                label if label.is_file() else None,
                tuple(channels[k] for k in sorted(channels) if k),
            )
        )
    return cases


def _labels(path: Path, content: Mapping[str, Any]) -> LabelMap:
    """Values of each name; where there are regions, of the labels they are made of."""
    part = content.get("labels")
    if not isinstance(part, dict) or len(part) < 2:
        raise UserError(f'{path}: expected "labels": {{"background": 0, NAME: 1, ...}}')
    names: dict[int, str] = {}
    void: list[int] = []
    found: dict[str, list[int]] = {}
    for name, value in part.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(v, int) and not isinstance(v, bool) for v in values):
            raise UserError(f"{path}: the label {name!r} is {value!r}, no number")
        if name in VOID_NAMES:
            void += values
            continue
        if values != [0]:
            found[name] = values
        for v in values:
            names.setdefault(v, name if len(values) == 1 else f"label {v}")
            if len(values) == 1:
                names[v] = name
    if 0 not in names:
        raise UserError(f"{path}: no label is 0, the background")
    regions = any(len(values) > 1 for values in found.values())
    if regions:
        names[0] = BACKGROUND
    values = sorted(names)
    labels = LabelMap(
        tuple(names[v] for v in values), tuple((v,) for v in values), tuple(void)
    )
    if not regions:
        return labels
    return with_regions(labels, found, content.get(ORDER), str(path))
