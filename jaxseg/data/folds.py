"""Folds of cross-validation, kept in a file so that every run uses the same."""

import dataclasses
import hashlib
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxseg.data.cases import Case
from jaxseg.data.collection import list_cases
from jaxseg.data.grouping import groups_of
from jaxseg.errors import UserError
from jaxseg.files import read_json


@dataclasses.dataclass(frozen=True)
class Folds:
    """A partition of the cases of some splits.

    Attributes:
      seed: of the shuffle.
      members: of each fold, the cases as "split/name".
    """

    seed: int
    members: tuple[tuple[str, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"seed": self.seed, "folds": [list(fold) for fold in self.members]}


def make_folds(
    hashes: Mapping[str, str],
    count: int,
    seed: int,
    patients: Mapping[str, str | None] | None = None,
) -> Folds:
    """Folds whose sizes differ by as little as copies and patients allow.

    Cases of one content, and those of one patient, go into one fold: what is held back
    would be seen in training otherwise.

    Args:
      hashes: content of the image of each case, by "split/name".
      count: of folds, >= 2.
      seed: of the shuffle.
      patients: whose each case is, where that is known.

    Raises:
      UserError: there are fewer different images, or patients, than folds.
    """
    keys = {name: [f"image {content}"] for name, content in hashes.items()}
    for name, patient in (patients or {}).items():
        if patient is not None and name in keys:
            keys[name].append(f"patient {patient}")
    groups = groups_of(keys)
    if len(groups) < count:
        what = "patients or images" if patients else "images"
        raise UserError(f"{len(groups)} different {what} do not make {count} folds")
    shuffled = list(groups)
    random.Random(seed).shuffle(shuffled)
    shuffled.sort(key=len, reverse=True)  # stable: copies first, all else shuffled
    folds: list[list[str]] = [[] for _ in range(count)]
    for group in shuffled:
        min(folds, key=len).extend(group)
    return Folds(seed, tuple(tuple(sorted(fold)) for fold in folds))


def read_folds(path: Path) -> Folds:
    """The folds in a file.

    Raises:
      UserError: the file is missing or is none that `jaxseg check --folds` wrote.
    """
    content = read_json(path)
    folds, seed = content.get("folds"), content.get("seed")
    if (
        not isinstance(seed, int)
        or not isinstance(folds, list)
        or len(folds) < 2
        or not all(
            isinstance(fold, list) and fold and all(isinstance(x, str) for x in fold)
            for fold in folds
        )
    ):
        raise UserError(
            f'{path} holds no folds: expected {{"seed": N, "folds": [["train/NAME", '
            "...], ...]}}, as `jaxseg check --folds` writes"
        )
    members = [name for fold in folds for name in fold]
    if len(set(members)) < len(members):
        twice = next(name for name in members if members.count(name) > 1)
        raise UserError(f"{path} holds {twice} twice")
    return Folds(seed, tuple(tuple(fold) for fold in folds))


def digest(path: Path) -> str:
    """A short hash of the file's content, to see whether it has changed."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def cases_of_fold(folder: Path, path: Path, fold: int) -> tuple[list[Case], list[Case]]:
    """Cases to train with, and the held-back cases of a fold.

    Args:
      folder: data folder.
      path: file of folds.
      fold: number of the held-back fold, from 0.

    Raises:
      UserError: there is no such fold, or a case is not in the data folder.
    """
    folds = read_folds(path)
    if not 0 <= fold < len(folds.members):
        raise UserError(
            f"--fold {fold}: the folds of {path} go from 0 to {len(folds.members) - 1}"
        )
    wanted = {name.partition("/")[0] for part in folds.members for name in part}
    known = {
        f"{split}/{case.name}": case
        for split in sorted(wanted)
        for case in list_cases(folder, split)
    }

    def found(names: Sequence[str]) -> list[Case]:
        for name in names:
            if name not in known:
                raise UserError(f"{path} names the case {name}, which {folder} lacks")
        return [known[name] for name in names]

    others = [part for k, part in enumerate(folds.members) if k != fold]
    return found([name for part in others for name in part]), found(folds.members[fold])
