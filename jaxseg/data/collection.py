"""Data sets in any layout that is taken: which cases each split has."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from jaxseg.data import decathlon, folder
from jaxseg.data.cases import Case
from jaxseg.data.labels import LabelMap, read_labels
from jaxseg.errors import UserError


def _nothing(_: str) -> list[str]:
    return []


@dataclasses.dataclass(frozen=True)
class Collection:
    """A data set as it lies in files.

    Attributes:
      path: of the folder or list.
      splits: their names.
      cases: of a split, by name; UserError names what is missing.
      labels: what values mean, if the data set says so; a ``labels.json`` in the folder
        counts more than any index.
      modalities: names of the channels of volumes, if the data set says so.
      passed_over: files and folders of a split that are not read.
    """

    path: Path
    splits: tuple[str, ...]
    cases: Callable[[str], list[Case]]
    labels: LabelMap | None = None
    modalities: tuple[str, ...] = ()
    passed_over: Callable[[str], list[str]] = _nothing


def open_collection(path: Path) -> Collection:
    """The data set at a path, whatever its layout.

    Raises:
      UserError: there is none, or its index is ill-formed.
    """
    if decathlon.is_decathlon(path):
        index = decathlon.read_index(path)
        return Collection(
            path,
            tuple(index.lists),
            lambda split: decathlon.list_volumes(path, split),
            labels=read_labels(path) or index.labels,
            modalities=index.modalities,
        )
    names = folder.splits(path)
    if not names:
        raise UserError(
            f"{path} holds no data: expected {path}/{decathlon.INDEX}, or "
            f"{path}/train/images and {path}/train/masks"
        )
    return Collection(
        path,
        tuple(names),
        lambda split: folder.list_cases(path, split),
        labels=read_labels(path),
        passed_over=lambda split: folder.passed_over(path / split),
    )


def splits(path: Path) -> list[str]:
    """Names of the splits of a data set.

    Raises:
      UserError: see `open_collection`.
    """
    return list(open_collection(path).splits)


def list_cases(path: Path, split: str) -> list[Case]:
    """Cases of a split, by name.

    Raises:
      UserError: see `open_collection`; or the split is missing or ill-formed.
    """
    return open_collection(path).cases(split)
