"""What the data of `jaxseg train` tell about a run, checked before it starts."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax

from jaxseg.cli.label_flags import labels_from_flags
from jaxseg.cli.progress import bar
from jaxseg.data.cases import Case
from jaxseg.data.check import DataReport, examine
from jaxseg.data.collection import Collection, open_collection
from jaxseg.data.facts import Facts
from jaxseg.data.folds import cases_of_fold
from jaxseg.data.labels import LabelMap
from jaxseg.data.shrinking import Shrunk, shrink_to_size, shrink_to_spacing
from jaxseg.data.survey import CaseFacts
from jaxseg.data.synthetic import Lesions
from jaxseg.data.truth import require_raters, used_raters
from jaxseg.errors import UserError
from jaxseg.training.sources import SYNTHETIC

LEAST_SIDE = 8
WORTH_TELLING = (
    "splits", "labels", "regions", "doubtful", "absent-class", "stored", "orientation",
    "geometry", "annotated",
)  # fmt: skip
"""Kinds of notes that training prints; `jaxseg check` has all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What the data tell about a run.

    Attributes:
      name: folder, or "synthetic".
      size: that the flags or the images themselves give; None is left to a plan.
      num_classes: classes, background included.
      channels: of an image.
      labels: what the values of masks mean; None where they are class ids.
      regions: class ids of each, if regions are to be found.
      spacing: voxel size in mm that volumes are resampled to.
      voxel_mm: of the network's input; None for images.
      windows: normalisation of each channel of volumes; None for images.
      shapes: of each training case.
      spacings_mm: of each training case; None for images.
    """

    name: str
    size: tuple[int, ...] | None
    num_classes: int
    channels: int
    labels: dict[str, Any] | None = None
    regions: tuple[tuple[int, ...], ...] = ()
    spacing: tuple[float, ...] | None = None
    voxel_mm: tuple[float, ...] | None = None
    windows: tuple[dict[str, float] | None, ...] | None = None
    shapes: tuple[tuple[int, ...], ...] = ()
    spacings_mm: tuple[tuple[float, ...], ...] | None = None

    @property
    def outputs(self) -> int:
        """Classes or regions that a network tells apart."""
        return len(self.regions) or self.num_classes

    @property
    def settings(self) -> dict[str, Any]:
        """Those of a `RunConfig` that the data give."""
        return {
            "data": self.name,
            "size": self.size,
            "num_classes": self.num_classes,
            "channels": self.channels,
            "labels": self.labels,
            "regions": self.regions or None,
            "spacing": self.spacing,
            "voxel_mm": self.voxel_mm,
            "windows": self.windows,
        }


def read_data(arguments: argparse.Namespace, synthetic: dict[str, float]) -> DataFacts:
    """Reads the data, or refuses flags that do not go with them."""
    path = Path(arguments.data)
    made = arguments.data == SYNTHETIC
    size = tuple(arguments.size) if arguments.size else None
    if size is not None and min(size) < LEAST_SIDE:
        raise UserError(
            f"--size {' '.join(map(str, size))}: {min(size)} is less than "
            f"{LEAST_SIDE}, the shortest side that a network can halve"
        )
    if not made and synthetic:
        flag = "--" + next(iter(synthetic)).replace("_", "-")
        raise UserError(f"{flag} goes with --data synthetic, not with a folder")
    if made:
        for flag in ("labels", "void", "soft", "raters"):
            name = "label_names" if flag == "labels" else flag
            if getattr(arguments, name):
                raise UserError(f"--{flag} goes with a data folder")
        _check_flags_of_kind(arguments, path, size, volumes=False)
        if arguments.folds is not None:
            raise UserError("--folds goes with a data folder, not with synthetic data")
        return DataFacts(
            name=SYNTHETIC,
            size=size or Lesions().size,
            num_classes=arguments.num_classes or 2,
            channels=1,
        )
    collection = open_collection(path)
    training, validation = (
        used_raters(cases, arguments.raters)
        for cases in _cases(collection, arguments.folds, arguments.fold)
    )
    require_raters(training, arguments.raters)
    volumes = training[0].volume
    _check_flags_of_kind(arguments, path, size, volumes=volumes)
    report = _examine(arguments, collection, training, validation)
    facts = report.facts("train")
    settings = DataFacts(
        name=str(path),
        size=size or (None if volumes or arguments.plan else _own_size(path, facts)),
        num_classes=facts.num_classes,
        channels=facts.channels,
        labels=facts.labels.settings(),
        regions=facts.labels.members,
        shapes=facts.shapes,
        spacings_mm=facts.spacings_mm,
    )
    if volumes:
        settings = _volume_facts(arguments, settings, facts)
    _tell(report, settings)
    return settings


def _check_flags_of_kind(
    arguments: argparse.Namespace,
    path: Path,
    size: tuple[int, ...] | None,
    *,
    volumes: bool,
) -> None:
    """Refuses flags that do not go with images, or with volumes."""
    made = arguments.data == SYNTHETIC
    if arguments.foreground_images is not None and (volumes or made):
        raise UserError("--foreground-images goes with a data folder of images")
    wanted = ("three numbers, H W D", 3) if volumes else ("a height and a width", 2)
    what = "volumes" if volumes else "images"
    if size is not None and len(size) != wanted[1]:
        numbers = "number" if len(size) == 1 else "numbers"
        raise UserError(f"--size: {what} take {wanted[0]}, not {len(size)} {numbers}")
    if not volumes:
        for flag in ("spacing", "foreground_patches"):
            if getattr(arguments, flag) is not None:
                raise UserError(
                    f"--{flag.replace('_', '-')} goes with volumes, not with images"
                )
    elif size is None and not arguments.plan:
        raise UserError(
            f"{path} holds volumes: pass the size of a patch, --size H W D, or --plan"
        )


def _cases(
    collection: Collection, folds: str | None, fold: int | None
) -> tuple[list[Case], list[Case]]:
    """Cases to train with and to validate on; the latter may be none."""
    if folds is not None and fold is not None:
        return cases_of_fold(collection.path, Path(folds), fold)
    training = collection.cases("train")
    known = "validation" in collection.splits
    return training, collection.cases("validation") if known else []


def _examine(
    arguments: argparse.Namespace,
    collection: Collection,
    training: list[Case],
    validation: list[Case],
) -> DataReport:
    """All cases of the run, read once, without an error in them."""
    kind = "volume" if training[0].volume else "image"
    count = len(training) + len(validation)
    with bar(count, f"checking {kind}s", kind) as progress:
        report = examine(
            collection,
            {"train": training, "validation": validation},
            labels_from_flags(arguments),
            tick=progress.update,
        )
    report.require_sound()
    return report


def _own_size(path: Path, facts: Facts) -> tuple[int, ...]:
    if facts.shape is None:
        raise UserError(
            f"the training images of {path} differ in size: pass --size H W, or --plan"
        )
    return facts.shape


def _volume_facts(
    arguments: argparse.Namespace, settings: DataFacts, facts: Facts
) -> DataFacts:
    assert facts.spacings_mm is not None
    assert facts.windows is not None
    spacing = tuple(arguments.spacing) if arguments.spacing else facts.median_spacing_mm
    return dataclasses.replace(
        settings,
        spacing=spacing,
        voxel_mm=spacing or facts.spacings_mm[0],
        windows=tuple(w and dataclasses.asdict(w) for w in facts.windows),
    )


def _tell(report: DataReport, settings: DataFacts) -> None:
    """Class statistics and notes, printed before training begins."""
    facts, cases = report.facts("train"), report.splits["train"]
    lost = lost_objects(cases, facts.labels, settings.size, settings.spacing)
    emptied = len(lost.emptied) if lost is not None else 0
    if jax.process_index() != 0:
        return
    for problem in report.problems:
        if problem.kind in WORTH_TELLING:
            print(f"note: {problem.text}")
    if lost is not None and (text := lost.text()) is not None:
        print(f"note: {text}")
    shares = ", ".join(f"{100 * share:.2f} %" for share in facts.class_shares)
    print(
        f"{len(cases)} training {report.kind}, {facts.num_classes} classes with shares "
        f"{shares}, {facts.empty + emptied} without foreground"
    )
    if facts.spacings_mm is not None:
        spacing = settings.spacing
        extent = " x ".join(f"{n:g}" for n in spacing or facts.spacings_mm[0])
        how = "resampled to" if spacing else "all with"
        print(f"voxels of {extent} mm ({how} them), median size {facts.median_shape}")


def lost_objects(
    cases: Sequence[CaseFacts],
    labels: LabelMap,
    size: Sequence[int] | None,
    spacing_mm: Sequence[float] | None,
) -> Shrunk | None:
    """What masks lose at the size of images, or at the voxel size of volumes."""
    volumes = cases[0].case.volume
    if volumes and spacing_mm is not None:
        x, y, z = spacing_mm
        return shrink_to_spacing(cases, labels, (x, y, z))
    if not volumes and size is not None:
        height, width = size
        return shrink_to_size(cases, labels, (height, width))
    return None
