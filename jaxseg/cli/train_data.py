"""What the data of `jaxseg train` tell about a run, checked before it starts."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import jax

from jaxseg.cli.progress import bar
from jaxseg.data.collection import list_cases, splits
from jaxseg.data.decathlon import is_decathlon, read_index
from jaxseg.data.folder import Case, Facts, check_cases
from jaxseg.data.folds import cases_of_fold
from jaxseg.data.synthetic import Lesions
from jaxseg.data.volume_facts import VolumeFacts, check_volumes, require_labels
from jaxseg.errors import UserError
from jaxseg.training.sources import SYNTHETIC

LEAST_SIDE = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What the data tell about a run.

    Attributes:
      name: folder, or "synthetic".
      size: that the flags or the images themselves give; None is left to a plan.
      num_classes: classes, background included.
      channels: of an image.
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
    spacing: tuple[float, ...] | None = None
    voxel_mm: tuple[float, ...] | None = None
    windows: tuple[dict[str, float] | None, ...] | None = None
    shapes: tuple[tuple[int, ...], ...] = ()
    spacings_mm: tuple[tuple[float, ...], ...] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Those of a `RunConfig` that the data give."""
        return {
            "data": self.name,
            "size": self.size,
            "num_classes": self.num_classes,
            "channels": self.channels,
            "spacing": self.spacing,
            "voxel_mm": self.voxel_mm,
            "windows": self.windows,
        }


def read_data(arguments: argparse.Namespace, synthetic: dict[str, float]) -> DataFacts:
    """Reads the data, or refuses flags that do not go with them."""
    path = Path(arguments.data)
    made = arguments.data == SYNTHETIC
    volumes = not made and is_decathlon(path)
    size = tuple(arguments.size) if arguments.size else None
    wanted = ("three numbers, H W D", 3) if volumes else ("a height and a width", 2)
    if size is not None and len(size) != wanted[1]:
        what = "volumes take" if volumes else "images take"
        raise UserError(f"--size: {what} {wanted[0]}, not {len(size)} numbers")
    if size is not None and min(size) < LEAST_SIDE:
        raise UserError(
            f"--size {' '.join(map(str, size))}: {min(size)} is less than "
            f"{LEAST_SIDE}, the shortest side that a network can halve"
        )
    if not made and synthetic:
        flag = "--" + next(iter(synthetic)).replace("_", "-")
        raise UserError(f"{flag} goes with --data synthetic, not with a folder")
    if (volumes or made) and arguments.foreground_images is not None:
        raise UserError("--foreground-images goes with a data folder of images")
    if not volumes:
        for flag in ("spacing", "foreground_patches"):
            if getattr(arguments, flag) is not None:
                raise UserError(
                    f"--{flag.replace('_', '-')} goes with volumes, not with images"
                )
    if made:
        if arguments.folds is not None:
            raise UserError("--folds goes with a data folder, not with synthetic data")
        return DataFacts(
            name=SYNTHETIC,
            size=size or Lesions().size,
            num_classes=arguments.num_classes or 2,
            channels=1,
        )
    training, validation = _cases(path, arguments.folds, arguments.fold)
    if volumes:
        return _of_volumes(arguments, path, size, training, validation)
    return _of_images(arguments, path, size, training, validation)


def _cases(
    path: Path, folds: str | None, fold: int | None
) -> tuple[list[Case], list[Case]]:
    """Cases to train with and to validate on; the latter may be none."""
    if folds is not None and fold is not None:
        return cases_of_fold(path, Path(folds), fold)
    training = list_cases(path, "train")
    known = splits(path)
    return training, list_cases(path, "validation") if "validation" in known else []


def _of_images(
    arguments: argparse.Namespace,
    path: Path,
    size: tuple[int, ...] | None,
    training: list[Case],
    validation: list[Case],
) -> DataFacts:
    count = len(training) + len(validation)
    with bar(count, "checking images", "image") as progress:
        facts = check_cases(
            training, num_classes=arguments.num_classes, tick=progress.update
        )
        if validation:
            check_cases(validation, num_classes=facts.num_classes, tick=progress.update)
    if size is None and not arguments.plan:
        size = facts.size
        if size is None:
            raise UserError(
                f"the images in {path / 'train' / 'images'} differ in size: pass "
                "--size H W, or --plan"
            )
    _tell("images", len(training), facts)
    return DataFacts(
        name=str(path),
        size=size,
        num_classes=facts.num_classes,
        channels=facts.channels,
        shapes=facts.sizes,
    )


def _of_volumes(
    arguments: argparse.Namespace,
    path: Path,
    size: tuple[int, ...] | None,
    training: list[Case],
    validation: list[Case],
) -> DataFacts:
    if size is None and not arguments.plan:
        raise UserError(
            f"{path} holds volumes: pass the size of a patch, --size H W D, or --plan"
        )
    require_labels(training, "train")
    require_labels(validation, "validation")
    index = read_index(path)
    with bar(len(training) + len(validation), "checking volumes", "volume") as progress:
        facts = check_volumes(
            training, index, num_classes=arguments.num_classes, tick=progress.update
        )
        if validation:
            check_volumes(
                validation,
                index,
                num_classes=facts.num_classes,
                tick=progress.update,
            )
    _tell("volumes", len(training), facts)
    spacing = tuple(arguments.spacing) if arguments.spacing else facts.median_spacing_mm
    extent = " x ".join(f"{n:g}" for n in spacing or facts.spacings_mm[0])
    how = "resampled to" if spacing else "all with"
    print(f"voxels of {extent} mm ({how} them), median size {facts.median_shape}")
    return DataFacts(
        name=str(path),
        size=size,
        num_classes=facts.num_classes,
        channels=facts.channels,
        spacing=spacing,
        voxel_mm=spacing or facts.spacings_mm[0],
        windows=tuple(w and dataclasses.asdict(w) for w in facts.windows),
        shapes=facts.shapes,
        spacings_mm=facts.spacings_mm,
    )


def _tell(kind: str, count: int, facts: Facts | VolumeFacts) -> None:
    """Class statistics, printed before training begins."""
    shares = ", ".join(f"{100 * share:.2f} %" for share in facts.class_shares)
    if jax.process_index() == 0:
        print(
            f"{count} training {kind}, {facts.num_classes} classes with shares "
            f"{shares}, {facts.empty} without foreground"
        )
