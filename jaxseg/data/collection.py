"""Data sets in any layout that is taken: which cases each split has."""

import dataclasses
import fnmatch
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jaxseg.data import decathlon, folder, lists, nnunet
from jaxseg.data.cases import Case
from jaxseg.data.labels import LabelMap, read_annotated, read_labels
from jaxseg.data.made_splits import SPLITS, keep_split
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
      remark: where the splits are from, if the data set does not say.
    """

    path: Path
    splits: tuple[str, ...]
    cases: Callable[[str], list[Case]]
    labels: LabelMap | None = None
    modalities: tuple[str, ...] = ()
    passed_over: Callable[[str], list[str]] = _nothing
    remark: str | None = None


def open_collection(path: Path) -> Collection:
    """The data set at a path, whatever its layout, with what its labels know of.

    One without splits gets some, which are kept in a file beside it.

    Raises:
      UserError: there is none, or its index is ill-formed.
    """
    found = _opened(path)
    patterns = read_annotated(path if path.is_dir() else path.parent)
    if not patterns:
        return found

    def cases(split: str) -> list[Case]:
        return [_partly(case, patterns) for case in found.cases(split)]

    return dataclasses.replace(found, cases=cases)


def _partly(case: Case, patterns: Mapping[str, tuple[str, ...]]) -> Case:
    """A case with the classes that the first fitting pattern names."""
    if case.annotated is not None:
        return case
    fitting = (p for p in patterns if fnmatch.fnmatchcase(case.name, p))
    first = next(fitting, None)
    known = None if first is None else patterns[first]
    return dataclasses.replace(case, annotated=known)


def _opened(path: Path) -> Collection:
    if lists.is_list(path):
        return _open_list(path)
    if nnunet.is_nnunet(path):
        return _open_nnunet(path)
    if decathlon.is_decathlon(path):
        index = decathlon.read_index(path)
        return Collection(
            path,
            tuple(index.lists),
            lambda split: decathlon.list_volumes(path, split),
            labels=read_labels(path, index.labels),
            modalities=index.modalities,
        )
    names = folder.splits(path)
    if names:
        return Collection(
            path,
            tuple(names),
            lambda split: folder.list_cases(path, split),
            labels=read_labels(path),
            passed_over=lambda split: folder.ignored_files(path / split),
        )
    if (path / folder.IMAGES).is_dir():
        read_labels(path)  # which may be refused, before anything is written
        parts, remark = keep_split(path / SPLITS, folder.pairs(path))
        return _collect(path, path, parts, remark)
    raise UserError(
        f"{path} holds no data: expected {path}/train/images and {path}/train/masks, "
        f"{path}/images and {path}/masks, {path}/{decathlon.INDEX}, or a list in CSV "
        f"or JSON{_meant(path)}"
    )


def _meant(path: Path) -> str:
    """The data set that a folder lies in or holds, as the end of a sentence."""
    parts = (folder.IMAGES, *folder.MASKS)
    around = (path.parent.parent, path.parent) if path.name in parts else ()
    for other in (*around, *sorted(part for part in path.iterdir() if part.is_dir())):
        if (other / decathlon.INDEX).is_file() or folder.splits(other):
            return f"; did you mean {other}?"
        if (other / folder.IMAGES).is_dir() and other != path.parent.parent:
            return f"; did you mean {other}?"
    found = sorted(p for p in path.iterdir() if p.suffix.lower() in (".csv", ".tsv"))
    return f"; did you mean {found[0]}?" if found else ""


def _open_list(path: Path) -> Collection:
    cases, splits = lists.read_list(path)
    if splits is None:
        place = path.with_name(f"{path.stem}.{SPLITS}")
        read_labels(path.parent)
        parts, remark = keep_split(place, cases)
        return _collect(path, path.parent, parts, remark)
    parts = {}
    for case, split in zip(cases, splits, strict=True):
        parts.setdefault(split, []).append(case)
    return _collect(path, path.parent, parts, None)


def _open_nnunet(path: Path) -> Collection:
    names, labels, training, test = nnunet.read_nnunet(path)
    read_labels(path, labels)
    parts, remark = keep_split(path / SPLITS, training, nnunet.SHARES)
    if test:
        parts["test"] = test
    found = _collect(path, path, parts, remark, labels)
    modalities = names if training[0].volume else ()
    return dataclasses.replace(found, modalities=modalities)


def _collect(
    path: Path,
    labels: Path,
    parts: Mapping[str, Sequence[Case]],
    remark: str | None,
    index: LabelMap | None = None,
) -> Collection:
    def cases(split: str) -> list[Case]:
        if split not in parts:
            raise UserError(
                f"{path} has no split {split!r}: it has {', '.join(parts) or 'none'}"
            )
        return sorted(parts[split], key=lambda case: case.name)

    return Collection(
        path, tuple(parts), cases, labels=read_labels(labels, index), remark=remark
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
