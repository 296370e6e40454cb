"""A data folder as studies use it: checked once, with facts, folds and a digest."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.protocol.groups import KNOWN, group_of
from jaxseg.data.check import DataReport, check_folder
from jaxseg.data.facts import Facts
from jaxseg.data.folds import make_folds
from jaxseg.data.labels import LabelMap
from jaxseg.errors import UserError
from jaxseg.files import write_json

DIGITS = 16
"""Hexadecimal digits of a digest."""


def digest_of(value: Any) -> str:
    """A short hash of plain JSON values."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
    """Facts of a data folder.

    Attributes:
      path: of the folder.
      name: its last part.
      digest: of all cases: names, pixels of the image, pixels of each class.
      counts: cases of each split.
      num_classes: background included.
      channels: of an image.
      class_shares: ``[num_classes]`` share of each class among the training pixels.
      labels: what the values of its masks mean.
      hashes: content of each image, by "split/case".
      settings: of a `RunConfig`, what only volumes have.
      patients: whose each case is, by "split/case", where a list of the data says so.
      pattern: of the unit at the start of a case's name; None if cases are their own.
    """

    path: Path
    name: str
    digest: str
    counts: dict[str, int]
    num_classes: int
    channels: int
    class_shares: tuple[float, ...]
    labels: LabelMap
    hashes: dict[str, str]
    settings: dict[str, Any]
    patients: dict[str, str] = dataclasses.field(default_factory=dict)
    pattern: str | None = None

    @property
    def kind(self) -> str:
        """Volumes, images of two classes, or scenes, of which every class counts."""
        if self.volumes:
            return "volume"
        return "binary" if self.num_classes == 2 else "scene"

    @property
    def volumes(self) -> bool:
        """Whether the data are volumes, and not images."""
        return "windows" in self.settings

    def settings_of_run(self) -> dict[str, Any]:
        """What a `RunConfig` on these data must say of them."""
        return {
            "data": str(self.path),
            "num_classes": self.num_classes,
            "channels": self.channels,
            "labels": self.labels.settings(),
            **self.settings,
        }

    def write_folds(
        self, folder: Path, *, count: int, seed: int, splits: Sequence[str]
    ) -> dict[str, str]:
        """Makes folds of some splits and keeps them in a file.

        Copies are in one fold, and so are cases of one unit.

        Returns:
          Settings of a `RunConfig`: the file and its digest, to which ``fold`` is to
          be added.
        """
        hashes, units = {}, {**self.patients}
        for name, content in self.hashes.items():
            split, _, case = name.partition("/")
            if split in splits:
                hashes[name] = content
                if self.pattern is not None:
                    units[name] = group_of(self.pattern, case)
        folds = make_folds(hashes, count, seed, units).to_json()
        path = folder / f"{self.name}-{digest_of([self.digest, folds])}.json"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_json(path, folds)
        return {
            "folds": str(path),
            "folds_digest": hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS],
        }

    def scored_split(self) -> str:
        """The split that is scored where there are no folds.

        Raises:
          UserError: there is neither "test" nor "validation".
        """
        for split in ("test", "validation"):
            if self.counts.get(split):
                return split
        raise UserError(
            f"--data {self.path}: without folds the split 'test' is scored, or "
            f"'validation' where there is none, and there is only "
            f"{', '.join(self.counts)}"
        )


def read_dataset(
    path: Path,
    *,
    pattern: str | None = None,
    tick: Callable[[int], object] = lambda _: None,
) -> Dataset:
    """Checks every file of a data folder.

    Args:
      path: image folder or Decathlon folder.
      pattern: of the unit of a case; None takes the patients of a list, or what is
        `KNOWN` of the folder's name.
      tick: called with 1 as each case is done.

    Raises:
      UserError: the folder has errors that training would refuse; the sentence tells
        the first and how many there are. Or its truth is more than a class a pixel.
    """
    report = check_folder(path, tick=tick)
    try:
        report.require_sound()
    except UserError as error:
        no_flags = "; studies have no such flags, labels.json in the folder says it"
        more = no_flags if re.search(r" --[a-z]", str(error)) else ""
        raise UserError(f"--data {path}: {error}{more}") from error
    _require_a_class_a_pixel(report)
    facts = report.facts("train")
    names = sorted(report.splits)
    hashes = report.hashes(names)
    patients = {name: p for name, p in report.patients(names).items() if p is not None}
    if pattern is not None:
        patients = {}
    elif not patients:
        _, pattern = KNOWN.get(path.resolve().name, ("", None))
    for name in hashes:
        group_of(pattern, name.partition("/")[2])
    return Dataset(
        path=path.resolve(),
        name=path.resolve().name,
        digest=digest_of([hashes, _pixels_of_classes(report)]),
        counts={name: len(report.splits[name]) for name in names},
        num_classes=report.num_classes,
        channels=_channels(report),
        class_shares=facts.class_shares,
        labels=facts.labels,
        hashes=hashes,
        patients=patients,
        settings=_volume_settings(facts) if facts.windows is not None else {},
        pattern=pattern,
    )


def _require_a_class_a_pixel(report: DataReport) -> None:
    """Refuses truth that a study would train on and score otherwise than it is meant.

    Raises:
      UserError: regions that overlap, masks by rater, or cases that are annotated for
        some classes alone.
    """
    assert report.labels is not None
    cases = [case for split in report.splits.values() for case in split]
    known = (case for case in cases if case.case.annotated is not None)
    rated = (case for case in cases if case.case.by_rater)
    if report.labels.regions:
        names = ", ".join(region.name for region in report.labels.regions)
        what, remedy = f"declares regions ({names})", "data that declare none"
    elif (case := next(known, None)) is not None:
        what = f"says that {case.name} is annotated for some classes alone"
        remedy = "cases that are annotated for all"
    elif (case := next(rated, None)) is not None:
        what = f"has masks of {case.name} by several raters"
        remedy = "one mask an image in masks/"
    else:
        return
    raise UserError(
        f"--data {report.folder} {what}: studies compare losses on one class a pixel, "
        f"so they need {remedy}; jaxseg train takes it as it is"
    )


def _pixels_of_classes(report: DataReport) -> list[list[int]]:
    return [
        [*case.of_ids[: report.num_classes].tolist(), case.void]
        for split in sorted(report.splits)
        for case in report.splits[split]
    ]


def _channels(report: DataReport) -> int:
    found = {case.channels for cases in report.splits.values() for case in cases}
    return max(found)


def _volume_settings(facts: Facts) -> dict[str, Any]:
    assert facts.windows is not None
    assert facts.spacings_mm is not None
    spacing = facts.median_spacing_mm
    return {
        "spacing": spacing,
        "voxel_mm": spacing or facts.spacings_mm[0],
        "windows": tuple(w and dataclasses.asdict(w) for w in facts.windows),
    }


def describe(dataset: Dataset) -> dict[str, Any]:
    """What reports say of a data set."""
    return {
        "name": dataset.name,
        "digest": dataset.digest,
        "cases": dataset.counts,
        "num_classes": dataset.num_classes,
        "channels": dataset.channels,
        "class_shares": list(dataset.class_shares),
        "kind": dataset.kind,
        "pattern": dataset.pattern,
        **({"patients": _by_case(dataset.patients)} if dataset.patients else {}),
    }


def _by_case(patients: Mapping[str, str]) -> dict[str, str]:
    """Without the split: a list names each case once."""
    return {name.partition("/")[2]: patient for name, patient in patients.items()}
